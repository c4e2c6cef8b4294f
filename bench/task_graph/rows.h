// The rows of graphs of tasks. They need a running cluster.
#ifndef TROUPE_BENCH_TASK_GRAPH_ROWS_H_
#define TROUPE_BENCH_TASK_GRAPH_ROWS_H_

#include "bench/report.h"

namespace bench {

// metg_stencil_1d, which bench:core has too.
void AddStencilMetgRow(Report& report);
// Each pattern with each kernel.
void AddGraphRows(Report& report);
// METG(50 %) of each pattern.
void AddMetgRows(Report& report);

}  // namespace bench

#endif  // TROUPE_BENCH_TASK_GRAPH_ROWS_H_
