// BusyProcesses are foreign processes that want a processor each, for as long as it lives.
#ifndef TROUPE_BENCH_BUSY_PROCESSES_H_
#define TROUPE_BENCH_BUSY_PROCESSES_H_

#include <sys/types.h>

#include <vector>

namespace bench {

class BusyProcesses {
 public:
  explicit BusyProcesses(int count);
  ~BusyProcesses();
  BusyProcesses(const BusyProcesses&) = delete;
  BusyProcesses& operator=(const BusyProcesses&) = delete;

 private:
  std::vector<pid_t> pids_;
};

}  // namespace bench

#endif  // TROUPE_BENCH_BUSY_PROCESSES_H_
