// PlainWriter builds a Cap'n Proto message of one segment word by word, with the bytes that capnp's
// builders would give it when they are asked in the same order.
//
// What it has written it does not read. REQUIRES: the words are zeroed, and enough. Private to
// core/wire. Not thread-safe.
//
//   PlainWriter writer(buffer.Room(words));
//   uint64_t* const root = writer.Root(plain::kClientMessage);
//   root[0] = schema::ClientMessage::COMPLETE;
//   uint64_t* const complete = writer.Struct(root + plain::kClientMessage.data, plain::kComplete);
//   Bytes message = writer.bytes();
#ifndef TROUPE_CORE_WIRE_PLAIN_WRITER_H_
#define TROUPE_CORE_WIRE_PLAIN_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/wire/messages.h"
#include "core/wire/plain_layout.h"

namespace troupe::wire::internal {

// That bytes take, and a text, which has a closing zero.
constexpr size_t WordsOfBytes(size_t bytes) {
  return (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}
constexpr size_t WordsOfText(size_t bytes) { return bytes == 0 ? 0 : WordsOfBytes(bytes + 1); }

class PlainWriter {
 public:
  explicit PlainWriter(std::span<uint64_t> words) : begin_(words.data()), end_(words.data()) {}

  // Each is written at the end, and `pointer` leads there. A struct's words: its numbers, then its
  // pointers.
  uint64_t* Root(plain::Size size) { return Struct(end_++, size); }
  uint64_t* Struct(uint64_t* pointer, plain::Size size) {
    *pointer = OffsetTo(pointer) | size.encoded() << 32;
    return Take(size.words());
  }
  uint64_t* Structs(uint64_t* pointer, plain::Size size, size_t count) {
    *pointer =
        OffsetTo(pointer) | plain::kList | (plain::kOfStructs | count * size.words() << 3) << 32;
    *end_++ = count << 2 | size.encoded() << 32;
    return Take(count * size.words());
  }
  void Data(uint64_t* pointer, Bytes data) { Copy(pointer, data.data(), data.size(), data.size()); }
  // An empty one is no pointer.
  void Text(uint64_t* pointer, std::string_view text) {
    if (!text.empty()) Copy(pointer, text.data(), text.size(), text.size() + 1);
  }

  Bytes bytes() const { return std::as_bytes(std::span<const uint64_t>(begin_, end_)); }

 private:
  uint64_t OffsetTo(const uint64_t* pointer) const {
    return static_cast<uint32_t>(end_ - pointer - 1) << 2;
  }
  uint64_t* Take(size_t words) {
    uint64_t* const taken = end_;
    end_ += words;
    return taken;
  }
  void Copy(uint64_t* pointer, const void* from, size_t size, size_t list_size) {
    *pointer = OffsetTo(pointer) | plain::kList | (plain::kOfBytes | list_size << 3) << 32;
    if (size > 0) std::memcpy(end_, from, size);
    end_ += WordsOfBytes(list_size);
  }

  const uint64_t* begin_;
  uint64_t* end_;
};

}  // namespace troupe::wire::internal

#endif  // TROUPE_CORE_WIRE_PLAIN_WRITER_H_
