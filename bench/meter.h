// Meter times the part of a row that counts, and says what that part cost in every process of the
// cluster: CPU, wake-ups, memory, tasks of each worker and, in a run of their own, system calls.
//
//   double MeasureCalls(Meter& meter) {
//     const double seconds = meter.Time(kCalls, [&] { ... });   // kCalls operations
//     meter.ExpectTasks(kCalls);                                // workers have run so many
//     return kCalls / seconds;
//   }
//   meter.costs().wakeups / meter.costs().operations;
//
// Processes that end while f runs are not counted, those that begin are. Not thread-safe.
#ifndef TROUPE_BENCH_METER_H_
#define TROUPE_BENCH_METER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "bench/cluster_processes.h"

namespace bench {

// Of all runs together.
struct Costs {
  int64_t operations = 0;
  std::array<double, kRoles.size()> cpu_seconds = {};  // by role, of all its processes together
  int64_t wakeups = 0;
  // The most that one process of the role had at a time; nothing where the kernel keeps no mark.
  std::array<std::optional<int64_t>, kRoles.size()> peak_memory_bytes = {};
  // Of the last run, the largest first; none where the tasks of the row do not count themselves.
  std::vector<int64_t> tasks_per_worker;
  // Nothing where they were not counted.
  std::optional<double> system_calls_per_operation;
};

class Meter {
 public:
  // Seconds that f takes, in which so many operations are done.
  double Time(int64_t operations, const std::function<void()>& f);
  // The same, as a rate and as the time of one.
  double Rate(int64_t operations, const std::function<void()>& f);
  double Micros(int64_t operations, const std::function<void()>& f);

  // From here on nothing but system calls is counted, which costs time: what Time returns is not to
  // be used.
  void CountSystemCalls() { counting_system_calls_ = true; }

  // Ends the program where workers did not run so many tasks, or more, in the last Time.
  void ExpectTasks(int64_t least) const;

  const Costs& costs() const { return costs_; }

 private:
  double TimeAndCount(int64_t operations, const std::function<void()>& f);

  bool counting_system_calls_ = false;
  int64_t last_tasks_ = 0;
  int64_t counted_operations_ = 0;
  int64_t counted_system_calls_ = 0;
  Costs costs_;
};

}  // namespace bench

#endif  // TROUPE_BENCH_METER_H_
