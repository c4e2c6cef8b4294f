// PlainReader reads a Cap'n Proto message of one segment where it lies, as long as it looks like
// what our own encoder writes.
//
// Problem: capnp's readers are for any message of any version; they cost some 80 instructions a
// pointer, and a task is little else. Here structs have exactly the size that our schema gives them
// and nothing is ever far away. What looks otherwise (of another version, or malformed) is refused,
// which says nothing about it: the caller then asks capnp, which knows everything.
//
// Each step is checked against the end of the message, and all that is looked at adds up to at most
// what capnp's traversal limit allows. Private to core/wire. Not thread-safe.
//
//   PlainReader reader(bytes);
//   PlainReader::Part root;
//   if (!reader.Root(plain::kClientMessage, &root)) return false;  // ask capnp
//   const uint64_t id = root.Word(0);
#ifndef TROUPE_CORE_WIRE_PLAIN_READER_H_
#define TROUPE_CORE_WIRE_PLAIN_READER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/wire/messages.h"
#include "core/wire/plain_layout.h"

namespace troupe::wire::internal {

class PlainReader {
 public:
  // A struct: its numbers by their place (bits / 64, / 32, / 16), then its pointers.
  struct Part {
    const uint64_t* data = nullptr;
    const uint64_t* pointers = nullptr;

    uint64_t Word(size_t i) const { return data[i]; }
    uint32_t Half(size_t i) const { return static_cast<uint32_t>(data[i / 2] >> 32 * (i % 2)); }
    uint16_t Quarter(size_t i) const { return static_cast<uint16_t>(data[i / 4] >> 16 * (i % 4)); }
    bool Bit(size_t i) const { return (data[i / 64] >> i % 64 & 1) != 0; }
    bool IsNull(size_t pointer) const { return pointers[pointer] == 0; }
  };

  // Structs side by side.
  struct List {
    const uint64_t* first = nullptr;
    uint32_t count = 0;
    plain::Size size;

    Part operator[](size_t i) const {
      const uint64_t* at = first + i * size.words();
      return {at, at + size.data};
    }
  };

  // REQUIRES: `message` is 8-aligned.
  explicit PlainReader(Bytes message)
      : words_(reinterpret_cast<const uint64_t*>(message.data())),
        count_(message.size() % sizeof(uint64_t) == 0 ? message.size() / sizeof(uint64_t) : 0),
        left_(2 * count_ + 64) {}

  // Each is true where it was plain. `parent` is of this message.
  bool Root(plain::Size size, Part* root) { return count_ > 0 && StructAt(words_, size, root); }
  bool Struct(const Part& parent, size_t pointer, plain::Size size, Part* part) {
    return StructAt(parent.pointers + pointer, size, part);
  }
  // A null pointer is an empty list.
  bool Structs(const Part& parent, size_t pointer, plain::Size size, List* list) {
    const uint64_t* const at = parent.pointers + pointer;
    *list = {};
    if (*at == 0) return true;
    if ((*at & 3) != plain::kList || (*at >> 32 & 7) != plain::kOfStructs) return false;
    const size_t words = *at >> 35;
    const uint64_t* const tag = Target(at, words + 1);
    if (tag == nullptr || (*tag & 3) != 0 || *tag >> 32 != size.encoded()) return false;
    list->count = static_cast<uint32_t>(*tag) >> 2;
    if (size_t{list->count} * size.words() > words) return false;
    list->first = tag + 1;
    list->size = size;
    return true;
  }
  // The same.
  bool Data(const Part& parent, size_t pointer, Bytes* data) {
    const uint64_t* const at = parent.pointers + pointer;
    *data = {};
    if (*at == 0) return true;
    if ((*at & 3) != plain::kList || (*at >> 32 & 7) != plain::kOfBytes) return false;
    const size_t size = *at >> 35;
    const uint64_t* const target = Target(at, (size + sizeof(uint64_t) - 1) / sizeof(uint64_t));
    if (target == nullptr) return false;
    *data = Bytes(reinterpret_cast<const std::byte*>(target), size);
    return true;
  }
  bool Text(const Part& parent, size_t pointer, std::string_view* text) {
    Bytes bytes;
    if (!Data(parent, pointer, &bytes)) return false;
    *text = {};
    if (parent.IsNull(pointer)) return true;
    if (bytes.empty() || bytes.back() != std::byte{0}) return false;
    *text = {reinterpret_cast<const char*>(bytes.data()), bytes.size() - 1};
    return true;
  }

 private:
  bool StructAt(const uint64_t* at, plain::Size size, Part* part) {
    if (*at == 0 || (*at & 3) != 0 || *at >> 32 != size.encoded()) return false;
    const uint64_t* const target = Target(at, size.words());
    if (target == nullptr) return false;
    *part = {target, target + size.data};
    return true;
  }
  // Where the pointer at `at` leads, if so many words are there.
  const uint64_t* Target(const uint64_t* at, size_t words) {
    const auto offset = static_cast<int64_t>(static_cast<int32_t>(static_cast<uint32_t>(*at)) >> 2);
    const int64_t index = (at - words_) + 1 + offset;
    if (index < 0 || static_cast<size_t>(index) > count_ ||
        words > count_ - static_cast<size_t>(index) || words > left_) {
      return nullptr;
    }
    left_ -= words;
    return words_ + index;
  }

  const uint64_t* words_;
  size_t count_;
  size_t left_;  // words that may still be looked at
};

}  // namespace troupe::wire::internal

#endif  // TROUPE_CORE_WIRE_PLAIN_READER_H_
