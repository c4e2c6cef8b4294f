// A program that uses its share of a cluster: `share WEIGHT TASKS COUNTERS` says "submitted" when
// the node has all of its tasks, and prints in which turn each ended, among the tasks of all who
// have that file of counters. fairness_test runs two of them.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "sdk/troupe.h"
#include "tests/integration/shared_counters.h"

// A millisecond of work.
int64_t Work(const std::string& path) {
  static const troupe::testing::SharedCounters counters(path);
  const int64_t end = troupe::MonotonicNanos() + 1'000'000;
  while (troupe::MonotonicNanos() < end) {
  }
  return counters[0]++;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const troupe::Cluster cluster = troupe::Init({.job_weight = std::atof(argv[1])});
  std::vector<troupe::ObjectRef<int64_t>> turns;
  for (int i = 0; i < std::atoi(argv[2]); ++i)
    turns.push_back(troupe::Task(Work).Remote(std::string(argv[3])));
  (void)troupe::Memory(0);  // answered behind them
  std::printf("submitted\n");
  std::fflush(stdout);
  for (const int64_t turn : troupe::Get(turns)) std::printf("%lld\n", static_cast<long long>(turn));
  std::printf("done\n");
}
