#include "scheduler/client/running_calls.h"

#include <gtest/gtest.h>

#include <variant>
#include <vector>

namespace troupe::scheduler {
namespace {

ObjectId Id(uint64_t sequence) { return ObjectId::Make(ClientId(1), sequence); }

bool SaysBlocked(const RunningCalls::Tell& tell) {
  return tell.has_value() && std::holds_alternative<wire::Blocked>(*tell);
}
bool SaysUnblocked(const RunningCalls::Tell& tell) {
  return tell.has_value() && std::holds_alternative<wire::Unblocked>(*tell);
}

TEST(RunningCalls, OneCallStandsStillWhileItWaits) {
  RunningCalls calls;
  EXPECT_FALSE(calls.Begin().has_value());
  const RunningCalls::Wait wait = calls.BeginWait({Id(1), Id(2)}, 2);
  ASSERT_TRUE(SaysBlocked(wait.tell));
  const auto& blocked = std::get<wire::Blocked>(*wait.tell);
  EXPECT_EQ(blocked.ids, (std::vector<ObjectId>{Id(1), Id(2)}));
  EXPECT_EQ(blocked.needed, 2u);
  EXPECT_EQ(calls.standing(), 1u);
  EXPECT_TRUE(SaysUnblocked(calls.EndWait(wait.number)));
  EXPECT_EQ(calls.standing(), 0u);
  EXPECT_FALSE(calls.End().has_value());
}

TEST(RunningCalls, SeveralStandStillWhenTheLastOneWaits) {
  RunningCalls calls;
  calls.Begin();
  calls.Begin();
  const RunningCalls::Wait first = calls.BeginWait({Id(1), Id(2)}, 2);
  EXPECT_FALSE(first.tell.has_value());
  const RunningCalls::Wait second = calls.BeginWait({Id(3)}, 1);
  ASSERT_TRUE(SaysBlocked(second.tell));
  // Any of them may let one call go on.
  const auto& blocked = std::get<wire::Blocked>(*second.tell);
  EXPECT_EQ(blocked.ids, (std::vector<ObjectId>{Id(1), Id(2), Id(3)}));
  EXPECT_EQ(blocked.needed, 1u);
  EXPECT_TRUE(SaysUnblocked(calls.EndWait(first.number)));
  EXPECT_FALSE(calls.EndWait(second.number).has_value());
}

TEST(RunningCalls, OneThatWaitsForNoObjectMayGoOn) {
  RunningCalls calls;
  calls.Begin();
  calls.Begin();
  calls.BeginWait({}, 0);
  const RunningCalls::Wait second = calls.BeginWait({Id(3)}, 1);
  ASSERT_TRUE(SaysBlocked(second.tell));
  EXPECT_TRUE(std::get<wire::Blocked>(*second.tell).ids.empty());
}

TEST(RunningCalls, ANewCallSetsItGoing) {
  RunningCalls calls;
  calls.Begin();
  calls.BeginWait({Id(1)}, 1);
  EXPECT_TRUE(SaysUnblocked(calls.Begin()));
  // And its end leaves one that waits: the second time that it stands still.
  EXPECT_TRUE(SaysBlocked(calls.End()));
  EXPECT_EQ(calls.standing(), 2u);
}

TEST(RunningCalls, ASuspendedCallDoesNotRun) {
  RunningCalls calls;
  calls.Begin();
  EXPECT_FALSE(calls.Suspend().has_value()) << "nothing waits that the node is not told of";
  calls.Begin();
  const RunningCalls::Wait wait = calls.BeginWait({Id(1)}, 1);
  EXPECT_TRUE(SaysBlocked(wait.tell));
  EXPECT_TRUE(SaysUnblocked(calls.Resume())) << "on another thread";
  EXPECT_TRUE(SaysBlocked(calls.Suspend()));
  EXPECT_TRUE(SaysUnblocked(calls.EndWait(wait.number)));
}

TEST(RunningCalls, AWaitOutsideOfCallsCountsAsOne) {
  RunningCalls calls;
  const RunningCalls::Wait wait = calls.BeginWait({Id(1)}, 1);
  EXPECT_TRUE(SaysBlocked(wait.tell));
  EXPECT_TRUE(SaysUnblocked(calls.EndWait(wait.number)));
}

}  // namespace
}  // namespace troupe::scheduler
