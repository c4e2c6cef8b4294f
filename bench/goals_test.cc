#include "bench/goals.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <vector>

namespace bench {
namespace {

const Goal& GoalOf(const std::vector<Goal>& goals, std::string_view name) {
  const Goal* goal = FindGoal(goals, name);
  EXPECT_NE(goal, nullptr) << name;
  static const Goal kNone;
  return goal == nullptr ? kNone : *goal;
}

TEST(GoalsTest, EachRowHasOne) {
  std::set<std::string_view> names;
  for (const Goal& goal : Goals(2)) {
    EXPECT_TRUE(names.insert(goal.name).second) << goal.name;
    EXPECT_FALSE(goal.must.empty()) << goal.name;
  }
  EXPECT_EQ(FindGoal(Goals(2), "no_such_row"), nullptr);
}

TEST(GoalsTest, AllBoundsOfAGoalHaveToHold) {
  const auto goals = Goals(2);
  const Bounds& must = GoalOf(goals, "single_client_tasks_sync").must;
  EXPECT_EQ(Text(must), "ratio <= 3, peer_ratio < 1");
  EXPECT_TRUE(Holds(must, {.value = 21, .limit = 7, .peer = 42}));
  EXPECT_FALSE(Holds(must, {.value = 22, .limit = 7, .peer = 42}));
  EXPECT_FALSE(Holds(must, {.value = 21, .limit = 7, .peer = 21}));
  EXPECT_FALSE(Holds(must, {.value = 21, .limit = 7}));  // nothing was measured beside it
}

TEST(GoalsTest, RatesAreBoundedFromBelow) {
  const auto goals = Goals(4);
  const Goal& map = GoalOf(goals, "map_1us_function");
  EXPECT_EQ(Text(map.must), "value >= 3.2");
  EXPECT_TRUE(Holds(map.must, {.value = 3.2, .limit = 4}));
  EXPECT_FALSE(Holds(map.must, {.value = 3.1, .limit = 4}));
  const Goal& empty = GoalOf(goals, "map_empty_function");
  EXPECT_FALSE(Holds(empty.must, {.value = 12, .limit = 12}));
  EXPECT_TRUE(Holds(empty.must, {.value = 12.1, .limit = 12}));
  EXPECT_EQ(Text(empty.aim), "value >= 5e+07");
}

TEST(GoalsTest, ADifferenceToTheLimitIsBounded) {
  const auto goals = Goals(2);
  const Goal& open = GoalOf(goals, "open_1gib_in_a_worker");
  EXPECT_EQ(Text(open.must), "value - limit <= 15");
  EXPECT_TRUE(Holds(open.must, {.value = 55, .limit = 40}));
  EXPECT_FALSE(Holds(open.must, {.value = 56, .limit = 40}));
}

}  // namespace
}  // namespace bench
