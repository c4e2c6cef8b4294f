// A program that uses its share of a cluster: `share WEIGHT TASKS` prints when each of its tasks
// ended, in nanoseconds of the machine's clock. fairness_test runs two of them.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/base/clock.h"
#include "sdk/troupe.h"

// A millisecond of work.
int64_t Work() {
  const int64_t end = troupe::MonotonicNanos() + 1'000'000;
  while (troupe::MonotonicNanos() < end) {
  }
  return end;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const troupe::Cluster cluster = troupe::Init({.job_weight = std::atof(argv[1])});
  std::vector<troupe::ObjectRef<int64_t>> refs;
  for (int i = 0; i < std::atoi(argv[2]); ++i) refs.push_back(troupe::Task(Work).Remote());
  for (const int64_t end : troupe::Get(refs)) std::printf("%lld\n", static_cast<long long>(end));
}
