// Bytes that claim to be a value: decoding them is an error, or gives a value that can be encoded.
//
// Input: a byte that chooses the type, then the value's bytes behind its header, which would
// otherwise have to be guessed. What was decoded and encoded does so again with the same bytes.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/serialize/fuzz_values.h"
#include "core/serialize/serialize.h"

namespace {

using troupe::ObjectId;
using troupe::serialize::Decode;
using troupe::serialize::EncodeTo;
using troupe::serialize::Fingerprint;
using troupe::serialize::Measure;
using troupe::serialize::ValueHeader;
using troupe::serialize::fuzz::Types;

template <typename T>
std::vector<std::byte> Encoded(const T& value, std::vector<ObjectId>* refs) {
  const auto size = Measure(value);
  TROUPE_CHECK(size.ok(), "what was decoded cannot be measured");
  std::vector<std::byte> bytes(size->bytes);
  const absl::Status status = EncodeTo(value, std::span(bytes), refs);
  TROUPE_CHECK(status.ok(), "what was measured cannot be encoded");
  TROUPE_CHECK(size->refs == refs->size(), "another number of references");
  return bytes;
}

template <typename T>
void Try(const uint8_t* data, size_t size) {
  const std::array<ObjectId, 3> refs = {ObjectId(1, 1), ObjectId(2, 2), ObjectId(3, 3)};
  // On the heap and of exactly this size: AddressSanitizer sees each step beyond it.
  const size_t total = sizeof(ValueHeader) + size;
  const std::unique_ptr<std::byte[]> memory(new std::byte[total]);
  const ValueHeader header{.fingerprint = Fingerprint<T>()};
  std::memcpy(memory.get(), &header, sizeof(header));
  if (size > 0) std::memcpy(memory.get() + sizeof(header), data, size);
  const absl::StatusOr<T> value = Decode<T>({memory.get(), total}, refs);
  if (!value.ok()) {
    TROUPE_CHECK(absl::IsInvalidArgument(value.status()), "another error than the promised one");
    return;
  }
  std::vector<ObjectId> first_refs, second_refs;
  const std::vector<std::byte> first = Encoded(*value, &first_refs);
  const absl::StatusOr<T> copy = Decode<T>(first, first_refs);
  TROUPE_CHECK(copy.ok(), "what was encoded cannot be decoded");
  TROUPE_CHECK(Encoded(*copy, &second_refs) == first, "a copy is encoded in another way");
  TROUPE_CHECK(first_refs == second_refs, "a copy has other references");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  [&]<size_t... I>(std::index_sequence<I...>) {
    ((data[0] % sizeof...(I) == I ? Try<std::tuple_element_t<I, Types>>(data + 1, size - 1)
                                  : void()),
     ...);
  }
  (std::make_index_sequence<std::tuple_size_v<Types>>());
  return 0;
}
