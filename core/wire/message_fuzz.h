// What the fuzz targets of this package do: whatever the bytes are, decoding them is an error, or
// gives a message that can be encoded and comes out of it as it was.
#ifndef TROUPE_CORE_WIRE_MESSAGE_FUZZ_H_
#define TROUPE_CORE_WIRE_MESSAGE_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "core/wire/message_equal.h"
#include "core/wire/message_mutator.h"
#include "core/wire/messages.h"
#include "core/wire/roads.h"

#ifdef TROUPE_LIBFUZZER
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
#endif

namespace troupe::wire {

// Aligned as in a ring, and of exactly this size: AddressSanitizer sees each step beyond it.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : memory_(new std::byte[size]), size_(size) {
    if (size > 0) std::memcpy(memory_.get(), data, size);
  }
  Bytes bytes() const { return {memory_.get(), size_}; }

 private:
  const std::unique_ptr<std::byte[]> memory_;
  const size_t size_;
};

template <typename Message>
absl::StatusOr<Message> FuzzMessage(Bytes bytes, absl::StatusOr<Message> (*decode)(Bytes bytes)) {
  absl::StatusOr<Message> message = decode(bytes);
  if (!message.ok()) {
    TROUPE_CHECK(absl::IsInvalidArgument(message.status()), "another error than the promised one");
    return message;
  }
  MessageBuffer buffer;
  const absl::StatusOr<Message> copy = decode(Encode(*message, buffer));
  TROUPE_CHECK(copy.ok(), "what was encoded cannot be decoded");
  TROUPE_CHECK(Equal(*message, *copy), "what was encoded is another message");
  return message;
}

// What the short road takes is the same message on the long one (roads.h), and the decoder of one
// alternative says what that of all says.
template <typename Message, typename Alternative>
void FuzzRoads(Bytes bytes, const absl::StatusOr<Message>& message,
               absl::Status (*decode_one)(Bytes bytes, Alternative* alternative)) {
  Message by_plain, by_capnp;
  if (internal::GetPlain(bytes, &by_plain)) {
    TROUPE_CHECK(internal::GetAny(bytes, &by_capnp).ok(), "the long road refuses a message");
    TROUPE_CHECK(Equal(by_plain, by_capnp), "the roads lead to different messages");
  }
  Alternative one;
  const bool is_one = message.ok() && std::holds_alternative<Alternative>(*message);
  TROUPE_CHECK(decode_one(bytes, &one).ok() == is_one, "one alternative is decoded otherwise");
  TROUPE_CHECK(!is_one || Equal(one, std::get<Alternative>(*message)),
               "one alternative is another message");
}

// libFuzzer's own changes know what the decoder compares with; ours know what a message is.
inline size_t MutateInput(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
#ifdef TROUPE_LIBFUZZER
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
#endif
  return MutateMessage(data, size, max_size, seed);
}

}  // namespace troupe::wire

#endif  // TROUPE_CORE_WIRE_MESSAGE_FUZZ_H_
