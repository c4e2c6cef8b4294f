// A hostile producer: the input is what it writes into the shared memory, and when.
//
// Input: operations of {u8 what, u8 length, u16 at} and `length` bytes: bit 0 of `what` sets the
// head (to at, or by as many bytes to a number), else the bytes are written into the data at `at`;
// bit 1 lets the consumer run; bit 2 lets an honest producer write a message of `at` words first.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "core/base/check.h"
#include "core/channel/ring.h"

namespace {

using troupe::channel::Bytes;
using troupe::channel::RingConsumer;
using troupe::channel::RingControl;
using troupe::channel::RingProducer;

constexpr size_t kCapacity = 1024;
constexpr size_t kMaxMessageBytes = 4096;

void Run(const uint8_t* input, size_t size, RingConsumer::Trust trust) {
  const auto control_memory = std::make_unique<RingControl>();
  RingControl& control = *control_memory;
  // On the heap and of exactly this size: AddressSanitizer sees each step beyond it.
  auto words = std::make_unique<uint64_t[]>(kCapacity / 8);
  auto* data = reinterpret_cast<std::byte*>(words.get());
  RingProducer producer(&control, data, kCapacity);
  RingConsumer consumer(&control, data, kCapacity, trust, kMaxMessageBytes);
  [[maybe_unused]] volatile uint64_t was_read = 0;  // each byte of each message
  while (size >= 4) {
    const uint8_t what = input[0];
    const size_t length = std::min<size_t>(input[1], size - 4);
    const uint16_t at = static_cast<uint16_t>(input[2] | input[3] << 8);
    input += 4;
    size -= 4;
    if ((what & 4) != 0) {
      const std::vector<uint64_t> message(1 + at % 512, at);
      size_t progress = 0;
      producer.Write(std::as_bytes(std::span(message)), &progress);
    }
    if ((what & 1) != 0) {
      uint64_t head = at;
      std::memcpy(&head, input, std::min<size_t>(length, 8));
      control.head.store(head);
    } else if (length > 0) {
      std::memcpy(data + at % kCapacity, input, std::min(length, kCapacity - at % kCapacity));
    }
    input += length;
    size -= length;
    if ((what & 2) == 0) continue;
    bool want_bell = false;
    size_t messages = 0, bytes = 0;
    const auto received = consumer.Receive(
        16,
        [&](Bytes message) {
          TROUPE_CHECK(!message.empty() && message.size() % 8 == 0, "no message at all");
          TROUPE_CHECK(message.size() <= kMaxMessageBytes, "a message that is too large");
          const auto* words_of_it = reinterpret_cast<const uint64_t*>(message.data());
          uint64_t sum = 0;
          for (size_t i = 0; i < message.size() / 8; ++i) sum += words_of_it[i];
          was_read = sum;
          ++messages;
          bytes += message.size();
          return absl::OkStatus();
        },
        &want_bell);
    TROUPE_CHECK(bytes <= kMaxMessageBytes + kCapacity, "more came out than went in");
    if (!received.ok()) return;
    TROUPE_CHECK(*received == messages && messages <= 16, "a wrong count");
    TROUPE_CHECK(control.tail.load() % 8 == 0, "a tail amid a word");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run(data, size, RingConsumer::Trust::kCopy);
  Run(data, size, RingConsumer::Trust::kInPlace);
  return 0;
}
