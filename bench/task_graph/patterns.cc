#include "bench/task_graph/patterns.h"

#include <algorithm>
#include <bit>

namespace bench {
namespace {

// From i - radix/2 on, `radix` points.
Range Nearest(const Graph& graph, int64_t point) {
  const int64_t begin = point - graph.radix / 2;
  return {begin, begin + graph.radix};
}

bool ByChance(int64_t phase, int64_t from, int64_t to) {
  uint64_t hash = 0;
  for (const int64_t x : {phase, from, to}) hash = Mix(hash ^ static_cast<uint64_t>(x));
  return hash % 4 == 0;
}

// The distance at that step: 1, 2, 4, ... below the width.
int64_t FftDistance(const Graph& graph, int64_t step) {
  const auto distances = std::max<int64_t>(
      1, static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(graph.width - 1))));
  return int64_t{1} << ((step - 1) % distances);
}

// As the pattern has it, whether there are such points or not.
std::vector<int64_t> Candidates(const Graph& graph, int64_t step, int64_t i) {
  const int64_t width = graph.width;
  std::vector<int64_t> points;
  const auto add = [&](Range range) {
    for (int64_t point = range.begin; point < range.end; ++point) points.push_back(point);
  };
  switch (graph.pattern) {
    case Pattern::kTrivial:
      break;
    case Pattern::kNoComm:
      points = {i};
      break;
    case Pattern::kStencil1d:
      points = {i - 1, i, i + 1};
      break;
    case Pattern::kStencil1dPeriodic:
      points = {(i + width - 1) % width, i, (i + 1) % width};
      break;
    case Pattern::kDom:
      points = {i - 1, i};
      break;
    case Pattern::kTree:
      points = {i / 2};
      break;
    case Pattern::kFft: {
      const int64_t distance = FftDistance(graph, step);
      points = {i - distance, i, i + distance};
      break;
    }
    case Pattern::kAllToAll:
      add({0, width});
      break;
    case Pattern::kNearest:
      add(Nearest(graph, i));
      break;
    case Pattern::kSpread:
      for (int64_t k = 0; k < graph.radix; ++k) {
        const int64_t moved = k == 0 ? 0 : step % graph.period;
        points.push_back((i + k * width / graph.radix + moved) % width);
      }
      break;
    case Pattern::kRandomNearest:
      add(Nearest(graph, i));
      std::erase_if(points, [&](int64_t point) {
        return point != i && !ByChance(step % graph.period, point, i);
      });
      break;
  }
  return points;
}

}  // namespace

std::span<const NamedPattern> Patterns() {
  static constexpr NamedPattern kPatterns[] = {
      {Pattern::kTrivial, "trivial"},
      {Pattern::kNoComm, "no_comm"},
      {Pattern::kStencil1d, "stencil_1d"},
      {Pattern::kStencil1dPeriodic, "stencil_1d_periodic"},
      {Pattern::kDom, "dom"},
      {Pattern::kTree, "tree"},
      {Pattern::kFft, "fft"},
      {Pattern::kAllToAll, "all_to_all"},
      {Pattern::kNearest, "nearest"},
      {Pattern::kSpread, "spread"},
      {Pattern::kRandomNearest, "random_nearest"},
  };
  return kPatterns;
}

Range PointsAt(const Graph& graph, int64_t step) {
  if (graph.pattern == Pattern::kDom) {
    // It widens to the right and narrows from the left; with few steps it does not get to its
    // width.
    const int64_t widest = std::min(graph.width, (graph.steps + 1) / 2);
    const int64_t begin = std::max<int64_t>(0, step + widest - graph.steps);
    return {begin, begin + std::min({widest, step + 1, graph.steps - step})};
  }
  if (graph.pattern == Pattern::kTree)
    return {0, std::min(graph.width, int64_t{1} << std::min<int64_t>(step, 62))};
  return {0, graph.width};
}

std::vector<int64_t> DependenciesOf(const Graph& graph, int64_t step, int64_t point) {
  if (step == 0) return {};
  std::vector<int64_t> points = Candidates(graph, step, point);
  const Range before = PointsAt(graph, step - 1);
  std::erase_if(points, [&](int64_t p) { return !before.Contains(p); });
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

int64_t TaskCount(const Graph& graph) {
  int64_t count = 0;
  for (int64_t step = 0; step < graph.steps; ++step) count += PointsAt(graph, step).size();
  return count;
}

}  // namespace bench
