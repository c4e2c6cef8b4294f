#include "bench/task_graph/patterns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace bench {
namespace {

using Points = std::vector<int64_t>;

Graph Of(Pattern pattern, int64_t width = 8, int64_t steps = 10) {
  return {.pattern = pattern, .width = width, .steps = steps};
}

TEST(PatternsTest, NamesAreThoseOfTaskBench) {
  std::string names;
  for (const auto& [pattern, name] : Patterns()) names += std::string(name) + " ";
  EXPECT_EQ(names,
            "trivial no_comm stencil_1d stencil_1d_periodic dom tree fft all_to_all nearest spread "
            "random_nearest ");
}

TEST(PatternsTest, DependenciesExistAndAscendInAllOfThem) {
  for (const auto& [pattern, name] : Patterns()) {
    for (const int64_t width : {1, 2, 3, 7, 8, 33}) {
      const Graph graph = Of(pattern, width, 40);
      for (int64_t step = 0; step < graph.steps; ++step) {
        const Range points = PointsAt(graph, step);
        ASSERT_GT(points.size(), 0) << name;
        ASSERT_TRUE(points.begin >= 0 && points.end <= width) << name;
        for (int64_t i = points.begin; i < points.end; ++i) {
          const Points from = DependenciesOf(graph, step, i);
          ASSERT_EQ(std::set<int64_t>(from.begin(), from.end()).size(), from.size()) << name;
          ASSERT_TRUE(std::is_sorted(from.begin(), from.end())) << name;
          for (const int64_t p : from)
            ASSERT_TRUE(step > 0 && PointsAt(graph, step - 1).Contains(p)) << name;
          // All but the trivial ones are connected to what came before.
          ASSERT_EQ(from.empty(), step == 0 || pattern == Pattern::kTrivial) << name;
        }
      }
    }
  }
}

TEST(PatternsTest, TrivialAndNoComm) {
  EXPECT_EQ(DependenciesOf(Of(Pattern::kTrivial), 1, 3), Points());
  EXPECT_EQ(DependenciesOf(Of(Pattern::kNoComm), 1, 3), Points{3});
}

TEST(PatternsTest, StencilsEndAtTheEdgeOrGoRound) {
  EXPECT_EQ(DependenciesOf(Of(Pattern::kStencil1d), 1, 3), (Points{2, 3, 4}));
  EXPECT_EQ(DependenciesOf(Of(Pattern::kStencil1d), 1, 0), (Points{0, 1}));
  EXPECT_EQ(DependenciesOf(Of(Pattern::kStencil1d), 1, 7), (Points{6, 7}));
  EXPECT_EQ(DependenciesOf(Of(Pattern::kStencil1dPeriodic), 1, 0), (Points{0, 1, 7}));
  EXPECT_EQ(DependenciesOf(Of(Pattern::kStencil1dPeriodic), 1, 7), (Points{0, 6, 7}));
  EXPECT_EQ(DependenciesOf(Of(Pattern::kStencil1dPeriodic, 2), 1, 0), (Points{0, 1}));
}

TEST(PatternsTest, DomIsADiamond) {
  const Graph graph = Of(Pattern::kDom, 4, 7);
  const std::vector<Range> diamond = {{0, 1}, {0, 2}, {0, 3}, {0, 4}, {1, 4}, {2, 4}, {3, 4}};
  int64_t tasks = 0;
  for (int64_t step = 0; step < graph.steps; ++step) {
    EXPECT_EQ(PointsAt(graph, step), diamond[static_cast<size_t>(step)]) << step;
    tasks += PointsAt(graph, step).size();
  }
  EXPECT_EQ(TaskCount(graph), tasks);
  EXPECT_EQ(tasks, 16);
  EXPECT_EQ(PointsAt(Of(Pattern::kDom, 100, 5), 2), (Range{0, 3}));
  EXPECT_EQ(DependenciesOf(graph, 2, 0), Points{0});
  EXPECT_EQ(DependenciesOf(graph, 2, 1), (Points{0, 1}));
  EXPECT_EQ(DependenciesOf(graph, 2, 2), Points{1});
  EXPECT_EQ(DependenciesOf(graph, 5, 2), (Points{1, 2}));
}

TEST(PatternsTest, TreeDoublesAndThenStaysAsItIs) {
  const Graph graph = Of(Pattern::kTree, 6, 100);
  EXPECT_EQ(PointsAt(graph, 0).size(), 1);
  EXPECT_EQ(PointsAt(graph, 2).size(), 4);
  EXPECT_EQ(PointsAt(graph, 3).size(), 6);
  EXPECT_EQ(PointsAt(graph, 99).size(), 6);
  EXPECT_EQ(DependenciesOf(graph, 2, 3), Points{1});
  EXPECT_EQ(DependenciesOf(graph, 3, 5), Points{2});
}

TEST(PatternsTest, FftDoublesItsDistance) {
  const Graph graph = Of(Pattern::kFft);
  EXPECT_EQ(DependenciesOf(graph, 1, 3), (Points{2, 3, 4}));
  EXPECT_EQ(DependenciesOf(graph, 2, 3), (Points{1, 3, 5}));
  EXPECT_EQ(DependenciesOf(graph, 3, 3), (Points{3, 7}));
  EXPECT_EQ(DependenciesOf(graph, 4, 3), (Points{2, 3, 4}));
  EXPECT_EQ(DependenciesOf(Of(Pattern::kFft, 9), 4, 0), (Points{0, 8}));
}

TEST(PatternsTest, AllToAllTakesAll) {
  EXPECT_EQ(DependenciesOf(Of(Pattern::kAllToAll, 3), 1, 2), (Points{0, 1, 2}));
}

TEST(PatternsTest, NearestTakesAsManyAsTheRadix) {
  Graph graph = Of(Pattern::kNearest);
  EXPECT_EQ(DependenciesOf(graph, 1, 4), (Points{2, 3, 4, 5, 6}));
  EXPECT_EQ(DependenciesOf(graph, 1, 0), (Points{0, 1, 2}));
  graph.radix = 4;
  EXPECT_EQ(DependenciesOf(graph, 1, 4), (Points{2, 3, 4, 5}));
}

TEST(PatternsTest, SpreadMovesOnAndComesBack) {
  Graph graph = Of(Pattern::kSpread);
  graph.radix = 2;
  EXPECT_EQ(DependenciesOf(graph, 1, 0), (Points{0, 5}));
  EXPECT_EQ(DependenciesOf(graph, 2, 0), (Points{0, 6}));
  EXPECT_EQ(DependenciesOf(graph, 3, 0), (Points{0, 4}));
  EXPECT_EQ(DependenciesOf(graph, 4, 0), (Points{0, 5}));
}

TEST(PatternsTest, RandomNearestIsAPartOfNearestThatComesBack) {
  const Graph graph = Of(Pattern::kRandomNearest, 1000);
  const Graph nearest = Of(Pattern::kNearest, 1000);
  int64_t others = 0;
  for (int64_t i = 0; i < graph.width; ++i) {
    const Points some = DependenciesOf(graph, 1, i);
    const Points all = DependenciesOf(nearest, 1, i);
    EXPECT_TRUE(std::includes(all.begin(), all.end(), some.begin(), some.end()));
    EXPECT_TRUE(std::binary_search(some.begin(), some.end(), i));
    EXPECT_EQ(DependenciesOf(graph, 4, i), some);
    others += static_cast<int64_t>(some.size()) - 1;
  }
  // One in four of the four others.
  EXPECT_GT(others, 850);
  EXPECT_LT(others, 1150);
}

}  // namespace
}  // namespace bench
