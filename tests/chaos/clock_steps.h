// A wall clock that is set again and again: while the environment has TROUPE_CHAOS_CLOCK=SEED,
// CLOCK_REALTIME jumps by up to ten years, ten times a second, to the same time in all processes
// with that seed. CLOCK_MONOTONIC goes on as it is, as it does when a clock is set.
//
// For this it takes the place of libc's clock_gettime, gettimeofday and time in the executable that
// links it, which is driver, node and workers.
#ifndef TROUPE_TESTS_CHAOS_CLOCK_STEPS_H_
#define TROUPE_TESTS_CHAOS_CLOCK_STEPS_H_

namespace troupe::testing {

inline constexpr char kClockVariable[] = "TROUPE_CHAOS_CLOCK";

// By how many seconds the clock that this process sees is off just now.
double ClockIsOffBy();

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_CHAOS_CLOCK_STEPS_H_
