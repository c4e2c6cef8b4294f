// Channel carries messages between a client (driver, worker, tool) and the node: in order, each
// way, without loss.
//
// Two implementations: ShmChannel (rings in shared memory, the road of every call on one machine)
// and StreamChannel (the same messages over a socket: tools today, other machines later). Neither
// ever blocks: what does not fit now is kept in an outbox, and the owner flushes it as room comes.
// Bounds: an outbox of Limits::kMaxOutboxBytes; past it Send fails with ResourceExhausted, and the
// owner ends the connection. Thread-safety: one thread at a time may send (Send, TryReserve,
// Commit, Flush, outbox_bytes), and one may receive (Receive, HasInput); they may be different
// ones. PrepareToSleep looks at both directions and needs both rights; RingPeer,
// PeerWaitsForThisCpu, WokeUp, StayAwake, bell_fd and task_word may be called by anybody.
//
//   channel.Send(Encode(message, buffer));          // many times
//   channel.RingPeer();                             // once, after the batch
//   while (channel.Receive(64, handle).value() == 0) {
//     if (!channel.PrepareToSleep(Sleeper::kWaiter)) continue;
//     ppoll({channel.bell_fd(Sleeper::kWaiter), socket, pidfd});
//     channel.WokeUp(Sleeper::kWaiter);
//   }
#ifndef TROUPE_CORE_CHANNEL_CHANNEL_H_
#define TROUPE_CORE_CHANNEL_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/channel/doorbell.h"
#include "core/channel/ring.h"
#include "core/channel/task_word.h"

namespace troupe::channel {

class Channel {
 public:
  virtual ~Channel() = default;

  // A message of whole 8-byte words, not empty; copied. Errors: ResourceExhausted where the peer
  // does not read, or for a message above Limits::kMaxMessageBytes; nothing of it was sent then.
  virtual absl::Status Send(Bytes message) = 0;
  // Zeroed room for a message of at most `bytes`, to be built where the peer will read it; empty
  // where there is none at once: then build it elsewhere and Send it. Commit sends the first
  // `used_bytes` of it, 0 gives it back. REQUIRES: multiples of 8; no Send between the two.
  virtual std::span<std::byte> TryReserve(size_t bytes) = 0;
  virtual absl::Status Commit(size_t used_bytes) = 0;
  // Moves what is in the outbox as far as there is room. True when nothing is left.
  virtual bool Flush() = 0;
  virtual size_t outbox_bytes() const = 0;
  // Wakes the peer where it sleeps and something was sent since the last call. To be called after a
  // batch of Send, Commit or Flush.
  virtual void RingPeer() = 0;

  // True where the peer was woken to read what was sent, has not begun, and is likely to wait for
  // this thread's CPU: sleeping gives it the CPU, which sched_yield need not do.
  virtual bool PeerWaitsForThisCpu() const = 0;

  virtual bool HasInput() const = 0;
  // Hands at most `max_messages` to `handle`, 8-aligned and valid during the call; returns how
  // many. Never waits. Errors: of `handle`, or InvalidArgument where the peer sent garbage; the
  // channel is unusable then. REQUIRES: not called by `handle`; `handle` may Send.
  virtual absl::StatusOr<size_t> Receive(size_t max_messages,
                                         absl::FunctionRef<absl::Status(Bytes)> handle) = 0;

  // False where there is something to do at once; else the peer will ring the sleeper's bell.
  virtual bool PrepareToSleep(Sleeper who) = 0;
  virtual void WokeUp(Sleeper who) = 0;
  // The caller polls from now on: nobody needs to be rung, whoever had prepared to sleep.
  virtual void StayAwake() = 0;
  // Readable when the bell has been rung.
  virtual int bell_fd(Sleeper who) const = 0;

  // Inline bytes that a message may carry; what is larger goes to the object store.
  virtual size_t max_inline_bytes() const = 0;
  // The state word of a dispatched task. REQUIRES: has_task_words().
  virtual bool has_task_words() const = 0;
  virtual TaskWord& task_word(uint32_t slot) = 0;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_CHANNEL_H_
