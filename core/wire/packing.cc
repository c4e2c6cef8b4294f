#include "core/wire/packing.h"

#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <kj/io.h>

#include <algorithm>

#include "core/base/check.h"
#include "core/wire/codec.h"

namespace troupe::wire {
namespace {

using internal::kWordBytes;

// The table of segments in front of a message of one segment.
constexpr size_t kTableWords = 1;

}  // namespace

Bytes Pack(Bytes message, MessageBuffer& buffer) {
  TROUPE_CHECK(message.size() % kWordBytes == 0, "a message of no whole words is packed");
  const size_t words = message.size() / kWordBytes;
  // At worst each word takes a tag, and a count of those that follow as they are.
  const std::span<uint64_t> memory = buffer.Zeroed((words + kTableWords) * 5 / 4 + 2);
  kj::ArrayOutputStream stream(
      kj::arrayPtr(reinterpret_cast<kj::byte*>(memory.data()), memory.size_bytes()));
  const kj::ArrayPtr<const capnp::word> segment(
      reinterpret_cast<const capnp::word*>(message.data()), words);
  capnp::writePackedMessage(stream, kj::arrayPtr(&segment, 1));
  const kj::ArrayPtr<kj::byte> packed = stream.getArray();
  return Bytes(reinterpret_cast<const std::byte*>(packed.begin()), packed.size());
}

void Unpack(Bytes packed, std::span<uint64_t> message) {
  kj::ArrayInputStream stream(internal::ToKj(packed));
  capnp::ReaderOptions options;
  options.traversalLimitInWords = message.size() + kTableWords;
  const kj::ArrayPtr<capnp::word> memory(reinterpret_cast<capnp::word*>(message.data()),
                                         message.size());
  capnp::PackedMessageReader reader(stream, options, memory);
  const kj::ArrayPtr<const capnp::word> segment = reader.getSegment(0);
  TROUPE_CHECK(segment.begin() == memory.begin() && segment.size() == memory.size(),
               "a message that comes out larger or smaller than it went in");
}

}  // namespace troupe::wire
