// Virtual time: what a yield takes is chosen by the test.
#include "core/channel/poll_policy.h"

#include <gtest/gtest.h>

namespace troupe::channel {
namespace {

class PollPolicyTest : public testing::Test {
 protected:
  // True where it polled for something that never comes.
  bool Polls() {
    int looks = 0;
    EXPECT_FALSE(policy_.Poll([&] { return time_; }, [&] { time_ += yield_takes_; },
                              [&] {
                                ++looks;
                                return false;
                              }));
    return looks > 1;
  }

  PollPolicy policy_;
  int64_t time_ = 1'000'000'000;
  int64_t yield_takes_ = 500;
};

TEST_F(PollPolicyTest, PollsForItsBudgetOnAQuietMachine) {
  const int64_t start = time_;
  EXPECT_TRUE(Polls());
  EXPECT_GE(time_ - start, PollPolicy::kBudgetNanos);
  EXPECT_LT(time_ - start, PollPolicy::kBudgetNanos + 2 * yield_takes_);
  EXPECT_TRUE(Polls());
}

TEST_F(PollPolicyTest, AGlanceIsOneBurst) {
  for (const int comes_at : {1, PollPolicy::kBurst}) {
    int looks = 0;
    EXPECT_TRUE(PollPolicy::Glance([&] { return ++looks == comes_at; }));
  }
  int looks = 0;
  EXPECT_FALSE(PollPolicy::Glance([&] { return ++looks > PollPolicy::kBurst; }));
  EXPECT_EQ(looks, PollPolicy::kBurst);
}

TEST_F(PollPolicyTest, LooksBeforeAnythingElse) {
  const auto never_called = [] {
    ADD_FAILURE();
    return int64_t{0};
  };
  EXPECT_TRUE(policy_.Poll(never_called, never_called, [] { return true; }));
}

TEST_F(PollPolicyTest, SeesWhatComesWhileItYields) {
  bool ready = false;
  EXPECT_TRUE(policy_.Poll([&] { return time_; },
                           [&] {
                             time_ += PollPolicy::kLateYieldNanos;
                             ready = true;
                           },
                           [&] { return ready; }));
}

TEST_F(PollPolicyTest, OneLateYieldEndsOnlyThisPoll) {
  for (int i = 0; i < 3; ++i) {
    yield_takes_ = PollPolicy::kLateYieldNanos;
    const int64_t start = time_;
    EXPECT_TRUE(Polls());
    EXPECT_EQ(time_ - start, yield_takes_);
    yield_takes_ = 500;
    EXPECT_TRUE(Polls()) << "and the next one polls, without a pause";
  }
}

TEST_F(PollPolicyTest, ASurelyLateOneIsEnough) {
  yield_takes_ = PollPolicy::kSurelyLateNanos;
  EXPECT_TRUE(Polls());
  EXPECT_FALSE(Polls());
}

TEST_F(PollPolicyTest, SleepsForLongerAndLongerWhereOthersCompute) {
  yield_takes_ = 3 * PollPolicy::kLateYieldNanos;
  EXPECT_TRUE(Polls());
  int64_t pause = PollPolicy::kPausePerLate * yield_takes_;
  for (int i = 0; i < 12; ++i) {
    const int64_t start = time_;
    EXPECT_TRUE(Polls());
    EXPECT_EQ(time_ - start, yield_takes_) << "one yield, and no other one behind it";
    time_ += pause - 1;
    EXPECT_FALSE(Polls()) << "after " << pause << " ns";
    time_ += 1;
    pause = std::min(pause * 2, PollPolicy::kLongestPauseNanos);
  }
  EXPECT_EQ(pause, PollPolicy::kLongestPauseNanos);
}

TEST_F(PollPolicyTest, WhatComesWhileItPollsOrOneQuietBudgetMakesItForget) {
  for (const bool comes : {true, false}) {
    yield_takes_ = PollPolicy::kLateYieldNanos;
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(Polls());
      time_ += PollPolicy::kLongestPauseNanos;
    }
    yield_takes_ = 500;
    if (comes) {
      int looks = 0;
      EXPECT_TRUE(policy_.Poll([&] { return time_; }, [&] { time_ += yield_takes_; },
                               [&] { return ++looks == 3; }));
    } else {
      EXPECT_TRUE(Polls());
    }
    yield_takes_ = PollPolicy::kLateYieldNanos;
    EXPECT_TRUE(Polls());
    EXPECT_TRUE(Polls()) << "the first late one again";
    time_ += PollPolicy::kPausePerLate * PollPolicy::kLateYieldNanos;
    EXPECT_TRUE(Polls()) << "the first pause again";
    time_ += PollPolicy::kLongestPauseNanos;
  }
}

TEST_F(PollPolicyTest, YieldsThatComeBackSoonAreNotLate) {
  yield_takes_ = PollPolicy::kLateYieldNanos - 1;
  EXPECT_TRUE(Polls());
  EXPECT_TRUE(Polls());
}

}  // namespace
}  // namespace troupe::channel
