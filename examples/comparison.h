// What every example ends with: the same work done serially, how long each way took, and whether
// they agree.
#ifndef TROUPE_EXAMPLES_COMPARISON_H_
#define TROUPE_EXAMPLES_COMPARISON_H_

#include <chrono>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace examples {

template <typename T>
struct Timing {
  T result;
  double seconds;
};

template <typename F>
Timing<std::invoke_result_t<F>> Timed(F f) {
  const auto start = std::chrono::steady_clock::now();
  auto result = f();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  return {std::move(result), taken.count()};
}

// Prints both times and whether the results agree; the program's exit code.
int Verdict(bool agree, double cluster_seconds, double serial_seconds);

// The number that stands at argv[index], or `fallback` where there is none. Ends the program with
// code 2 and a sentence where it is no number from `least` to `most`.
int64_t NumberArgument(int argc, char** argv, int index, std::string_view name, int64_t fallback,
                       int64_t least, int64_t most);

}  // namespace examples

#endif  // TROUPE_EXAMPLES_COMPARISON_H_
