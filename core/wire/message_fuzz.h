// What the fuzz targets of this package do: whatever the bytes are, decoding them is an error, or
// gives a message that can be encoded and comes out of it as it was.
#ifndef TROUPE_CORE_WIRE_MESSAGE_FUZZ_H_
#define TROUPE_CORE_WIRE_MESSAGE_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "core/wire/message_equal.h"
#include "core/wire/message_mutator.h"
#include "core/wire/messages.h"

#ifdef TROUPE_LIBFUZZER
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
#endif

namespace troupe::wire {

template <typename Message>
void FuzzMessage(const uint8_t* data, size_t size, absl::StatusOr<Message> (*decode)(Bytes bytes)) {
  // Aligned as in a ring, and of exactly this size: AddressSanitizer sees each step beyond it.
  const std::unique_ptr<std::byte[]> memory(new std::byte[size]);
  if (size > 0) std::memcpy(memory.get(), data, size);
  const absl::StatusOr<Message> message = decode(Bytes(memory.get(), size));
  if (!message.ok()) {
    TROUPE_CHECK(absl::IsInvalidArgument(message.status()), "another error than the promised one");
    return;
  }
  MessageBuffer buffer;
  const absl::StatusOr<Message> copy = decode(Encode(*message, buffer));
  TROUPE_CHECK(copy.ok(), "what was encoded cannot be decoded");
  TROUPE_CHECK(Equal(*message, *copy), "what was encoded is another message");
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
