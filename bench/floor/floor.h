// The floor: what the design itself costs on this machine, and so the limit beside every call.
//
// Tasks that do nothing go from a driver through a central scheduler to workers and back, as Cap'n
// Proto messages that are built in the slots of shared rings, forwarded without being encoded
// again, several deep to a worker; whoever waits polls, yielding, for a while and then sleeps on a
// futex. No failure handling, no objects, no references, no names: nothing but the road.
//
//   const Floor floor = MeasureFloor({.workers = 2});
//   floor.sync_micros;        // a call that is waited for
//   floor.tasks_per_second;   // with as many under way as the rings take
//
// Forks its processes and waits for them. Not thread-safe.
#ifndef TROUPE_BENCH_FLOOR_FLOOR_H_
#define TROUPE_BENCH_FLOOR_FLOOR_H_

#include <cstdint>

namespace bench {

struct FloorOptions {
  int workers = 2;  // 1 to kMaxFloorWorkers
  int depth = 64;   // tasks given to one worker at a time
  int sync_calls = 5'000;
  int pipelined_calls = 300'000;
  int busy_processes = 0;  // foreign ones that burn CPU meanwhile
};
inline constexpr int kMaxFloorWorkers = 8;

struct Floor {
  double sync_micros = 0;
  double tasks_per_second = 0;
};

// Ends the program where the work was not done.
Floor MeasureFloor(const FloorOptions& options);

}  // namespace bench

#endif  // TROUPE_BENCH_FLOOR_FLOOR_H_
