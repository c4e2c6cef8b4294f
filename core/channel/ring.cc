#include "core/channel/ring.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace troupe::channel {
namespace {

enum FrameKind : uint16_t { kWhole = 1, kFirst = 2, kMiddle = 3, kLast = 4, kPadding = 5 };

constexpr size_t kHeaderBytes = 8;

constexpr uint64_t MakeHeader(uint16_t kind, size_t payload) {
  return uint64_t{kind} << 32 | payload;
}
constexpr uint16_t KindOf(uint64_t header) { return static_cast<uint16_t>(header >> 32); }
constexpr size_t PayloadOf(uint64_t header) { return static_cast<uint32_t>(header); }

}  // namespace

RingProducer::RingProducer(RingControl* control, std::byte* data, size_t capacity)
    : control_(control),
      data_(data),
      capacity_(capacity),
      max_payload_(capacity / 4 - kHeaderBytes) {
  TROUPE_CHECK(capacity >= 256 && (capacity & (capacity - 1)) == 0,
               "a ring whose size is no power of two");
}

size_t RingProducer::FreeBytes() const {
  tail_ = control_->tail.load(std::memory_order_seq_cst);
  // A consumer that publishes nonsense gets nothing more.
  return head_ - tail_ <= capacity_ ? capacity_ - (head_ - tail_) : 0;
}

bool RingProducer::HasRoomFor(size_t bytes) const {
  const size_t need = kHeaderBytes + std::min(bytes, max_payload_);
  const size_t to_end = capacity_ - (head_ & (capacity_ - 1));
  return FreeBytes() >= (need <= to_end ? need : to_end + need);
}

void RingProducer::Append(uint16_t kind, Bytes payload) {
  size_t at = head_ & (capacity_ - 1);
  const size_t to_end = capacity_ - at;
  if (kHeaderBytes + payload.size() > to_end) {
    const uint64_t padding = MakeHeader(kPadding, to_end - kHeaderBytes);
    std::memcpy(data_ + at, &padding, kHeaderBytes);
    head_ += to_end;
    at = 0;
  }
  const uint64_t header = MakeHeader(kind, payload.size());
  std::memcpy(data_ + at, &header, kHeaderBytes);
  std::memcpy(data_ + at + kHeaderBytes, payload.data(), payload.size());
  head_ += kHeaderBytes + payload.size();
}

bool RingProducer::Write(Bytes message, size_t* progress) {
  TROUPE_CHECK(!message.empty() && message.size() % 8 == 0,
               "a message that is not made of whole words");
  const uint64_t before = head_;
  while (*progress < message.size()) {
    const size_t left = message.size() - *progress;
    if (!HasRoomFor(left)) break;
    const size_t size = std::min(left, max_payload_);
    const bool first = *progress == 0;
    const bool last = size == left;
    Append(first ? (last ? kWhole : kFirst) : (last ? kLast : kMiddle),
           message.subspan(*progress, size));
    *progress += size;
  }
  if (head_ != before) control_->head.store(head_, std::memory_order_seq_cst);
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
  size_t messages = 0;
  const uint64_t before = tail_;
  absl::Status status;
  const uint64_t head = control_->head.load(std::memory_order_seq_cst);
  if (head - tail_ > capacity_ || head % 8 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ring's head is at ", head, " while its tail is at ", tail_));
  }
  while (status.ok() && tail_ != head && messages < max_messages) {
    bool got_message = false;
    status = Next(head, handle, &got_message);
    messages += got_message;
    // Room is given back early where a long message needs the whole ring again and again.
    if (tail_ - before > capacity_ / 2) control_->tail.store(tail_, std::memory_order_seq_cst);
  }
  if (tail_ != before) Publish(want_bell);
  if (!status.ok()) return status;
  return messages;
}

absl::Status RingConsumer::Next(uint64_t head, absl::FunctionRef<absl::Status(Bytes)> handle,
                                bool* got_message) {
  const size_t at = tail_ & (capacity_ - 1);
  uint64_t header;
  std::memcpy(&header, data_ + at, kHeaderBytes);
  const size_t payload = PayloadOf(header);
  const size_t available = std::min<uint64_t>(head - tail_, capacity_ - at);
  if (payload % 8 != 0 || payload > available - kHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a frame of ", payload, " bytes where ",
                                                   available - kHeaderBytes, " were published"));
  }
  const Bytes in_ring(data_ + at + kHeaderBytes, payload);
  const uint16_t kind = KindOf(header);
  const uint64_t next = tail_ + kHeaderBytes + payload;
  switch (kind) {
    case kPadding:
      if (payload != capacity_ - at - kHeaderBytes) {
        return absl::InvalidArgumentError("a padding frame that does not end with the ring");
      }
      tail_ = next;
      return absl::OkStatus();
    case kWhole: {
      if (in_fragments_ || payload == 0)
        return absl::InvalidArgumentError("an empty frame, or one amid fragments");
      *got_message = true;
      Bytes message = in_ring;
      if (trust_ == Trust::kCopy) {
        copy_.resize(payload / 8);
        std::memcpy(copy_.data(), in_ring.data(), payload);
        message = std::as_bytes(std::span(copy_));
      }
      const absl::Status status = handle(message);
      tail_ = next;
      return status;
    }
    case kFirst:
    case kMiddle:
    case kLast:
      break;
    default:
      return absl::InvalidArgumentError(absl::StrCat("a frame of the unknown kind ", kind));
  }
  if ((kind == kFirst) == in_fragments_)
    return absl::InvalidArgumentError("a fragment out of its order");
  if (kind == kFirst) fragments_.clear();
  if (fragments_.size() * 8 + payload > max_message_bytes_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message of more than ", max_message_bytes_, " bytes"));
  }
  const size_t words = fragments_.size();
  fragments_.resize(words + payload / 8);
  std::memcpy(fragments_.data() + words, in_ring.data(), payload);
  in_fragments_ = kind != kLast;
  tail_ = next;
  if (in_fragments_) return absl::OkStatus();
  *got_message = true;
  const absl::Status status = handle(std::as_bytes(std::span(fragments_)));
  if (fragments_.capacity() * 8 > (size_t{1} << 20)) fragments_ = {};
  return status;
}

void RingConsumer::Publish(bool* want_bell) {
  control_->tail.store(tail_, std::memory_order_seq_cst);
  if (control_->producer_waiting.load(std::memory_order_seq_cst) != 0 &&
      control_->producer_waiting.exchange(0, std::memory_order_seq_cst) != 0) {
    *want_bell = true;
  }
}

}  // namespace troupe::channel
