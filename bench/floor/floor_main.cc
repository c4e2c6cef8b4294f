// The floor by itself, for several depths and beside busy processes.
//
//   bazel run -c opt //bench/floor -- [WORKERS]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/floor/floor.h"

int main(int argc, char** argv) {
  const int workers = argc > 1 ? std::atoi(argv[1]) : 2;
  if (workers < 1 || workers > bench::kMaxFloorWorkers) {
    std::fprintf(stderr, "floor: the number of workers is from 1 to %d\n", bench::kMaxFloorWorkers);
    return 2;
  }
  std::printf("%6s %6s %14s %16s %20s\n", "depth", "busy", "sync, us", "pipelined, 1/s",
              "by the thousand, 1/s");
  for (const int busy : {0, 1, 2, 4}) {
    for (const int depth : {1, 16, 64}) {
      std::vector<double> sync, pipelined, batched;
      bench::FloorOptions options{.workers = workers,
                                  .depth = depth,
                                  .pipelined_calls = depth == 1 ? 100'000 : 1'000'000,
                                  .busy_processes = busy};
      for (int run = 0; run < 5; ++run) {
        options.batch = 0;
        const bench::Floor floor = bench::MeasureFloor(options);
        sync.push_back(floor.sync_micros);
        pipelined.push_back(floor.tasks_per_second);
        options.batch = 1'000;
        batched.push_back(bench::MeasureFloor(options).tasks_per_second);
      }
      for (std::vector<double>* runs : {&sync, &pipelined, &batched})
        std::sort(runs->begin(), runs->end());
      std::printf("%6d %6d %14.2f %16.0f %20.0f\n", depth, busy, sync[2], pipelined[2], batched[2]);
      std::fflush(stdout);
    }
  }
}
