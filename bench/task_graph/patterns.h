// The graphs of Task Bench (Slaughter et al., SC 2020): a row of points, and at each step a task at
// each point, which takes the results of some points of the step before. Which, is the pattern.
//
//   const Graph graph = {.pattern = Pattern::kStencil1d, .width = 8, .steps = 100};
//   const Range points = PointsAt(graph, 3);                     // [0, 8)
//   std::vector<int64_t> from = DependenciesOf(graph, 3, 5);     // of step 2: 4, 5, 6
//
// `width` is W, a task is at step t and point i, and takes those of these that step t - 1 has:
//
//   trivial              none
//   no_comm              i
//   stencil_1d           i-1, i, i+1
//   stencil_1d_periodic  the same, in a ring
//   dom                  i-1, i: a diamond of points, which widens and narrows again
//   tree                 i/2: 1, 2, 4, ... points, up to W
//   fft                  i-d, i, i+d: d = 1, 2, 4, ... below W, from step 1 on, and again
//   all_to_all           all
//   nearest              the `radix` points around i
//   spread               i and radix-1 others, W/radix apart, which move on from step to step
//   random_nearest       i, and each of the others of `nearest` by chance, one in four
//
// What changes from step to step in the last two is the same again after `period` steps. Chance is
// a hash: a graph is always the same.   Pure.
#ifndef TROUPE_BENCH_TASK_GRAPH_PATTERNS_H_
#define TROUPE_BENCH_TASK_GRAPH_PATTERNS_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bench {

enum class Pattern {
  kTrivial,
  kNoComm,
  kStencil1d,
  kStencil1dPeriodic,
  kDom,
  kTree,
  kFft,
  kAllToAll,
  kNearest,
  kSpread,
  kRandomNearest,
};

struct NamedPattern {
  Pattern pattern;
  std::string_view name;  // Task Bench's
};
// All of them.
std::span<const NamedPattern> Patterns();

struct Graph {
  Pattern pattern = Pattern::kTrivial;
  int64_t width = 1;
  int64_t steps = 1;
  int64_t radix = 5;   // of nearest, spread and random_nearest
  int64_t period = 3;  // of spread and random_nearest
};

struct Range {
  int64_t begin = 0;
  int64_t end = 0;

  bool Contains(int64_t point) const { return begin <= point && point < end; }
  int64_t size() const { return end - begin; }
  friend bool operator==(const Range&, const Range&) = default;
};

// The points that have a task. REQUIRES: 0 <= step < steps.
Range PointsAt(const Graph& graph, int64_t step);
// Points of the step before, ascending; none at step 0. REQUIRES: the point has a task.
std::vector<int64_t> DependenciesOf(const Graph& graph, int64_t step, int64_t point);

// How many tasks it has.
int64_t TaskCount(const Graph& graph);

// A number that is as good as random, from another.
constexpr uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace bench

#endif  // TROUPE_BENCH_TASK_GRAPH_PATTERNS_H_
