// Values to bytes and back: what travels in messages and lies in the object store.
//
// Layout: ValueHeader (16 bytes), then the body. Contiguous numbers at the top level
// (std::vector<double>, std::string is not one) have their count at byte 16 and their data at byte
// 64, so that they can be viewed where they lie. A value starts at a multiple of 64 in the store,
// of 8 in a message.
//
//   absl::StatusOr<EncodedSize> size = Measure(value);  // runs `serialize`, copies nothing
//   std::vector<std::byte> bytes(size->bytes);
//   std::vector<ObjectId> refs;
//   absl::Status status = EncodeTo(value, bytes, &refs);  // writes exactly size->bytes
//   absl::StatusOr<T> copy = Decode<T>(bytes, refs);
//   absl::StatusOr<std::span<const double>> view = ViewArray<double>(bytes);
//
// Errors: InvalidArgument where a value cannot be encoded, or bytes are no such value; what the
// user's serialize throws becomes one. FailedPrecondition where the bytes are a value of another
// type (IsTypeMismatch). Thread-safe.
#ifndef TROUPE_CORE_SERIALIZE_SERIALIZE_H_
#define TROUPE_CORE_SERIALIZE_SERIALIZE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "core/serialize/archive.h"
#include "core/serialize/fingerprint.h"
#include "core/serialize/traits.h"
#include "core/serialize/value_type.h"

namespace troupe::serialize {

struct ValueHeader {
  uint64_t fingerprint = 0;
  uint32_t ref_count = 0;
  uint32_t reserved = 0;
};
static_assert(sizeof(ValueHeader) == 16);

struct EncodedSize {
  size_t bytes = 0;
  uint32_t refs = 0;
};

inline constexpr size_t kArrayCountAt = sizeof(ValueHeader);
inline constexpr size_t kArrayDataAt = 64;

namespace internal {

absl::Status EncodeError(std::string_view type, std::string_view what);
absl::Status DecodeError(std::string_view type, std::string_view what);
absl::Status CheckHeader(const ValueType& type, std::span<const std::byte> bytes);
void WriteArrayHeader(uint64_t fingerprint, std::span<std::byte> out, uint64_t count);
absl::StatusOr<std::span<const std::byte>> NumbersIn(const ValueType& type,
                                                     std::span<const std::byte> bytes);
absl::StatusOr<std::span<const std::byte>> ContiguousIn(const ValueType& type,
                                                        std::span<const std::byte> bytes);
void WriteContiguousHeader(uint64_t fingerprint, std::span<std::byte> out, uint64_t size);

}  // namespace internal

// The bytes of an array of `count` numbers.
template <ArrayElement T>
constexpr size_t ArrayBytes(size_t count) {
  return kArrayDataAt + count * sizeof(T);
}
// Writes all but the data of an array. REQUIRES: out.size() == ArrayBytes<T>(count).
template <ArrayElement T>
void WriteArrayHeader(std::span<std::byte> out, size_t count) {
  internal::WriteArrayHeader(Fingerprint<std::vector<T>>(), out, count);
}

// True where a Status says that the bytes are a value of another type.
inline bool IsTypeMismatch(const absl::Status& status) {
  return absl::IsFailedPrecondition(status);
}

absl::StatusOr<EncodedSize> Measure(const ValueType& type, const void* value);
template <typename T>
absl::StatusOr<EncodedSize> Measure(const T& value) {
  return Measure(TypeOf<T>(), std::addressof(value));
}

// REQUIRES: out.size() is what Measure has said. Appends the ids inside to `refs`.
absl::Status EncodeTo(const ValueType& type, const void* value, std::span<std::byte> out,
                      std::vector<ObjectId>* refs);
template <typename T>
absl::Status EncodeTo(const T& value, std::span<std::byte> out, std::vector<ObjectId>* refs) {
  return EncodeTo(TypeOf<T>(), std::addressof(value), out, refs);
}

// Fills a value that was just made. After an error its content is undefined.
// REQUIRES: the type is none that looks at its bytes where they lie (ValueType::view).
absl::Status DecodeInto(const ValueType& type, std::span<const std::byte> bytes,
                        std::span<const ObjectId> refs, void* value);
template <typename T>
absl::StatusOr<T> Decode(std::span<const std::byte> bytes, std::span<const ObjectId> refs) {
  static_assert(AssertSerializable<T>());
  T value{};
  absl::Status status = DecodeInto(TypeOf<T>(), bytes, refs, std::addressof(value));
  if (!status.ok()) return status;
  return value;
}

// The numbers where they lie. `bytes` must outlive the view, and start at a multiple of alignof(T).
template <ArrayElement T>
absl::StatusOr<std::span<const T>> ViewArray(std::span<const std::byte> bytes) {
  const auto numbers = internal::NumbersIn(kValueType<std::vector<T>>, bytes);
  if (!numbers.ok()) return numbers.status();
  return std::span<const T>(reinterpret_cast<const T*>(numbers->data()),
                            numbers->size() / sizeof(T));
}

// The bytes, where they lie, of a value that is written as its size and then these: a std::string,
// and types whose `save` writes a cereal::size_type and cereal::binary_data. `bytes` must outlive
// the view.
template <typename T>
absl::StatusOr<std::span<const std::byte>> ViewContiguous(std::span<const std::byte> bytes) {
  return internal::ContiguousIn(kValueType<T>, bytes);
}
// Where they begin.
constexpr size_t ContiguousAt(size_t size) {
  constexpr size_t kAfterSize = sizeof(ValueHeader) + sizeof(uint64_t);
  return kAfterSize + PaddingAt(kAfterSize, size);
}
// Writes all that comes before them. REQUIRES: out.size() == ContiguousAt(size) + size.
template <typename T>
void WriteContiguousHeader(std::span<std::byte> out, uint64_t size) {
  internal::WriteContiguousHeader(Fingerprint<T>(), out, size);
}

// The characters of a std::string where they lie. `bytes` must outlive the view.
absl::StatusOr<std::string_view> ViewString(std::span<const std::byte> bytes);

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_SERIALIZE_H_
