// The rows of bench:core, by what they measure. Most need a running cluster. Every result is
// computed by a worker from its argument and checked by the driver.
#ifndef TROUPE_BENCH_ROWS_H_
#define TROUPE_BENCH_ROWS_H_

#include "bench/report.h"

namespace bench {

// A cluster that does not exist yet, and a worker more. REQUIRES: none is running.
void AddStartRows(Report& report);
// A cluster that has nothing to do. REQUIRES: none is running.
void AddIdleRows(Report& report);
// A million tasks, in a cluster of its own. REQUIRES: none is running.
void AddQueueRows(Report& report);
// Very many small objects, in clusters of their own. REQUIRES: none is running.
void AddManyObjectsRows(Report& report);
// How soon a deadline, a death and a timeout are felt, in a cluster of its own. REQUIRES: none is
// running.
void AddTimeRows(Report& report);
// Values of 1 GiB, in clusters of their own. REQUIRES: none is running.
void AddLargeObjectRows(Report& report);
// Tasks and actor calls, one at a time and many under way.
void AddCallRows(Report& report);
// Many calls that are handed over together.
void AddMapRows(Report& report);
// Large values that a function is bound to.
void AddClosureRows(Report& report);
// Values in and out.
void AddObjectRows(Report& report);
// How bytes are copied into the store, without a cluster.
void AddCopyRows(Report& report);
// Large numbers of everything.
void AddScaleRows(Report& report);

}  // namespace bench

#endif  // TROUPE_BENCH_ROWS_H_
