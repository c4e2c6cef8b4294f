// Who runs when, on real processes: priorities, fractions of CPUs, nesting, windows, resources.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/shared_counters.h"

namespace {

using troupe::testing::SharedCounters;

int UntilStopped() {
  const std::stop_token stop = troupe::CurrentTask().stop_token();
  while (!stop.stop_requested()) std::this_thread::yield();
  return 0;
}
// A file for one test's counters.
std::string NewCounters(const char* test) {
  const char* const directory = std::getenv("TEST_TMPDIR");
  std::string path = std::string(directory == nullptr ? "/tmp" : directory) + "/" + test;
  unlink(path.c_str());
  return path;
}

// Which one it is among the tasks with these counters.
int64_t Turn(const std::string& path) {
  static const SharedCounters counters(path);
  return counters[0]++;
}

TEST(Fairness, AnUrgentTaskGoesBeforeAThousandOthers) {
  const std::string path = NewCounters("urgent");
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ObjectRef<int> first = troupe::Task(UntilStopped).Remote();
  std::vector<troupe::ObjectRef<int64_t>> low;
  for (int i = 0; i < 1000; ++i) low.push_back(troupe::Task(Turn).Remote(path));
  const auto high = troupe::Task(Turn).Options({.priority = 1}).Remote(path);
  EXPECT_THROW((void)troupe::Get(first, absl::Milliseconds(50)), troupe::DeadlineExceeded);
  troupe::Cancel(first);
  EXPECT_EQ(troupe::Get(high), 0);
  std::vector<int64_t> turns = troupe::Get(low);
  std::sort(turns.begin(), turns.end());
  EXPECT_EQ(turns.front(), 1);
  EXPECT_EQ(turns.back(), 1000);
}

// How many run together with it, itself among them. The first ones wait for one another, as long as
// there are fewer than `crowd`.
int64_t Together(const std::string& path, int64_t crowd) {
  static const SharedCounters counters(path);
  std::atomic<int64_t>&running = counters[0], &arrived = counters[1];
  const int64_t together = ++running;
  ++arrived;
  while (arrived < crowd) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) std::this_thread::yield();
  --running;
  return together;
}

TEST(Fairness, QuartersOfFourCpusAreSixteenSlotsAndNoMore) {
  const std::string path = NewCounters("quarters");
  const troupe::Cluster cluster = troupe::Init({.workers = 4});
  std::vector<troupe::ObjectRef<int64_t>> refs;
  for (int i = 0; i < 10'000; ++i)
    refs.push_back(troupe::Task(Together).Options({.cpus = 0.25}).Remote(path, int64_t{16}));
  const std::vector<int64_t> together = troupe::Get(refs, absl::Minutes(3));
  EXPECT_EQ(*std::max_element(together.begin(), together.end()), 16);
}

// When its tasks ended, in order. What else it has written, such as why it waits so long, is passed
// over.
std::vector<int64_t> EndsIn(const std::string& output) {
  std::vector<int64_t> ends;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.find_first_not_of("0123456789") == std::string::npos)
      ends.push_back(std::stoll(line));
  }
  std::sort(ends.begin(), ends.end());
  return ends;
}

// While both have tasks, the one of weight 3 has the CPU three times as long. It is the time that
// they have it that is shared, not the number of tasks, since a task may be held up for long by the
// machine. It goes from the end of one task to the end of the next.
TEST(Fairness, TwoProgramsShareByTheirWeights) {
  using troupe::testing::BackgroundProgram;
  using troupe::testing::BecomesTrue;
  const troupe::testing::StandingNode node({"--workers=1", "--object_store_memory=64MiB"});
  const troupe::testing::ShortDirectory directory;
  const auto start = [&](const std::string& weight, const std::string& tasks) {
    return std::make_unique<BackgroundProgram>(
        std::vector<std::string>{troupe::testing::BuiltProgram("TROUPE_SHARE"), weight, tasks},
        std::vector<std::string>{"TROUPE_ADDRESS=" + node.address()},
        directory.path() + "/" + weight);
  };
  const auto says = [](const auto& program, const std::string& word) {
    return BecomesTrue([&] { return program->Output().find(word) != std::string::npos; },
                       std::chrono::seconds(100));
  };
  std::unique_ptr<BackgroundProgram> light, heavy;
  {
    // Nobody begins before both have all their tasks there.
    const troupe::Cluster cluster = troupe::Init({.address = node.address()});
    const troupe::ObjectRef<int> gate = troupe::Task(UntilStopped).Remote();
    EXPECT_THROW((void)troupe::Get(gate, absl::Milliseconds(50)), troupe::DeadlineExceeded);
    light = start("1", "1000");
    heavy = start("3", "3000");
    ASSERT_TRUE(says(light, "submitted") && says(heavy, "submitted"));
    troupe::Cancel(gate);
    EXPECT_THROW((void)troupe::Get(gate), troupe::Cancelled);
  }
  ASSERT_TRUE(says(light, "done") && says(heavy, "done"));
  const std::vector<int64_t> one = EndsIn(light->Output()), three = EndsIn(heavy->Output());
  ASSERT_EQ(one.size(), 1000u) << light->Output();
  ASSERT_EQ(three.size(), 3000u) << heavy->Output();
  double had_one = 0, had_three = 0;
  size_t i = 0, j = 0;
  for (int64_t last = std::min(one[0], three[0]); i < one.size() && j < three.size();) {
    const bool is_one = one[i] < three[j];
    const int64_t end = is_one ? one[i++] : three[j++];
    (is_one ? had_one : had_three) += static_cast<double>(end - last);
    last = end;
  }
  EXPECT_GT(had_three / had_one, 2);
  EXPECT_LT(had_three / had_one, 4);
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
    std::vector<troupe::ObjectRef<int>> refs;
    for (int i = 0; i < 500; ++i) refs.push_back(troupe::Task(PidOf).Remote());
    EXPECT_EQ(troupe::Get(refs).size(), 500u);
    // Dropped unread: they count no more when they are done.
    for (int i = 0; i < 100; ++i) (void)troupe::Task(PidOf).Remote();
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
