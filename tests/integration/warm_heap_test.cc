// The heap of a worker: what a task has freed is there, warm, for the next one, and goes back to
// the system when the worker has nothing to do.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "sdk/troupe.h"
#include "tests/integration/processes.h"

namespace {

using std::chrono_literals::operator""s;
using troupe::testing::BecomesTrue;
using troupe::testing::RssAnonKib;

constexpr int64_t kBytes = 50'000'000;

struct Use {
  int64_t page_faults = 0;
  int pid = 0;
};

int64_t PageFaults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

Use UseABlock() {
  const int64_t before = PageFaults();
  const std::vector<char> block(kBytes, 'x');
  return {block[kBytes / 2] == 'x' ? PageFaults() - before : -1, getpid()};
}

TEST(WarmHeap, TasksTakeTheMemoryOfThoseBeforeThem) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto task = troupe::Task(UseABlock);
  EXPECT_GE(troupe::Get(task.Remote()).page_faults, 0);
  // Both are there when the first ends.
  const std::vector<troupe::ObjectRef<Use>> refs = {task.Remote(), task.Remote()};
  const Use second = troupe::Get(refs[1]);
  EXPECT_GE(second.page_faults, 0);
  EXPECT_LT(second.page_faults, 500) << "of 12,200 pages";
  EXPECT_TRUE(BecomesTrue([&] { return RssAnonKib(second.pid) < kBytes / 1024; }, 60s))
      << "an idle worker has " << RssAnonKib(second.pid) << " KiB";
  EXPECT_EQ(troupe::Get(task.Remote()).pid, second.pid);
}

}  // namespace
