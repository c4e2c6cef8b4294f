#include "bench/task_graph/metg.h"

#include <gtest/gtest.h>

#include <vector>

namespace bench {
namespace {

std::optional<double> Metg(std::vector<GranularityPoint> points) {
  return MinimumGranularity(points, 0.5);
}

TEST(MetgTest, IsBetweenTheTwoPointsAroundHalfOfThePeak) {
  EXPECT_DOUBLE_EQ(*Metg({{1, 0.05}, {10, 0.25}, {40, 1}, {80, 0.4}}), 20);
  EXPECT_DOUBLE_EQ(*Metg({{10, 0.25}, {30, 0.5}}), 30);
}

TEST(MetgTest, IsTheFirstPointWhereThatIsEfficientAlready) {
  EXPECT_DOUBLE_EQ(*Metg({{7, 0.6}, {10, 0.7}}), 7);
}

TEST(MetgTest, IsNoneWhereNoneIsEfficient) {
  EXPECT_FALSE(Metg({}).has_value());
  EXPECT_FALSE(Metg({{1, 0.1}, {2, 0.49}}).has_value());
}

}  // namespace
}  // namespace bench
