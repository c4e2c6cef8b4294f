// TaskWord is the state of one dispatched task, shared between the node and the worker.
//
// Problem: the node wants a task back that a busy worker has not begun (to cancel it, to give it to
// an idle worker), and cannot wait for an answer. So both sides decide by one compare-and-swap: the
// worker queued → begun, the node queued → recalled, and exactly one of them succeeds. The
// generation tells a slot's uses apart: a frame of an earlier use can neither begin nor be
// recalled. Thread-safety: lock-free, between processes.
#ifndef TROUPE_CORE_CHANNEL_TASK_WORD_H_
#define TROUPE_CORE_CHANNEL_TASK_WORD_H_

#include <atomic>
#include <cstdint>

namespace troupe::channel {

// `Word` is std::atomic<uint64_t>, or a model of one in the test of all interleavings.
template <typename Word>
class BasicTaskWord {
 public:
  template <typename... Args>
  explicit BasicTaskWord(Args... args) : word_(args...) {}

  // Node: a new use of the slot, of which the worker hears by a message that is published
  // afterwards. REQUIRES: `generation` was not used on it before, and is neither 0 nor above
  // 2^62 - 1.
  void Queue(uint64_t generation) {
    word_.store(generation << 2 | kQueued, std::memory_order_release);
  }
  // Worker: true where the task is now begun, and will not be recalled.
  bool TryBegin(uint64_t generation) { return Change(generation, kBegun); }
  // Node: true where the task had not begun, and never will.
  bool TryRecall(uint64_t generation) { return Change(generation, kRecalled); }
  // Node: as it was at that moment.
  bool HasBegun(uint64_t generation) const {
    return word_.load(std::memory_order_seq_cst) == (generation << 2 | kBegun);
  }

 private:
  enum State : uint64_t { kFree = 0, kQueued = 1, kBegun = 2, kRecalled = 3 };

  bool Change(uint64_t generation, State to) {
    uint64_t expected = generation << 2 | kQueued;
    return word_.compare_exchange_strong(expected, generation << 2 | to, std::memory_order_seq_cst);
  }

  Word word_;
};

class TaskWord final : public BasicTaskWord<std::atomic<uint64_t>> {
 public:
  TaskWord() : BasicTaskWord(uint64_t{0}) {}
};
static_assert(sizeof(TaskWord) == 8);

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_TASK_WORD_H_
