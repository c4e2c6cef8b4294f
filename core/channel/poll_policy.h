// PollPolicy decides how long a reader polls before it sleeps.
//
// Problem: waking a sleeper on another core costs about 20 µs, a message to a reader that still
// polls 0.1 µs; but polling without giving the CPU away starves the very process whose answer is
// awaited, and who gives it away while others compute gets it back when they have done, since the
// kernel takes a yield for "let them go on". A sleeper it wakes at once, even then. So: poll in
// bursts with sched_yield between them, for at most kBudget; where a yield comes back late, sleep;
// where two in a row have, or one kSurelyLate, somebody else computes on this CPU: sleep from now
// on, for kPausePerLate times as long as it was late, so that at most one part in so many is lost
// by it, and twice as long each time that it is late again.
//
//   PollPolicy policy;
//   if (policy.Poll(MonotonicNanos, sched_yield, [&] { return ring.HasInput(); })) ... else sleep
//
// Who knows that each CPU has work without it takes a Glance, and sleeps.
//
// Not thread-safe. Measured by bench/limits; the figures are those of the 2-core reference machine.
#ifndef TROUPE_CORE_CHANNEL_POLL_POLICY_H_
#define TROUPE_CORE_CHANNEL_POLL_POLICY_H_

#include <algorithm>
#include <cstdint>
#include <utility>

namespace troupe::channel {

inline void CpuRelax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class PollPolicy {
 public:
  static constexpr int64_t kBudgetNanos = 50'000;
  static constexpr int64_t kLateYieldNanos = 25'000;
  static constexpr int64_t kSurelyLateNanos = 500'000;  // no interrupt, nor a sleeper that woke up
  static constexpr int64_t kPausePerLate = 20;
  static constexpr int64_t kLongestPauseNanos = 1'000'000'000;
  static constexpr int kBurst = 32;

  // One burst, about a microsecond: true as soon as ready() is.
  template <typename Ready>
  static bool Glance(Ready ready) {
    for (int i = 0; i < kBurst; ++i) {
      if (ready()) return true;
      CpuRelax();
    }
    return false;
  }

  // True as soon as ready() is; false when it is time to sleep.
  template <typename Now, typename Yield, typename Ready>
  bool Poll(Now now, Yield yield, Ready ready) {
    if (ready()) return true;
    const int64_t start = now();
    if (start < no_polling_until_) return false;
    int64_t time = start;
    do {
      if (Glance(ready)) {
        Forget();
        return true;
      }
      const int64_t before = now();
      yield();
      time = now();
      const int64_t away = time - before;
      if (away >= kLateYieldNanos) {
        const bool is_first = !std::exchange(was_late_, true);
        if (is_first && away < kSurelyLateNanos) return ready();
        pause_ = std::min(std::max(2 * pause_, kPausePerLate * away), kLongestPauseNanos);
        no_polling_until_ = time + pause_;
        return ready();
      }
    } while (time - start < kBudgetNanos);
    Forget();  // a whole budget without being held up
    return ready();
  }

 private:
  void Forget() {
    was_late_ = false;
    pause_ = 0;
  }

  int64_t no_polling_until_ = 0;
  bool was_late_ = false;
  int64_t pause_ = 0;  // the last one; 0: nobody else has computed since
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_POLL_POLICY_H_
