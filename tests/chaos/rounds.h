// Rounds of chaos: one seed each, one after the other, until there were enough; nothing may hang,
// and nothing may be left of one when it is over.
//
//   TEST(Chaos, OfWorkers) {
//     Repeat("workers", [](uint64_t seed, Tally& tally) { ...; ++tally["SIGKILL"]; });
//   }
//   int main(...) { ... ParseFlag(argument) ... }
//
// Not thread-safe: rounds do not overlap.
#ifndef TROUPE_TESTS_CHAOS_ROUNDS_H_
#define TROUPE_TESTS_CHAOS_ROUNDS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace troupe::testing {

// How often each kind of harm was done. What is no death has a name in kNoDeaths.
using Tally = std::map<std::string, int64_t>;

inline constexpr std::string_view kStop = "SIGSTOP and SIGCONT";
inline constexpr std::string_view kFullDisk = "full disk";

// --seconds=S and --kills=N, of all tests together: each goes on until it has had its share of
// both. --seed=N: of the first round. False for another argument, or for no number.
bool ParseFlag(std::string_view argument);

// Runs rounds, and prints how many there were, from which seed, and what harm was done. A round
// that takes minutes ends the program, with its seed and the processes that are there; the first
// failure ends the test. Fails where a process (of this subreaper), shared memory, or a descriptor
// of this process is left after a round.
void Repeat(const char* test, const std::function<void(uint64_t seed, Tally& tally)>& round);

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_CHAOS_ROUNDS_H_
