#include "bench/task_graph/rows.h"

#include <cstdint>
#include <string>

#include "bench/limits.h"
#include "bench/task_graph/graph_run.h"
#include "bench/task_graph/kernels.h"
#include "bench/task_graph/metg.h"
#include "bench/task_graph/patterns.h"

namespace bench {
namespace {

void AddMetgRow(Report& report, const NamedPattern& pattern) {
  const int workers = report.flags().workers;
  report.Row("metg_" + std::string(pattern.name), "us",
             [&](Meter& meter) {
               return MeasureMetgMicros(pattern.pattern, workers,
                                        [&](const Graph& graph, const Kernel& kernel) {
                                          return SecondsOnCluster(meter, graph, kernel);
                                        });
             },
             {"floor, METG", [&] {
                return MeasureMetgMicros(pattern.pattern, workers,
                                         [&](const Graph& graph, const Kernel& kernel) {
                                           return SecondsOnFloor(graph, kernel, workers);
                                         });
              }});
}

// Tasks a second, without work: beside calls of the floor.
void AddEmptyRow(Report& report, const NamedPattern& pattern) {
  const Graph graph = {
      .pattern = pattern.pattern, .width = GraphWidth(report.flags().workers), .steps = 500};
  report.Row(
      std::string(pattern.name) + "_empty", "1/s",
      [&](Meter& meter) {
        return static_cast<double>(TaskCount(graph)) /
               SecondsOnCluster(meter, graph, {KernelType::kEmpty});
      },
      FloorRate());
}

// Iterations a second of tasks that take 100 µs each: beside threads with nothing to wait for.
void AddKernelRow(Report& report, const NamedPattern& pattern, const NamedKernel& kernel) {
  const int workers = report.flags().workers;
  const Graph graph = {.pattern = pattern.pattern, .width = GraphWidth(workers), .steps = 100};
  report.Row(
      std::string(pattern.name) + "_" + std::string(kernel.name), "1/s",
      [&](Meter& meter) {
        const Kernel sized = {kernel.type, static_cast<int64_t>(PeakRate(kernel.type, 1) * 100e-6)};
        return static_cast<double>(TotalIterations(graph, sized)) /
               SecondsOnCluster(meter, graph, sized);
      },
      {"threads without a scheduler", [&] { return PeakRate(kernel.type, workers); }});
}

}  // namespace

void AddStencilMetgRow(Report& report) {
  for (const NamedPattern& pattern : Patterns())
    if (pattern.pattern == Pattern::kStencil1d) AddMetgRow(report, pattern);
}

void AddGraphRows(Report& report) {
  for (const NamedPattern& pattern : Patterns()) {
    AddEmptyRow(report, pattern);
    for (const NamedKernel& kernel : Kernels())
      if (kernel.type != KernelType::kEmpty) AddKernelRow(report, pattern, kernel);
  }
}

void AddMetgRows(Report& report) {
  for (const NamedPattern& pattern : Patterns()) AddMetgRow(report, pattern);
}

}  // namespace bench
