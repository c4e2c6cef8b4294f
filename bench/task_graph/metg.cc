#include "bench/task_graph/metg.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "bench/task_graph/graph_run.h"
#include "bench/task_graph/kernels.h"
#include "bench/timing.h"

namespace bench {
namespace {

constexpr double kHalf = 0.5;

}  // namespace

std::optional<double> MinimumGranularity(std::span<const GranularityPoint> points, double wanted) {
  const auto has = [&](const GranularityPoint& point) { return point.efficiency >= wanted; };
  const auto first = std::find_if(points.begin(), points.end(), has);
  if (first == points.end()) return std::nullopt;
  if (first == points.begin()) return first->micros;
  const GranularityPoint& below = *(first - 1);
  const double part =
      std::log(wanted / below.efficiency) / std::log(first->efficiency / below.efficiency);
  return below.micros * std::pow(first->micros / below.micros, part);
}

double MeasureMetgMicros(Pattern pattern, int workers,
                         absl::FunctionRef<double(const Graph&, const Kernel&)> seconds_of) {
  constexpr double kFirstMicros = 1;
  constexpr double kLastMicros = 20'000;
  // Runs are as long as this where tasks are large, and have so many steps where they are small.
  constexpr double kRunMicros = 200'000;
  constexpr int64_t kMostSteps = 1'000;
  constexpr int64_t kLeastSteps = 20;

  const double micros_each = 1e6 / PeakRate(KernelType::kCompute, 1);
  std::vector<GranularityPoint> points;
  for (double micros = kFirstMicros; micros <= kLastMicros; micros *= 2) {
    const Kernel kernel = {KernelType::kCompute,
                           std::max<int64_t>(1, static_cast<int64_t>(micros / micros_each))};
    const Graph graph = {
        .pattern = pattern,
        .width = GraphWidth(workers),
        .steps = std::clamp(static_cast<int64_t>(kRunMicros / micros), kLeastSteps, kMostSteps)};
    // The peak in turn with each run, so that what disturbs one disturbs the other.
    const double peak = PeakRate(KernelType::kCompute, workers);
    const double seconds = seconds_of(graph, kernel);
    const auto tasks = static_cast<double>(TaskCount(graph));
    points.push_back({seconds * 1e6 * workers / tasks,
                      static_cast<double>(TotalIterations(graph, kernel)) / seconds / peak});
    if (const auto metg = MinimumGranularity(points, kHalf)) return *metg;
  }
  Expect(false, "half of the peak, with tasks of 20 ms");
  return 0;
}

}  // namespace bench
