#include "core/channel/ring.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/channel/doorbell.h"

namespace troupe::channel {
namespace {

enum FrameKind : uint16_t { kWhole = 1, kFirst = 2, kMiddle = 3, kLast = 4, kPadding = 5 };

constexpr size_t kHeaderBytes = 8;
// The buffer of a longer message is not kept for the next one.
constexpr size_t kKeptFragmentBytes = size_t{1} << 20;

constexpr size_t MaxPayload(size_t capacity) { return capacity / 4 - kHeaderBytes; }

constexpr uint64_t MakeHeader(uint16_t kind, size_t payload) {
  return uint64_t{kind} << 32 | payload;
}
constexpr uint16_t KindOf(uint64_t header) { return static_cast<uint16_t>(header >> 32); }
constexpr size_t PayloadOf(uint64_t header) { return static_cast<uint32_t>(header); }

// One load, whatever the optimizer thinks: a hostile producer may change the header meanwhile.
uint64_t LoadHeader(const std::byte* at) {
  return __atomic_load_n(reinterpret_cast<const uint64_t*>(at), __ATOMIC_RELAXED);
}
void StoreHeader(std::byte* at, uint64_t header) {
  __atomic_store_n(reinterpret_cast<uint64_t*>(at), header, __ATOMIC_RELAXED);
}

}  // namespace

RingProducer::RingProducer(RingControl* control, std::byte* data, size_t capacity)
    : control_(control), data_(data), capacity_(capacity), max_payload_(MaxPayload(capacity)) {
  TROUPE_CHECK(capacity >= 256 && (capacity & (capacity - 1)) == 0,
               "a ring whose size is no power of two");
}

bool RingProducer::HasRoomFor(size_t bytes) const {
  const size_t need = kHeaderBytes + std::min(bytes, max_payload_);
  const size_t to_end = capacity_ - (head_ & (capacity_ - 1));
  const size_t room = need <= to_end ? need : to_end + need;
  if (capacity_ - (head_ - tail_) >= room) return true;
  // The consumer's cache line is looked at only when what it said before is not enough.
  const uint64_t tail = control_->tail.load(std::memory_order_seq_cst);
  // Behind what it said before, or ahead of what it was given: such a consumer gets nothing more.
  if (tail - tail_ > head_ - tail_) return false;
  tail_ = tail;
  return capacity_ - (head_ - tail_) >= room;
}

std::byte* RingProducer::StartFrame(size_t payload_bytes) {
  const size_t at = head_ & (capacity_ - 1);
  const size_t to_end = capacity_ - at;
  if (kHeaderBytes + payload_bytes <= to_end) return data_ + at + kHeaderBytes;
  StoreHeader(data_ + at, MakeHeader(kPadding, to_end - kHeaderBytes));
  head_ += to_end;
  return data_ + kHeaderBytes;
}

void RingProducer::FinishFrame(uint16_t kind, size_t payload_bytes) {
  StoreHeader(data_ + (head_ & (capacity_ - 1)), MakeHeader(kind, payload_bytes));
  head_ += kHeaderBytes + payload_bytes;
}

std::span<std::byte> RingProducer::TryReserve(size_t bytes) {
  TROUPE_CHECK(bytes != 0 && bytes % 8 == 0, "a message that is not made of whole words");
  reserved_ = 0;
  if (bytes > max_payload_ || !HasRoomFor(bytes)) return {};
  reserved_ = bytes;
  std::byte* payload = StartFrame(bytes);
  std::memset(payload, 0, bytes);
  return {payload, bytes};
}

void RingProducer::Commit(size_t used_bytes) {
  TROUPE_CHECK(used_bytes <= reserved_ && used_bytes % 8 == 0,
               "more is committed than was reserved");
  reserved_ = 0;
  if (used_bytes == 0) return;
  FinishFrame(kWhole, used_bytes);
  Publish();
}

bool RingProducer::Write(Bytes message, size_t* progress) {
  TROUPE_CHECK(!message.empty() && message.size() % 8 == 0,
               "a message that is not made of whole words");
  TROUPE_CHECK(reserved_ == 0, "a message is written while another one is being built");
  const size_t before = *progress;
  while (*progress < message.size()) {
    const size_t left = message.size() - *progress;
    if (!HasRoomFor(left)) break;
    const size_t size = std::min(left, max_payload_);
    const bool first = *progress == 0;
    const bool last = size == left;
    std::memcpy(StartFrame(size), message.data() + *progress, size);
    FinishFrame(first ? (last ? kWhole : kFirst) : (last ? kLast : kMiddle), size);
    *progress += size;
  }
  if (*progress != before) Publish();
  return *progress == message.size();
}

RingConsumer::RingConsumer(RingControl* control, const std::byte* data, size_t capacity,
                           Trust trust, size_t max_message_bytes)
    : control_(control),
      data_(data),
      capacity_(capacity),
      trust_(trust),
      max_message_bytes_(max_message_bytes) {}

absl::StatusOr<size_t> RingConsumer::Receive(size_t max_messages,
                                             absl::FunctionRef<absl::Status(Bytes)> handle,
                                             bool* want_bell) {
  TROUPE_CHECK(!receiving_, "a ring is read by the handler of its own message");
  const uint64_t head = control_->head.load(std::memory_order_seq_cst);
  if (head - tail_ > capacity_ || head - tail_ < head_ - tail_ || head % 8 != 0) {
    return absl::InvalidArgumentError(absl::StrCat("the ring's head is at ", head, ", it was at ",
                                                   head_, ", and its tail is at ", tail_));
  }
  head_ = head;
  receiving_ = true;
  size_t messages = 0;
  absl::Status status;
  const uint64_t before = tail_;
  uint64_t published = tail_;
  while (status.ok() && tail_ != head && messages < max_messages) {
    bool got_message = false;
    status = Next(head, handle, &got_message);
    messages += got_message;
    // Room is given back early where a long message needs the whole ring again and again.
    if (tail_ - published > capacity_ / 4) {
      control_->tail.store(tail_, std::memory_order_seq_cst);
      published = tail_;
    }
  }
  receiving_ = false;
  if (tail_ != before) {
    if (tail_ != published) control_->tail.store(tail_, std::memory_order_seq_cst);
    if (TakeSleeper(control_->producer_waiting) != 0) *want_bell = true;
  }
  if (!status.ok()) return status;
  return messages;
}

void RingConsumer::Prefetch(uint64_t position) const {
  constexpr size_t kLineBytes = 64;
  constexpr size_t kLines = 4;  // of a task with a few small arguments
  const std::byte* const from = data_ + (position & (capacity_ - 1));
  for (size_t i = 0; i < kLines; ++i) __builtin_prefetch(from + i * kLineBytes);
}

absl::Status RingConsumer::Next(uint64_t head, absl::FunctionRef<absl::Status(Bytes)> handle,
                                bool* got_message) {
  const size_t at = tail_ & (capacity_ - 1);
  const uint64_t header = LoadHeader(data_ + at);
  const size_t payload = PayloadOf(header);
  const uint16_t kind = KindOf(header);
  const size_t available = std::min<uint64_t>(head - tail_, capacity_ - at) - kHeaderBytes;
  if (payload % 8 != 0 || payload > available) {
    return absl::InvalidArgumentError(
        absl::StrCat("a frame of ", payload, " bytes where ", available, " were published"));
  }
  const uint64_t next = tail_ + kHeaderBytes + payload;
  if (kind == kPadding) {
    if (payload != capacity_ - at - kHeaderBytes)
      return absl::InvalidArgumentError("a padding frame that does not end with the ring");
    tail_ = next;
    return absl::OkStatus();
  }
  if (kind < kWhole || kind > kLast)
    return absl::InvalidArgumentError(absl::StrCat("a frame of the unknown kind ", kind));
  if (payload == 0 || payload > MaxPayload(capacity_)) {
    return absl::InvalidArgumentError(absl::StrCat("a frame of ", payload, " bytes; 8 to ",
                                                   MaxPayload(capacity_), " are allowed"));
  }
  const bool begins = kind == kWhole || kind == kFirst;
  if (begins == in_fragments_)
    return absl::InvalidArgumentError(absl::StrCat("a fragment out of its order, of kind ", kind));
  const std::byte* in_ring = data_ + at + kHeaderBytes;

  if (kind == kWhole) {
    *got_message = true;
    Bytes message(in_ring, payload);
    if (trust_ == Trust::kCopy) {
      if (copy_.size() < payload / 8) copy_.resize(payload / 8);
      std::memcpy(copy_.data(), in_ring, payload);
      message = std::as_bytes(std::span(copy_).first(payload / 8));
    }
    if (next != head) Prefetch(next);
    const absl::Status status = handle(message);
    tail_ = next;
    return status;
  }

  if (kind == kFirst) fragments_.clear();
  const size_t words = fragments_.size();
  if (words * 8 + payload > max_message_bytes_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message of more than ", max_message_bytes_, " bytes"));
  }
  fragments_.resize(words + payload / 8);
  std::memcpy(fragments_.data() + words, in_ring, payload);
  in_fragments_ = kind != kLast;
  tail_ = next;
  if (in_fragments_) return absl::OkStatus();
  *got_message = true;
  const absl::Status status = handle(std::as_bytes(std::span(fragments_)));
  if (fragments_.capacity() * 8 > kKeptFragmentBytes) fragments_ = {};
  return status;
}

}  // namespace troupe::channel
