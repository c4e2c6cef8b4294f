#include "tests/chaos/clock_steps.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kStepNanos = 100'000'000;
constexpr int64_t kTenYears = int64_t{10} * 365 * 24 * 3600;

timespec Ask(clockid_t clock) {
  timespec now{};
  syscall(SYS_clock_gettime, clock, &now);
  return now;
}

// 0: not set. A driver sets the variable when it has begun, so that it is looked at each time.
uint64_t Seed() {
  const char* text = std::getenv(troupe::testing::kClockVariable);
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

// The same for all processes at one time.
int64_t OffsetSeconds(uint64_t seed) {
  const timespec now = Ask(CLOCK_MONOTONIC);
  const int64_t step = (now.tv_sec * kNanosPerSecond + now.tv_nsec) / kStepNanos;
  uint64_t x = (seed ^ static_cast<uint64_t>(step)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 29)) * 0x94D049BB133111EBu;
  return static_cast<int64_t>((x >> 16) % (2 * kTenYears)) - kTenYears;
}

timespec WallClock(clockid_t clock) {
  timespec now = Ask(clock);
  if (const uint64_t seed = Seed(); seed != 0) now.tv_sec += OffsetSeconds(seed);
  return now;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
    return static_cast<int>(syscall(SYS_clock_gettime, clock, now));
  *now = WallClock(clock);
  return 0;
}

int gettimeofday(timeval* now, void*) noexcept {
  const timespec wall = WallClock(CLOCK_REALTIME);
  now->tv_sec = wall.tv_sec;
  now->tv_usec = wall.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* now) noexcept {
  const timespec wall = WallClock(CLOCK_REALTIME_COARSE);
  if (now != nullptr) *now = wall.tv_sec;
  return wall.tv_sec;
}

}  // extern "C"

namespace troupe::testing {

double ClockIsOffBy() {
  const timespec real = Ask(CLOCK_REALTIME);
  const std::chrono::duration<double> seen = std::chrono::system_clock::now().time_since_epoch();
  return seen.count() - static_cast<double>(real.tv_sec);
}

}  // namespace troupe::testing
