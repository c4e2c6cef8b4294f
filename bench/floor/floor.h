// The floor: what the design itself costs on this machine, and so the limit beside every call.
//
// Tasks that do nothing go from a driver through a central scheduler to workers and back, as Cap'n
// Proto messages that are built in the slots of shared rings, forwarded without being encoded
// again, several deep to a worker; whoever waits polls, yielding, for a while and then sleeps on a
// futex. No failure handling, no objects, no references, no names: nothing but the road.
//
//   const Floor floor = MeasureFloor({.workers = 2});
//   floor.sync_micros;        // a call that is waited for
//   floor.tasks_per_second;   // with as many under way as the rings take, or as a batch has
//
// A graph of tasks goes the same road: the scheduler keeps each until those that it waits for are
// done.
//
// Forks its processes and waits for them. Not thread-safe.
#ifndef TROUPE_BENCH_FLOOR_FLOOR_H_
#define TROUPE_BENCH_FLOOR_FLOOR_H_

#include <cstdint>
#include <functional>
#include <vector>

namespace bench {

struct FloorOptions {
  int workers = 2;  // 1 to kMaxFloorWorkers
  int depth = 64;   // tasks given to one worker at a time
  int sync_calls = 20'000;
  int pipelined_calls = 1'000'000;
  int batch = 0;           // of so many all are waited for before the next is begun; 0: without end
  int busy_processes = 0;  // foreign ones that burn CPU meanwhile
};
inline constexpr int kMaxFloorWorkers = 8;

struct Floor {
  double sync_micros = 0;
  double tasks_per_second = 0;
};

// Ends the program where the work was not done.
Floor MeasureFloor(const FloorOptions& options);

struct FloorGraph {
  std::vector<std::vector<uint32_t>>
      inputs;                               // of each task the tasks, before it, that it waits for
  std::function<void(uint32_t task)> work;  // in a worker
};

// Seconds from the first submission to the last result.
double MeasureFloorSeconds(const FloorOptions& options, const FloorGraph& graph);

}  // namespace bench

#endif  // TROUPE_BENCH_FLOOR_FLOOR_H_
