// A program that uses its share of a cluster: `share WEIGHT TASKS` says "submitted" when the node
// has all of its tasks, and prints when each of them ended, in nanoseconds of the machine's
// monotonic clock. fairness_test runs two of them.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/base/clock.h"
#include "sdk/troupe.h"

// A millisecond of work; when it ended.
int64_t Work() {
  const int64_t end = troupe::MonotonicNanos() + 1'000'000;
  while (troupe::MonotonicNanos() < end) {
  }
  return troupe::MonotonicNanos();
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const troupe::Cluster cluster = troupe::Init({.job_weight = std::atof(argv[1])});
  std::vector<troupe::ObjectRef<int64_t>> ends;
  for (int i = 0; i < std::atoi(argv[2]); ++i) ends.push_back(troupe::Task(Work).Remote());
  (void)troupe::Memory(0);  // answered behind them
  std::printf("submitted\n");
  std::fflush(stdout);
  for (const int64_t end : troupe::Get(ends)) std::printf("%lld\n", static_cast<long long>(end));
  std::printf("done\n");
}
