// What one task or value costs in each single-threaded part of the road.
//
//   bazel run -c opt //bench:micro [-- --benchmark_filter=core_task]
#include <benchmark/benchmark.h>

#include "bench/parts.h"

int main(int argc, char** argv) {
  for (const bench::Part& part : bench::Parts()) {
    benchmark::RegisterBenchmark(part.name.c_str(), [&part](benchmark::State& state) {
      constexpr int64_t kBatch = 64;
      const bench::Part::Operation operation = part.make();
      while (state.KeepRunningBatch(kBatch)) operation(kBatch);
      state.SetItemsProcessed(state.iterations());
    });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
