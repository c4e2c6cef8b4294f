// SystemCallCounter counts the system calls of processes, and of the threads and processes that
// they start meanwhile, by the kernel's tracepoint raw_syscalls:sys_enter.
//
//   auto counter = SystemCallCounter::Start(pids);
//   ...
//   if (counter) calls = counter->count();
//
// sched_yield is left out: who polls calls it until something comes, so that its number tells how
// long was waited, not what was done. While it counts, each system call of the machine is slower by
// a tenth of a microsecond or more: times are taken without it. Needs CAP_PERFMON or root, and
// tracefs.   Not thread-safe.
#ifndef TROUPE_BENCH_SYSTEM_CALLS_H_
#define TROUPE_BENCH_SYSTEM_CALLS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/unique_fd.h"

namespace bench {

class SystemCallCounter {
 public:
  // Nothing where the kernel does not permit it.
  static std::optional<SystemCallCounter> Start(const std::vector<pid_t>& pids);

  // Until now.
  int64_t count() const;

 private:
  std::vector<troupe::UniqueFd> events_;  // one of each thread that was there at the start
};

}  // namespace bench

#endif  // TROUPE_BENCH_SYSTEM_CALLS_H_
