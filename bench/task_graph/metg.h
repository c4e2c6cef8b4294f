// METG, Task Bench's minimum effective task granularity: the smallest tasks with which a system
// still does half of what the machine can. It says what a task costs as a user feels it: with
// smaller ones, more than half of the machine is lost.
//
// Granularity is the time of the whole run x workers / tasks, so what the system takes for itself
// counts. Efficiency is the work done in that time / the work that as many threads do in it which
// have nothing to wait for.
#ifndef TROUPE_BENCH_TASK_GRAPH_METG_H_
#define TROUPE_BENCH_TASK_GRAPH_METG_H_

#include <optional>
#include <span>

#include "absl/functional/function_ref.h"
#include "bench/task_graph/kernels.h"
#include "bench/task_graph/patterns.h"

namespace bench {

struct GranularityPoint {
  double micros = 0;  // granularity
  double efficiency = 0;
};

// The granularity at which the efficiency passes `wanted`, between the first point that has it and
// the point before, on logarithmic scales; the first point's where there is none before. None where
// no point has it. REQUIRES: growing granularity.
std::optional<double> MinimumGranularity(std::span<const GranularityPoint> points, double wanted);

// METG(50 %) in µs, of the compute kernel: runs the pattern with tasks that are twice as large each
// time, and measures the peak before each run. `seconds_of` runs it: SecondsOnCluster or
// SecondsOnFloor.
double MeasureMetgMicros(Pattern pattern, int workers,
                         absl::FunctionRef<double(const Graph&, const Kernel&)> seconds_of);

}  // namespace bench

#endif  // TROUPE_BENCH_TASK_GRAPH_METG_H_
