// Runs the simulation, linked with a core in which one line is wrong, until a seed notices.
//
// Passes where one of the first 10,000 seeds, as many as CI runs of the right core, fails, by an
// error or by a violated invariant.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/simulation/programs.h"
#include "tests/simulation/world.h"

namespace troupe::simulation {
namespace {

constexpr uint64_t kSeeds = 10'000;

// What the seeds run in: a violated invariant aborts it, and says so to the log.
[[noreturn]] void RunSeeds() {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    World world(Options::FromSeed(seed));
    const std::string error = world.Run();
    if (error.empty()) continue;
    std::printf("%s\n", error.c_str());
    std::fflush(stdout);
    _exit(1);
  }
  _exit(0);
}

int Main() {
  const pid_t child = fork();
  if (child == 0) RunSeeds();
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 2;
  const bool found = WIFSIGNALED(status) || WEXITSTATUS(status) == 1;
  std::printf(found ? "found\n" : "no seed of %llu notices\n",
              static_cast<unsigned long long>(kSeeds));
  return found ? 0 : 1;
}

}  // namespace
}  // namespace troupe::simulation

int main() { return troupe::simulation::Main(); }
