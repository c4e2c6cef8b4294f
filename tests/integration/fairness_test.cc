// Who runs when, on real processes: priorities, fractions of CPUs, nesting, windows, resources.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "sdk/troupe.h"
#include "tests/integration/program.h"

namespace {

int UntilStopped() {
  const std::stop_token stop = troupe::CurrentTask().stop_token();
  while (!stop.stop_requested()) std::this_thread::yield();
  return 0;
}
int64_t BeginsAt() { return troupe::MonotonicNanos(); }

TEST(Fairness, AnUrgentTaskGoesBeforeAThousandOthers) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ObjectRef<int> first = troupe::Task(UntilStopped).Remote();
  std::vector<troupe::ObjectRef<int64_t>> low;
  for (int i = 0; i < 1000; ++i) low.push_back(troupe::Task(BeginsAt).Remote());
  const troupe::ObjectRef<int64_t> high = troupe::Task(BeginsAt).Options({.priority = 1}).Remote();
  EXPECT_THROW((void)troupe::Get(first, absl::Milliseconds(50)), troupe::DeadlineExceeded);
  troupe::Cancel(first);
  const int64_t at = troupe::Get(high);
  for (const int64_t other : troupe::Get(low)) EXPECT_GT(other, at);
}

std::pair<int64_t, int64_t> Interval() {
  const int64_t begin = troupe::MonotonicNanos();
  while (troupe::MonotonicNanos() < begin + 200'000) std::this_thread::yield();
  return {begin, troupe::MonotonicNanos()};
}

TEST(Fairness, QuartersOfFourCpusAreSixteenSlotsAndNoMore) {
  const troupe::Cluster cluster = troupe::Init({.workers = 4});
  std::vector<troupe::ObjectRef<std::pair<int64_t, int64_t>>> refs;
  for (int i = 0; i < 10'000; ++i)
    refs.push_back(troupe::Task(Interval).Options({.cpus = 0.25}).Remote());
  std::vector<std::pair<int64_t, int>> changes;
  for (const auto& [begin, end] : troupe::Get(refs)) {
    changes.push_back({begin, 1});
    changes.push_back({end, -1});
  }
  std::sort(changes.begin(), changes.end());
  int running = 0, most = 0;
  for (const auto& [at, change] : changes) most = std::max(most, running += change);
  EXPECT_LE(most, 16);
  EXPECT_GT(most, 4);
}

// When each task of a program ended.
std::vector<int64_t> Ends(const std::string& output) {
  std::vector<int64_t> ends;
  std::istringstream lines(output);
  for (int64_t end = 0; lines >> end;) ends.push_back(end);
  std::sort(ends.begin(), ends.end());
  return ends;
}

// While both have tasks, the one of weight 3 gets three times the CPU.
TEST(Fairness, TwoProgramsShareByTheirWeights) {
  const troupe::testing::StandingNode node({"--workers=1", "--object_store_memory=64MiB"});
  const auto run = [&](const std::string& weight, int tasks) {
    return troupe::testing::RunProgram(
        {troupe::testing::BuiltProgram("TROUPE_SHARE"), weight, std::to_string(tasks)},
        {"TROUPE_ADDRESS=" + node.address()});
  };
  troupe::testing::Outcome light;
  std::thread beside([&] { light = run("1", 500); });
  const troupe::testing::Outcome heavy = run("3", 1500);
  beside.join();
  const std::vector<int64_t> one = Ends(light.output), three = Ends(heavy.output);
  ASSERT_EQ(one.size(), 500u) << light.output;
  ASSERT_EQ(three.size(), 1500u) << heavy.output;
  const int64_t begin = std::max(one.front(), three.front());
  const int64_t end = std::min(one.back(), three.back());
  const auto within = [&](const std::vector<int64_t>& ends) {
    return static_cast<double>(std::count_if(ends.begin(), ends.end(),
                                             [&](int64_t at) { return at >= begin && at <= end; }));
  };
  ASSERT_GT(within(one), 100) << "they were not there at the same time";
  EXPECT_GT(within(three) / within(one), 2);
  EXPECT_LT(within(three) / within(one), 4);
}

int PidOf() { return gettid(); }  // of a process, that of its main thread
std::vector<int> Inner() { return {gettid(), troupe::Get(troupe::Task(PidOf).Remote())}; }
std::vector<int> Outer() {
  std::vector<int> pids = troupe::Get(troupe::Task(Inner).Remote());
  pids.push_back(gettid());
  return pids;
}

TEST(Fairness, AThousandNestedChainsOnOneWorkerNeedNoCrowd) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  std::vector<troupe::ObjectRef<std::vector<int>>> chains;
  for (int i = 0; i < 1000; ++i) chains.push_back(troupe::Task(Outer).Remote());
  std::set<int> pids;
  for (const std::vector<int>& chain : troupe::Get(chains)) pids.insert(chain.begin(), chain.end());
  EXPECT_LE(pids.size(), 16u);
}

TEST(Fairness, AFullWindowHoldsTheDriverOrRefuses) {
  {
    const troupe::Cluster cluster = troupe::Init({.workers = 1, .submission_window = 10});
    std::vector<troupe::ObjectRef<int64_t>> refs;
    for (int i = 0; i < 500; ++i) refs.push_back(troupe::Task(BeginsAt).Remote());
    EXPECT_EQ(troupe::Get(refs).size(), 500u);
    // Dropped unread: they count no more when they are done.
    for (int i = 0; i < 100; ++i) (void)troupe::Task(BeginsAt).Remote();
  }
  const troupe::Cluster cluster =
      troupe::Init({.workers = 1, .submission_window = 3, .refuse_when_full = true});
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 3; ++i) refs.push_back(troupe::Task(UntilStopped).Remote());
  EXPECT_THROW((void)troupe::Task(UntilStopped).Remote(), troupe::ResourceExhausted);
  troupe::Cancel(refs);
  for (const auto& ref : refs) EXPECT_THROW((void)troupe::Get(ref), troupe::Cancelled);
}

// What tasks submit is not held: else it would wait for its own parent.
TEST(Fairness, TasksMaySubmitMoreThanTheWindow) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1, .submission_window = 4});
  const auto many = troupe::Task([] {
    std::vector<troupe::ObjectRef<int>> refs;
    for (int i = 0; i < 200; ++i) refs.push_back(troupe::Task(PidOf).Remote());
    return static_cast<int>(troupe::Get(refs).size());
  });
  EXPECT_EQ(troupe::Get(many.Remote()), 200);
}

int HoldAndWait() { return troupe::Get(troupe::Task(PidOf).Options({.memory = 600'000}).Remote()); }

TEST(Fairness, AWaitForWhatNeedsTheMemoryThatItHoldsIsAnError) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 2, .memory = 1'000'000, .gpus = 1, .resources = {{"licence", 2}}});
  EXPECT_GT(troupe::Get(troupe::Task(PidOf).Options({.memory = 600'000}).Remote()), 0);
  const absl::StatusOr<int> held =
      troupe::TryGet(troupe::Task(HoldAndWait).Options({.memory = 600'000}).Remote());
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.status().code(), absl::StatusCode::kUnknown) << held.status();
  EXPECT_NE(std::string(held.status().message()).find("while it waits"), std::string::npos)
      << held.status();
  EXPECT_THROW((void)troupe::Get(troupe::Task(PidOf).Options({.memory = 2'000'000}).Remote()),
               troupe::Infeasible);
  EXPECT_THROW((void)troupe::Get(troupe::Task(PidOf).Options({.gpus = 1.5}).Remote()),
               troupe::Infeasible);
  EXPECT_GT(troupe::Get(
                troupe::Task(PidOf).Options({.gpus = 0.5, .resources = {{"licence", 2}}}).Remote()),
            0);
  EXPECT_THROW((void)troupe::Task(PidOf).Options({.memory = -1}).Remote(), troupe::InvalidArgument);
}

}  // namespace
