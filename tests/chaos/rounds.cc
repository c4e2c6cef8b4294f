#include "tests/chaos/rounds.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "tests/integration/number_flag.h"
#include "tests/integration/processes.h"

namespace troupe::testing {
namespace {

uint64_t seconds = 32;  // of all tests
uint64_t kills = 0;
uint64_t first_seed = 20261125;

constexpr auto kLongestRound = std::chrono::minutes(3);
constexpr auto kSoon = std::chrono::seconds(10);

// Ends the program, with the seed, where a round takes too long.
class Watchdog {
 public:
  explicit Watchdog(std::string round) : round_(std::move(round)), thread_([this] { Watch(); }) {}
  ~Watchdog() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      done_ = true;
    }
    cv_.notify_all();
    thread_.join();
  }

 private:
  void Watch() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (cv_.wait_for(lock, kLongestRound, [this] { return done_; })) return;
    std::fprintf(stderr, "chaos: it hangs: %s\n", round_.c_str());
    for (const int pid : Descendants(getpid())) {
      std::fprintf(stderr, "  pid %d, %s, of %d\n", pid, NameOf(pid).c_str(), ParentOf(pid));
      kill(pid, SIGKILL);
    }
    std::_Exit(3);
  }

  std::string round_;
  std::mutex mutex_;
  std::condition_variable cv_;
  bool done_ = false;
  std::thread thread_;
};

// Orphans become our children.
bool NoProcessIsLeft() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return Descendants(getpid()).empty();
}

uint64_t DeathsIn(const Tally& tally) {
  uint64_t deaths = 0;
  for (const auto& [harm, times] : tally) {
    if (harm != kStop && harm != kFullDisk) deaths += static_cast<uint64_t>(times);
  }
  return deaths;
}

}  // namespace

bool ParseFlag(std::string_view argument) {
  return IsNumberFlag(argument, "--seconds=", &seconds) ||
         IsNumberFlag(argument, "--kills=", &kills) ||
         IsNumberFlag(argument, "--seed=", &first_seed);
}

void Repeat(const char* test, const std::function<void(uint64_t seed, Tally& tally)>& round) {
  const auto tests =
      static_cast<uint64_t>(std::max(1, ::testing::UnitTest::GetInstance()->test_to_run_count()));
  const uint64_t kills_here = (kills + tests - 1) / tests;
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(seconds * 1000 / tests);
  int rounds = 0;
  Tally tally;
  size_t descriptors = 0;
  for (uint64_t seed = first_seed;
       rounds == 0 || std::chrono::steady_clock::now() < end || DeathsIn(tally) < kills_here;
       ++seed, ++rounds) {
    const std::string name = std::string(test) + ", --seed=" + std::to_string(seed);
    SCOPED_TRACE(name);
    {
      const Watchdog watchdog(name);
      round(seed, tally);
    }
    ASSERT_TRUE(BecomesTrue(NoProcessIsLeft, kSoon)) << "a process is left";
    ASSERT_TRUE(SharedMemoryOf(getpid()).empty()) << "shared memory is left";
    if (rounds == 0) descriptors = DescriptorsOf(getpid());
    ASSERT_LE(DescriptorsOf(getpid()), descriptors) << "a file or a socket is left open";
    if (::testing::Test::HasFailure()) return;
  }
  std::string harm;
  for (const auto& [kind, times] : tally) {
    if (times > 0) harm += ", " + std::to_string(times) + " of " + kind;
  }
  std::printf("%s: %d rounds from --seed=%llu, %llu kills%s\n", test, rounds,
              static_cast<unsigned long long>(first_seed),
              static_cast<unsigned long long>(DeathsIn(tally)), harm.c_str());
  std::fflush(stdout);
}

}  // namespace troupe::testing
