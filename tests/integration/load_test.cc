// Much of it: tasks that queue, calls under way, deaths one after the other. By default as much as
// is tried within seconds; in full, optimised:
//
//   bazel run -c opt //tests/integration:load_test -- --tasks=1000000 --seconds=60
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/number_flag.h"
#include "tests/integration/processes.h"

namespace troupe::testing {
namespace {

int64_t tasks = 50'000;
int64_t seconds = 4;

// Of the first thousands, which are not packed, whatever their number.
constexpr int64_t kAwakeBytes = int64_t{8} << 20;

std::vector<int> ProcessesNamed(std::string_view name) {
  std::vector<int> found = Descendants(getpid());
  std::erase_if(found, [&](int pid) { return NameOf(pid) != name; });
  return found;
}

int UntilStopped() {
  while (!CurrentTask().stop_token().stop_requested()) std::this_thread::yield();
  return 0;
}
int64_t Double(int64_t x) { return 2 * x; }

// In the node and in the driver together, the program's own references apart.
TEST(Load, TasksQueuedBehindABlockerTake500BytesEachAndDrain) {
  const Cluster cluster = Init({.workers = 1, .submission_window = static_cast<int>(tasks) + 10});
  const auto blocker = Task(UntilStopped).Remote();
  const auto task = Task(Double);
  std::vector<ObjectRef<int64_t>> refs;
  refs.reserve(static_cast<size_t>(tasks));
  (void)Memory(1);
  const std::vector<int> node = ProcessesNamed("troupe-node");
  ASSERT_EQ(node.size(), 1u);
  const auto bytes = [&] { return (RssAnonKib(node[0]) + RssAnonKib(getpid())) * 1024; };
  const int64_t before = bytes();
  for (int64_t i = 0; i < tasks; ++i) refs.push_back(task.Remote(i));
  // What it is answered comes after all that was submitted.
  EXPECT_FALSE(TryGet(refs.back(), absl::ZeroDuration()).ok());
  (void)Memory(1);
  const auto own = static_cast<int64_t>(refs.size() * sizeof(refs[0]));
  EXPECT_LE(bytes() - before - own, 500 * tasks + kAwakeBytes);
  Cancel(blocker);
  for (int64_t i = 0; i < tasks; ++i) ASSERT_EQ(Get(refs[static_cast<size_t>(i)]), 2 * i);
}

class Counter {
 public:
  int Add() { return ++n_; }
  int Pid() { return getpid(); }

 private:
  int n_ = 0;
};

// The calls under way are answered once: a prefix of them in order by results, the others by
// errors.
TEST(Load, AThousandCallsUnderWayAreEachAnsweredWhenTheirActorIsKilled) {
  const Cluster cluster = Init({.workers = 1});
  int answered = 0;
  for (int round = 0; round < 5; ++round) {
    const auto counter = Actor<Counter>().Remote();
    const int pid = Get(counter.Task(&Counter::Pid).Remote());
    std::vector<ObjectRef<int>> calls;
    for (int i = 0; i < 1000; ++i) {
      calls.push_back(counter.Task(&Counter::Add).Remote());
      if (i == round * 200) kill(pid, SIGKILL);
    }
    size_t results = 0;
    while (results < calls.size() && TryGet(calls[results]).ok()) ++results;
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i < results) {
        EXPECT_EQ(Get(calls[i]), static_cast<int>(i) + 1);
      } else {
        EXPECT_THROW((void)Get(calls[i]), ActorDied) << "call " << i << " after " << results;
      }
    }
    answered += static_cast<int>(results);
  }
  EXPECT_LT(answered, 5000);
}

// Each worker of the pool is killed once a second, and no result differs from the serial run.
TEST(Load, WorkersKilledOnceASecondChangeNoResult) {
  const Cluster cluster = Init({.workers = 2});
  const auto task = Task(Double).Options({.max_retries = -1});
  const auto begin = std::chrono::steady_clock::now();
  auto next_kill = begin + std::chrono::seconds(1);
  int64_t calls = 0;
  int kills = 0;
  while (std::chrono::steady_clock::now() < begin + std::chrono::seconds(seconds)) {
    std::vector<ObjectRef<int64_t>> refs;
    for (int64_t i = 0; i < 1000; ++i) refs.push_back(task.Remote(calls + i));
    if (std::chrono::steady_clock::now() >= next_kill) {
      next_kill += std::chrono::seconds(1);
      for (const int pid : ProcessesNamed("troupe-worker")) {
        kill(pid, SIGKILL);
        ++kills;
      }
    }
    for (int64_t i = 0; i < 1000; ++i)
      ASSERT_EQ(Get(refs[static_cast<size_t>(i)]), 2 * (calls + i));
    calls += 1000;
  }
  std::printf("%lld calls, %d kills in %lld s\n", static_cast<long long>(calls), kills,
              static_cast<long long>(seconds));
  EXPECT_GE(kills, seconds - 1);
}

}  // namespace
}  // namespace troupe::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    using troupe::testing::IsNumberFlag;
    if (IsNumberFlag(argv[i], "--tasks=", &troupe::testing::tasks) ||
        IsNumberFlag(argv[i], "--seconds=", &troupe::testing::seconds)) {
      continue;
    }
    std::fprintf(stderr, "load_test: use --tasks=N and --seconds=N\n");
    return 2;
  }
  return RUN_ALL_TESTS();
}
