// A ring of frames in shared memory: one producer, one consumer, each in its own process.
//
// Problem: the two sides do not trust each other with more than this memory. So each keeps its own
// index privately and only publishes it; what the other side published is loaded once, checked, and
// then used. The producer's head moves only when the bytes are there.
//
// A frame is 8 bytes of header (payload length, kind) and the payload, padded to 8 bytes,
// contiguous: where it does not fit before the end of the ring, a padding frame fills the rest. A
// frame has at most a quarter of the ring; a longer message goes in fragments (first, middle...,
// last), with nothing of another message between them; none but padding is empty. Units: bytes;
// positions grow without end and are taken modulo the capacity, a power of two. Errors: the
// consumer's are InvalidArgument, saying what is malformed; after one the ring is unusable.
// Thread-safety: one thread at a time on each side.   After LMAX's disruptor; indices as in
// io_uring.
#ifndef TROUPE_CORE_CHANNEL_RING_H_
#define TROUPE_CORE_CHANNEL_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace troupe::channel {

using Bytes = std::span<const std::byte>;

// Shared between the two sides; each word that is written for every message, or for every sleep,
// has a cache line without the others. Valid when zero.
struct RingControl {
  alignas(64) std::atomic<uint64_t> head;  // written by the producer
  alignas(64) std::atomic<uint64_t> tail;  // written by the consumer
  // Set by the consumer before it sleeps, to the number of the doorbell that wakes it (see
  // doorbell.h).
  alignas(64) std::atomic<uint32_t> sleeping;
  std::atomic<int32_t> slept_on;  // the consumer's CPU when it last went to sleep
  // Set by a producer that found no room; the consumer then rings it when there is some.
  alignas(64) std::atomic<uint32_t> producer_waiting;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free &&
              std::atomic<uint32_t>::is_always_lock_free);

class RingProducer {
 public:
  // REQUIRES: `data` has `capacity` bytes, a power of two, and outlives this, as does `control`;
  // both are zero.
  RingProducer(RingControl* control, std::byte* data, size_t capacity);

  // Zeroed room for a message of at most `bytes`, to be built in place; empty where there is none
  // now or where it is more than max_payload(). Nothing is visible to the consumer until Commit.
  // REQUIRES: a multiple of 8 and not 0; no message that Write has begun is unfinished.
  std::span<std::byte> TryReserve(size_t bytes);
  // Publishes the first `used_bytes` of it; 0 gives it back. REQUIRES: a multiple of 8, at most
  // what was reserved.
  void Commit(size_t used_bytes);

  // Writes what fits of the message from `*progress` (bytes of it already written) on, and
  // publishes it. True when the whole message is in the ring. Until then, no other message may be
  // begun. REQUIRES: message.size() is a multiple of 8 and not 0.
  bool Write(Bytes message, size_t* progress);

  // Orders what was published before what the caller looks at next (doorbell.h), once for many
  // messages. Thread-safe.
  void OrderPublished() { control_->head.fetch_add(0, std::memory_order_seq_cst); }

  // True where the next fragment of a message with this much left would fit.
  bool HasRoomFor(size_t bytes) const;
  // True where the consumer has not read all that was published. Thread-safe.
  bool HasUnread() const {
    return control_->tail.load(std::memory_order_relaxed) !=
           control_->head.load(std::memory_order_relaxed);
  }
  // Tells the consumer that the producer waits for room. Look again afterwards: it may have come
  // meanwhile.
  void AnnounceWaiting() { control_->producer_waiting.store(1, std::memory_order_seq_cst); }

  size_t max_payload() const { return max_payload_; }

 private:
  // Where the payload of the next frame goes; fills the ring's end with padding where it must.
  std::byte* StartFrame(size_t payload_bytes);
  void FinishFrame(uint16_t kind, size_t payload_bytes);
  void Publish() { control_->head.store(head_, std::memory_order_release); }

  RingControl* control_;
  std::byte* data_;
  size_t capacity_;
  size_t max_payload_;
  uint64_t head_ = 0;
  mutable uint64_t tail_ = 0;  // as last seen: head_ - capacity_ <= tail_ <= head_
  size_t reserved_ = 0;        // by TryReserve
};

class RingConsumer {
 public:
  enum class Trust {
    kInPlace,  // the producer is the node: messages are read where they lie
    kCopy,  // the producer may change a frame at any time: messages are copied out before anybody
            // looks
  };
  RingConsumer(RingControl* control, const std::byte* data, size_t capacity, Trust trust,
               size_t max_message_bytes);

  bool HasInput() const { return control_->head.load(std::memory_order_seq_cst) != tail_; }

  // Hands at most `max_messages` messages to `handle`, each valid during the call, and returns how
  // many there were. A status of `handle` ends it. *want_bell is set where the producer waits for
  // the room that was made. REQUIRES: not called by `handle`.
  absl::StatusOr<size_t> Receive(size_t max_messages, absl::FunctionRef<absl::Status(Bytes)> handle,
                                 bool* want_bell);

 private:
  absl::Status Next(uint64_t head, absl::FunctionRef<absl::Status(Bytes)> handle,
                    bool* got_message);
  // What was published from there on is fetched from the producer's cache meanwhile.
  void Prefetch(uint64_t position) const;

  RingControl* control_;
  const std::byte* data_;
  size_t capacity_;
  Trust trust_;
  size_t max_message_bytes_;
  uint64_t tail_ = 0;
  uint64_t head_ = 0;  // as last seen: tail_ <= head_ <= tail_ + capacity_
  std::vector<uint64_t> copy_;
  std::vector<uint64_t> fragments_;
  bool in_fragments_ = false;
  bool receiving_ = false;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_RING_H_
