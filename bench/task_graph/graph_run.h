// Runs a graph: in this process, task by task, and on the cluster, where each task is a Troupe task
// that takes the references of those it depends on, as the programs of Task Bench for Dask or
// StarPU do it. Both end in one number, into which each task's work and inputs go.
#ifndef TROUPE_BENCH_TASK_GRAPH_GRAPH_RUN_H_
#define TROUPE_BENCH_TASK_GRAPH_GRAPH_RUN_H_

#include <cstdint>

#include "bench/meter.h"
#include "bench/task_graph/kernels.h"
#include "bench/task_graph/patterns.h"

namespace bench {

// Points a worker: while one waits for its neighbours, others are ready.
constexpr int64_t GraphWidth(int workers) { return int64_t{4} * workers; }

uint64_t RunSerially(const Graph& graph, const Kernel& kernel);

// Seconds from the first submission to the last result. Ends the program where the results are not
// those of the serial run.   REQUIRES: a cluster is running.
double SecondsOnCluster(Meter& meter, const Graph& graph, const Kernel& kernel);
// The same of the bare design (bench/floor): its tasks pass no values on.
double SecondsOnFloor(const Graph& graph, const Kernel& kernel, int workers);

// Of all its tasks together.
int64_t TotalIterations(const Graph& graph, const Kernel& kernel);

}  // namespace bench

#endif  // TROUPE_BENCH_TASK_GRAPH_GRAPH_RUN_H_
