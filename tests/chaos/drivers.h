// Drivers in processes of their own, which are harmed; and what may be left of them: nothing.
//
//   Driver driver(seed);                       // this program again: main calls Drive
//   driver.AwaitBegun();
//   Remains remains;
//   remains.Note(driver.pid());
//   kill(driver.pid(), SIGKILL);
//   EXPECT_EQ(driver.ExitCode(), 128 + SIGKILL);
//   remains.ExpectNone();
//
// Not thread-safe.
#ifndef TROUPE_TESTS_CHAOS_DRIVERS_H_
#define TROUPE_TESTS_CHAOS_DRIVERS_H_

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>

#include "tests/chaos/rounds.h"

namespace troupe::testing {

// How a driver ends: all its results were right; its cluster was Unavailable; it was told to _exit
// (by SIGUSR1). Else something was wrong.
inline constexpr int kDone = 0;
inline constexpr int kUnavailable = 5;
inline constexpr int kExited = 8;

class Driver {
 public:
  // `address`: of a standing node; empty: it has a node of its own.
  explicit Driver(uint64_t seed, const std::string& address = "");
  ~Driver();  // kills it where it runs
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  pid_t pid() const { return pid_; }
  // Until its tasks are submitted, or it has ended.
  void AwaitBegun();
  // Waits for its end; 128 + the signal that ended it.
  int ExitCode();

 private:
  pid_t pid_ = 0;
  int begun_ = -1;
};

// For main: the arguments are a Driver's, which this process is to be; the exit code.
bool IsDriverFlag(const char* argument);
bool IsDriver();
int Drive();

// Ends a driver by SIGKILL, SIGSEGV or _exit, or stops it and lets it go on. The exit codes with
// which it may end then; it may have been done already.
std::set<int> HarmDriver(int pid, uint64_t random, Tally& tally);

// Processes and shared memory of clusters, each to be noted before the harm and after it has begun.
class Remains {
 public:
  void Note(int root);
  // Fails where a process is left, or somebody holds the shared memory.
  void ExpectNone() const;

 private:
  std::set<int> processes_;
  std::set<ino_t> memory_;
};

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_CHAOS_DRIVERS_H_
