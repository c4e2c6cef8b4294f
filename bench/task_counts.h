// TaskCounts says how many tasks each worker has run, by what the tasks themselves count in memory
// that the driver shares with its workers.
//
//   int64_t Double(int64_t x) { return CountTask(), 2 * x; }        // a task
//   const TaskCounts counts;                                         // in the driver, before Init
//   counts.OfEachProcess();                                          // {pid: 1000}
//
// A task that the driver itself runs ends the program: a row counts work that workers did.
#ifndef TROUPE_BENCH_TASK_COUNTS_H_
#define TROUPE_BENCH_TASK_COUNTS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>

#include "core/base/unique_fd.h"

namespace bench {

// To be called by each task that a row counts. Any thread of a worker.
void CountTask();

class TaskCounts {
 public:
  // Workers find it by their environment, which they have from this process. REQUIRES: no other one
  // lives, and no cluster is running.
  TaskCounts();
  ~TaskCounts();
  TaskCounts(const TaskCounts&) = delete;
  TaskCounts& operator=(const TaskCounts&) = delete;

  // Since the beginning. Of workers that have ended, too.
  static std::map<pid_t, int64_t> OfEachProcess();

 private:
  troupe::UniqueFd file_;
};

}  // namespace bench

#endif  // TROUPE_BENCH_TASK_COUNTS_H_
