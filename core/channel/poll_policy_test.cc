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

TEST_F(PollPolicyTest, SleepsTheLongerTheLaterAYieldComesBack) {
  for (const int64_t late : {PollPolicy::kLateYieldNanos, 3 * PollPolicy::kLateYieldNanos}) {
    yield_takes_ = late;
    for (int i = 0; i < 3; ++i) {
      const int64_t start = time_;
      EXPECT_TRUE(Polls());
      EXPECT_EQ(time_ - start, late) << "one yield, and no other one behind it";
      time_ += PollPolicy::kPausePerLate * late - 1;
      EXPECT_FALSE(Polls());
      time_ += 1;
    }
  }
  yield_takes_ = int64_t{1} << 50;
  EXPECT_TRUE(Polls());
  time_ += PollPolicy::kLongestPauseNanos;
  EXPECT_TRUE(Polls());
}

TEST_F(PollPolicyTest, YieldsThatComeBackSoonAreNotLate) {
  yield_takes_ = PollPolicy::kLateYieldNanos - 1;
  EXPECT_TRUE(Polls());
  EXPECT_TRUE(Polls());
}

}  // namespace
}  // namespace troupe::channel
