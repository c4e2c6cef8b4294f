// The CPUs that a process may run on.
#ifndef TROUPE_CORE_MACHINE_CPUS_H_
#define TROUPE_CORE_MACHINE_CPUS_H_

#include <sched.h>
#include <unistd.h>

#include <algorithm>

namespace troupe::machine {

// At least 1. Thread-safe.
inline int UsableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
  return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace troupe::machine

#endif  // TROUPE_CORE_MACHINE_CPUS_H_
