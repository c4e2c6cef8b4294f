// Graphs of tasks, after Task Bench: each pattern with each kernel, and the smallest tasks that are
// worth while.
//
//   bazel run -c opt //bench:task_graph -- [--filter=TEXT] [--json] [--runs=N] [--workers=N]
#include "bench/report.h"
#include "bench/task_counts.h"
#include "bench/task_graph/rows.h"
#include "sdk/troupe.h"

int main(int argc, char** argv) {
  bench::Report report(bench::Flags::Parse(argc, argv));
  const bench::TaskCounts counts;
  const troupe::Cluster cluster = troupe::Init({.workers = report.flags().workers});
  bench::AddGraphRows(report);
  bench::AddMetgRows(report);
  report.Finish();
}
