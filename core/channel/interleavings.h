// Tries every interleaving of a few threads' accesses to shared words: for tests of lock-free
// protocols.
//
// Problem: a lost wake-up needs one particular order of two processes' steps out of thousands,
// which no amount of running them finds reliably. Here each thread stops before each access to a
// Word, one is let go at a time, and the choices are enumerated depth first. So the code under test
// is the code in use, instantiated with Word<T> for std::atomic<T>. Sound for sequentially
// consistent accesses only.
//
//   Interleavings all;
//   while (all.Next()) {
//     Word<uint32_t> flag{&all};
//     const bool finished = all.Run({[&] { flag.store(1); }, [&] { flag.exchange(0); }});
//     EXPECT_TRUE(finished) << "everybody waits: " << all.schedule();
//   }
#ifndef TROUPE_CORE_CHANNEL_INTERLEAVINGS_H_
#define TROUPE_CORE_CHANNEL_INTERLEAVINGS_H_

#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::channel {

class Interleavings {
 public:
  // True where there is a schedule that has not been tried.
  bool Next() {
    if (!started_) return started_ = true;
    while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().of)
      choices_.pop_back();
    if (choices_.empty()) return false;
    ++choices_.back().taken;
    return true;
  }

  // Runs the bodies in this schedule. False where all that have not ended wait for ever.
  // REQUIRES: they behave the same in the same schedule.
  bool Run(const std::vector<std::function<void()>>& bodies) {
    ++schedules_;
    schedule_.clear();
    depth_ = 0;
    abandoned_ = false;
    running_ = kNobody;
    sides_ = std::vector<Side>(bodies.size());
    std::vector<std::thread> threads;
    const int cpu = sched_getcpu();
    for (size_t i = 0; i < bodies.size(); ++i) {
      threads.emplace_back([this, i, cpu, &bodies] {
        self_ = i;
        StayOn(cpu);
        try {
          Step();
          bodies[i]();
        } catch (const Abandoned&) {
        }
        const std::lock_guard lock(mutex_);
        sides_[i].state = State::kEnded;
        PickNext();
      });
    }
    for (std::thread& thread : threads) thread.join();
    return !abandoned_;
  }

  // Called by the bodies. Here others may run.
  void Step() {
    WaitUntil([] { return true; });
  }
  // Others run until condition() holds, at least.
  void WaitUntil(std::function<bool()> condition) {
    std::unique_lock lock(mutex_);
    Side& side = sides_[self_];
    side.condition = std::move(condition);
    side.state = State::kStopped;
    PickNext();
    side.changed.wait(lock, [&] { return running_ == self_ || abandoned_; });
    if (abandoned_) throw Abandoned();
  }

  int schedules() const { return schedules_; }
  // "0110...": who took each step.
  const std::string& schedule() const { return schedule_; }

 private:
  struct Abandoned {};
  enum class State { kRunning, kStopped, kEnded };
  struct Side {
    State state = State::kRunning;
    std::function<bool()> condition;
    std::condition_variable changed;
  };
  struct Choice {
    size_t taken;
    size_t of;
  };
  static constexpr size_t kNobody = SIZE_MAX;

  // Only one runs at a time, and a wake-up on another core takes ten times as long.
  static void StayOn(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(cpu), &set);
    sched_setaffinity(0, sizeof(set), &set);  // without it the search is only slower
  }

  // With the lock held, by the one that has just stopped or ended.
  void PickNext() {
    if (abandoned_) return;
    running_ = kNobody;
    std::vector<size_t> able;
    bool ended = true;
    for (size_t i = 0; i < sides_.size(); ++i) {
      if (sides_[i].state == State::kRunning) return;  // its thread has not come to its first step
      ended &= sides_[i].state == State::kEnded;
      if (sides_[i].state == State::kStopped && sides_[i].condition()) able.push_back(i);
    }
    if (able.empty()) {
      abandoned_ = !ended;
      for (Side& side : sides_) side.changed.notify_one();
      return;
    }
    size_t pick = 0;
    if (able.size() > 1) {
      if (depth_ == choices_.size()) choices_.push_back({0, able.size()});
      pick = choices_[depth_++].taken;
    }
    running_ = able[pick];
    schedule_ += static_cast<char>('0' + running_);
    sides_[running_].state = State::kRunning;
    if (running_ != self_) sides_[running_].changed.notify_one();
  }

  static inline thread_local size_t self_ = kNobody;

  bool started_ = false;
  int schedules_ = 0;
  std::vector<Choice> choices_;
  std::string schedule_;
  size_t depth_ = 0;
  std::mutex mutex_;
  std::vector<Side> sides_;
  size_t running_ = kNobody;
  bool abandoned_ = false;
};

// Stands for std::atomic<T>: each access is one step. peek() and poke() are none.
template <typename T>
class Word {
 public:
  explicit Word(Interleavings* all, T value = {}) : all_(all), value_(value) {}

  T load(std::memory_order = std::memory_order_seq_cst) const {
    all_->Step();
    return value_;
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) {
    all_->Step();
    value_ = value;
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    all_->Step();
    return std::exchange(value_, value);
  }
  bool compare_exchange_strong(T& expected, T desired,
                               std::memory_order = std::memory_order_seq_cst) {
    all_->Step();
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    value_ = desired;
    return true;
  }
  T peek() const { return value_; }
  void poke(T value) { value_ = value; }

 private:
  Interleavings* all_;
  T value_;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_INTERLEAVINGS_H_
