// The two clocks of a process. Only the edges read them; pure code is given the time.
#ifndef TROUPE_CORE_BASE_CLOCK_H_
#define TROUPE_CORE_BASE_CLOCK_H_

#include <time.h>

#include <cstdint>

namespace troupe {

// Nanoseconds of CLOCK_MONOTONIC: comparable between the processes of one machine, for intervals
// and deadlines.
inline int64_t MonotonicNanos() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_CLOCK_H_
