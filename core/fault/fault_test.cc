#include "core/fault/fault.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "core/fault/probe.h"

namespace troupe::fault {
namespace {

constinit Point point("test.call");
constinit Point other("test.other");

TEST(Fault, IsOffUnlessAskedFor) {
  EXPECT_EQ(point.Fail(), 0);
  EXPECT_EQ(point.Truncate(100), 100u);
  {
    const Armed faults("test.call=fail");
    EXPECT_EQ(point.Fail(), EIO);
    EXPECT_EQ(point.Truncate(100), 100u);
    EXPECT_EQ(other.Fail(), 0);
  }
  EXPECT_EQ(point.Fail(), 0);
}

TEST(Fault, FailsSoOftenWithThatError) {
  const Armed faults("test.call=fail:1:ENOSPC@2");
  EXPECT_EQ(point.Fail(), ENOSPC);
  EXPECT_EQ(point.Fail(), ENOSPC);
  EXPECT_EQ(point.Fail(), 0);
  EXPECT_EQ(TimesOf("test.call"), 2u);
  EXPECT_EQ(TimesOf("test.other"), 0u);
}

TEST(Fault, FollowsItsProbabilityAndSeed) {
  const auto draw = [](const char* faults) {
    const Armed armed(faults);
    std::vector<bool> failed;
    for (int i = 0; i < 10'000; ++i) failed.push_back(point.Fail() != 0);
    return failed;
  };
  const std::vector<bool> first = draw("test.call=fail:0.1,seed=7");
  const auto count = std::count(first.begin(), first.end(), true);
  EXPECT_GT(count, 800);
  EXPECT_LT(count, 1200);
  EXPECT_EQ(draw("test.call=fail:0.1,seed=7"), first);
  EXPECT_NE(draw("test.call=fail:0.1,seed=8"), first);
  EXPECT_EQ(draw("test.call=fail:0"), std::vector<bool>(10'000, false));
}

TEST(Fault, DelaysAndDoesNotFail) {
  const Armed faults("test.call=delay:1:30@1");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(point.Fail(), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(30));
}

TEST(Fault, TruncatesToSomething) {
  const Armed faults("test.call=truncate");
  for (size_t bytes = 2; bytes < 1000; ++bytes) {
    const size_t part = point.Truncate(bytes);
    EXPECT_GE(part, 1u);
    EXPECT_LT(part, bytes);
  }
  EXPECT_EQ(point.Truncate(1), 1u);
  EXPECT_EQ(point.Fail(), 0);
}

TEST(Fault, WhatIsMalformedIsNamedAndChangesNothing) {
  const Armed faults("test.call=fail");
  for (const char* entry :
       {"test.call", "test.call=", "test.call=explode", "call=fail", "test.call=fail:2",
        "test.call=fail:0.5:EWHATEVER", "test.call=delay:1:-4", "test.call=fail@x", "seed=x",
        "test.call=truncate:1:3"}) {
    const absl::Status status = Arm(std::string("test.other=fail,") + entry);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << entry;
    EXPECT_NE(std::string(status.message()).find(entry), std::string::npos) << status;
  }
  EXPECT_EQ(point.Fail(), EIO);
  EXPECT_EQ(other.Fail(), 0);
}

TEST(Fault, ThreadsShareTheTimes) {
  const Armed faults("test.call=fail@100");
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) failed += point.Fail() != 0 ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 100);
}

TEST(FaultDeathTest, AMalformedEnvironmentIsASentence) {
  setenv("TROUPE_FAULTS", "nonsense", 1);
  EXPECT_EXIT(execl("/proc/self/exe", "fault_test", "--gtest_filter=-*", nullptr),
              testing::ExitedWithCode(2), "troupe: TROUPE_FAULTS: 'nonsense' is no fault");
  unsetenv("TROUPE_FAULTS");
}

std::vector<std::string> told;

TEST(Probe, TellsItsFirstPass) {
  const auto before = on_probe.exchange([](const char* name) { told.emplace_back(name); });
  for (int i = 0; i < 3; ++i) TROUPE_PROBE("fault_test: a loop");
  TROUPE_PROBE("fault_test: another place");
  on_probe = before;
  EXPECT_EQ(told, (std::vector<std::string>{"fault_test: a loop", "fault_test: another place"}));
}

}  // namespace
}  // namespace troupe::fault
