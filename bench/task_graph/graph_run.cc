#include "bench/task_graph/graph_run.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "bench/floor/floor.h"
#include "bench/task_counts.h"
#include "bench/timing.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

// A task's result.
uint64_t RunTask(const Kernel& kernel, int64_t step, int64_t point,
                 const std::vector<uint64_t>& inputs) {
  uint64_t sum = Mix(Mix(static_cast<uint64_t>(step)) ^ static_cast<uint64_t>(point));
  for (const uint64_t input : inputs) sum = Mix(sum ^ input);
  return Mix(sum ^ RunKernel(kernel, step, point));
}

// The same as a task of the cluster.
uint64_t RunTaskOnCluster(const Kernel& kernel, int64_t step, int64_t point,
                          const std::vector<uint64_t>& inputs) {
  CountTask();
  return RunTask(kernel, step, point, inputs);
}

// run(step, point, std::vector<V>) makes a V of each task, in order. Returns the Vs that no other
// task has taken.
template <typename V, typename Run>
std::vector<V> Walk(const Graph& graph, Run run) {
  std::vector<V> untaken;
  std::vector<V> before;
  for (int64_t step = 0; step < graph.steps; ++step) {
    const int64_t first_before = step == 0 ? 0 : PointsAt(graph, step - 1).begin;
    std::vector<bool> taken(before.size());
    std::vector<V> now;
    const Range points = PointsAt(graph, step);
    for (int64_t point = points.begin; point < points.end; ++point) {
      std::vector<V> inputs;
      for (const int64_t from : DependenciesOf(graph, step, point)) {
        const auto index = static_cast<size_t>(from - first_before);
        taken[index] = true;
        inputs.push_back(before[index]);
      }
      now.push_back(run(step, point, std::move(inputs)));
    }
    for (size_t i = 0; i < before.size(); ++i)
      if (!taken[i]) untaken.push_back(std::move(before[i]));
    before = std::move(now);
  }
  for (V& last : before) untaken.push_back(std::move(last));
  return untaken;
}

uint64_t SumOf(const std::vector<uint64_t>& results) {
  uint64_t sum = 0;
  for (const uint64_t result : results) sum = Mix(sum ^ result);
  return sum;
}

}  // namespace

uint64_t RunSerially(const Graph& graph, const Kernel& kernel) {
  return SumOf(
      Walk<uint64_t>(graph, [&](int64_t step, int64_t point, const std::vector<uint64_t>& inputs) {
        return RunTask(kernel, step, point, inputs);
      }));
}

double SecondsOnCluster(Meter& meter, const Graph& graph, const Kernel& kernel) {
  using Ref = troupe::ObjectRef<uint64_t>;
  const auto task = troupe::Task(RunTaskOnCluster).Options({.name = "graph_task"});
  uint64_t sum = 0;
  const double seconds = meter.Time(TaskCount(graph), [&] {
    const std::vector<Ref> untaken =
        Walk<Ref>(graph, [&](int64_t step, int64_t point, std::vector<Ref> inputs) {
          return task.Remote(kernel, step, point, std::move(inputs));
        });
    sum = SumOf(troupe::Get(untaken));
  });
  Expect(sum == RunSerially(graph, kernel), "a graph of tasks");
  meter.ExpectTasks(TaskCount(graph));
  return seconds;
}

double SecondsOnFloor(const Graph& graph, const Kernel& kernel, int workers) {
  struct Place {
    int64_t step, point;
  };
  std::vector<Place> places;
  FloorGraph tasks;
  int64_t first_before = 0;  // task at the first point of the step before
  for (int64_t step = 0; step < graph.steps; ++step) {
    const auto first = static_cast<int64_t>(places.size());
    const Range points = PointsAt(graph, step);
    for (int64_t point = points.begin; point < points.end; ++point) {
      std::vector<uint32_t>& inputs = tasks.inputs.emplace_back();
      for (const int64_t from : DependenciesOf(graph, step, point)) {
        inputs.push_back(
            static_cast<uint32_t>(first_before + from - PointsAt(graph, step - 1).begin));
      }
      places.push_back({step, point});
    }
    first_before = first;
  }
  tasks.work = [&](uint32_t task) {
    const uint64_t sum = RunKernel(kernel, places[task].step, places[task].point);
    Expect(kernel.type == KernelType::kEmpty || sum != 0, "a task of the floor");
  };
  return MeasureFloorSeconds({.workers = workers}, tasks);
}

int64_t TotalIterations(const Graph& graph, const Kernel& kernel) {
  int64_t total = 0;
  for (int64_t step = 0; step < graph.steps; ++step) {
    const Range points = PointsAt(graph, step);
    for (int64_t point = points.begin; point < points.end; ++point)
      total += IterationsOf(kernel, step, point);
  }
  return total;
}

}  // namespace bench
