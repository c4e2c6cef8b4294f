// The common benchmarks of task and actor systems, under the names that Ray gave them.
//
//   bazel run -c opt //bench:core -- [--filter=TEXT] [--json] [--runs=N] [--workers=N] [--busy=N]
#include "bench/report.h"
#include "bench/rows.h"
#include "bench/task_counts.h"
#include "bench/task_graph/rows.h"
#include "sdk/troupe.h"

int main(int argc, char** argv) {
  bench::Report report(bench::Flags::Parse(argc, argv));
  const bench::TaskCounts counts;
  bench::AddStartRows(report);
  bench::AddIdleRows(report);
  bench::AddQueueRows(report);
  bench::AddManyObjectsRows(report);
  bench::AddTimeRows(report);
  bench::AddLargeObjectRows(report);
  bench::AddCopyRows(report);
  {
    const troupe::Cluster cluster =
        troupe::Init({.workers = report.flags().workers, .object_store_memory = int64_t{1} << 30});
    bench::AddCallRows(report);
    bench::AddMapRows(report);
    bench::AddClosureRows(report);
    bench::AddObjectRows(report);
    bench::AddScaleRows(report);
    bench::AddStencilMetgRow(report);
  }
  report.ExpectAllGoals();
  report.Finish();
}
