// Sleeping and waking: a flag in shared memory and an eventfd.
//
// Problem: a system call per message would cost more than the message. So a reader that still polls
// is never rung; one that wants to sleep says so in its flag, and looks once more before it does:
//
//   reader: flag = my bell;  if (input is there) flag = 0, go on;  else wait on the bell
//   writer: publish;         if (flag != 0 and I am the one who clears it) ring that bell
//
// A peer that sleeps again has seen what it was rung for: it is rung once for each batch that was
// published, however often its writers look whether they have to (OweBell, TakeOwedSleeper).
//
// Both sides are sequentially consistent: either the writer sees the flag, or the reader sees the
// message. That costs a writer a barrier, which waits for all that it has written: so it publishes
// without one, and has it before it looks at the flag, once for many messages. Every interleaving
// of these steps is tried in doorbell_test.cc, on this code. A client has two bells, so that only
// one of its threads wakes: kIoThread and kWaiter. The node has the first only.
#ifndef TROUPE_CORE_CHANNEL_DOORBELL_H_
#define TROUPE_CORE_CHANNEL_DOORBELL_H_

#include <atomic>
#include <cstdint>

#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"

namespace troupe::channel {

enum class Sleeper : uint32_t { kIoThread = 1, kWaiter = 2 };

// The steps of the protocol. `Flag` is std::atomic<uint32_t>, or a model of one in the test of all
// interleavings.
template <typename Flag>
void SayAsleep(Flag& flag, Sleeper who) {
  flag.store(static_cast<uint32_t>(who), std::memory_order_seq_cst);
}
template <typename Flag>
void SayAwake(Flag& flag) {
  flag.store(0, std::memory_order_seq_cst);
}
// True where the reader may wait on its bell now. Looks, by something_to_do(), only after its flag
// can be seen: who publishes later sees the flag, what was published before is seen here.
template <typename Flag, typename Look>
bool TryToSleep(Flag& flag, Sleeper who, Look something_to_do) {
  SayAsleep(flag, who);
  if (!something_to_do()) return true;
  SayAwake(flag);
  return false;
}
// The number of the bell to ring, or 0. The caller has published with sequential consistency.
// Serves for the other direction too: a producer that waits for room has set its flag, and the
// consumer has published its tail.
template <typename Flag>
uint32_t TakeSleeper(Flag& flag) {
  if (flag.load(std::memory_order_seq_cst) == 0) return 0;
  return flag.exchange(0, std::memory_order_seq_cst);
}

// Of the writer's process alone: `owed` says that something was published since the peer was last
// looked after. To be called after publishing.
template <typename Flag>
void OweBell(Flag& owed) {
  owed.store(1, std::memory_order_release);
}
// TakeSleeper, or 0 where nothing is owed. order() makes what was published, by whichever thread,
// visible before the flag is looked at.
template <typename Flag, typename Owed, typename Order>
uint32_t TakeOwedSleeper(Flag& flag, Owed& owed, Order order) {
  if (owed.exchange(0, std::memory_order_acquire) == 0) return 0;
  order();
  return TakeSleeper(flag);
}

// An eventfd. Thread-safe.
class Doorbell {
 public:
  static absl::StatusOr<Doorbell> Create();
  explicit Doorbell(UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  void Ring();
  // Makes fd() unreadable again.
  void Silence();

 private:
  UniqueFd fd_;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_DOORBELL_H_
