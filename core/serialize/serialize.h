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
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "core/serialize/archive.h"
#include "core/serialize/fingerprint.h"
#include "core/serialize/traits.h"

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

// Numbers one after the other, which can be viewed in place. bool has no fixed size in a
// std::vector.
template <typename T>
concept ArrayElement = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

namespace internal {

template <typename T>
struct ArrayElementOf {
  using type = void;
};
template <ArrayElement T, typename A>
struct ArrayElementOf<std::vector<T, A>> {
  using type = T;
};

absl::Status EncodeError(std::string_view type, std::string_view what);
absl::Status DecodeError(std::string_view type, std::string_view what);
absl::Status MismatchError(uint64_t wanted_fingerprint, uint64_t stored_fingerprint);

// Runs f, and turns what it throws into a Status.
template <typename F, typename E>
absl::Status Guard(F f, E make_error) {
  try {
    f();
    return absl::OkStatus();
  } catch (const std::exception& e) {
    return make_error(e.what());
  }
}

}  // namespace internal

template <typename T>
concept TopLevelArray = !std::is_void_v<typename internal::ArrayElementOf<T>::type>;

// The bytes of an array of `count` numbers.
template <ArrayElement T>
constexpr size_t ArrayBytes(size_t count) {
  return kArrayDataAt + count * sizeof(T);
}
// Writes all but the data of an array. REQUIRES: out.size() == ArrayBytes<T>(count).
template <ArrayElement T>
void WriteArrayHeader(std::span<std::byte> out, size_t count) {
  std::memset(out.data(), 0, kArrayDataAt);
  const ValueHeader header{.fingerprint = Fingerprint<std::vector<T>>()};
  std::memcpy(out.data(), &header, sizeof(header));
  const uint64_t count64 = count;
  std::memcpy(out.data() + kArrayCountAt, &count64, sizeof(count64));
}

// True where a Status says that the bytes are a value of another type.
inline bool IsTypeMismatch(const absl::Status& status) {
  return absl::IsFailedPrecondition(status);
}

template <typename T>
absl::StatusOr<EncodedSize> Measure(const T& value) {
  AssertSerializable<T>();
  if constexpr (TopLevelArray<T>) {
    return EncodedSize{ArrayBytes<typename T::value_type>(value.size()), 0};
  } else {
    EncodedSize size;
    const absl::Status status = internal::Guard(
        [&] {
          OutputArchive archive({}, sizeof(ValueHeader), nullptr);
          archive(value);
          size = {archive.offset(), archive.ref_count()};
        },
        [](std::string_view what) { return internal::EncodeError(TypeName<T>(), what); });
    if (!status.ok()) return status;
    return size;
  }
}

// REQUIRES: out.size() is what Measure has said. Appends the ids inside to `refs`.
template <typename T>
absl::Status EncodeTo(const T& value, std::span<std::byte> out, std::vector<ObjectId>* refs) {
  if constexpr (TopLevelArray<T>) {
    WriteArrayHeader<typename T::value_type>(out, value.size());
    CopyBytes(out.data() + kArrayDataAt, value.data(),
              value.size() * sizeof(typename T::value_type));
    return absl::OkStatus();
  } else {
    return internal::Guard(
        [&] {
          OutputArchive archive(out, sizeof(ValueHeader), refs);
          archive(value);
          if (archive.offset() != out.size())
            throw ArchiveError("its size changed while it was being written");
          const ValueHeader header{.fingerprint = Fingerprint<T>(),
                                   .ref_count = archive.ref_count()};
          std::memcpy(out.data(), &header, sizeof(header));
        },
        [](std::string_view what) { return internal::EncodeError(TypeName<T>(), what); });
  }
}

namespace internal {

template <typename T>
absl::Status CheckHeader(std::span<const std::byte> bytes) {
  ValueHeader header;
  if (bytes.size() < sizeof(header)) return DecodeError(TypeName<T>(), "its bytes end too early");
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.fingerprint != Fingerprint<T>())
    return MismatchError(Fingerprint<T>(), header.fingerprint);
  return absl::OkStatus();
}

}  // namespace internal

// The numbers where they lie. `bytes` must outlive the view, and start at a multiple of alignof(T).
template <ArrayElement T>
absl::StatusOr<std::span<const T>> ViewArray(std::span<const std::byte> bytes) {
  if (absl::Status status = internal::CheckHeader<std::vector<T>>(bytes); !status.ok())
    return status;
  uint64_t count = 0;
  if (bytes.size() < kArrayDataAt)
    return internal::DecodeError(TypeName<std::vector<T>>(), "its bytes end too early");
  std::memcpy(&count, bytes.data() + kArrayCountAt, sizeof(count));
  if (count > (bytes.size() - kArrayDataAt) / sizeof(T)) {
    return internal::DecodeError(TypeName<std::vector<T>>(), "its bytes end too early");
  }
  return std::span<const T>(reinterpret_cast<const T*>(bytes.data() + kArrayDataAt),
                            static_cast<size_t>(count));
}

namespace internal {

absl::StatusOr<std::span<const std::byte>> ContiguousIn(std::span<const std::byte> bytes,
                                                        std::string_view type);

}  // namespace internal

// The bytes, where they lie, of a value that is written as its size and then these: a std::string,
// and types whose `save` writes a cereal::size_type and cereal::binary_data. `bytes` must outlive
// the view.
template <typename T>
absl::StatusOr<std::span<const std::byte>> ViewContiguous(std::span<const std::byte> bytes) {
  if (absl::Status status = internal::CheckHeader<T>(bytes); !status.ok()) return status;
  return internal::ContiguousIn(bytes, TypeName<T>());
}
// Where they begin.
constexpr size_t ContiguousAt(size_t size) {
  constexpr size_t kAfterSize = sizeof(ValueHeader) + sizeof(uint64_t);
  return kAfterSize + PaddingAt(kAfterSize, size);
}
// Writes all that comes before them. REQUIRES: out.size() == ContiguousAt(size) + size.
template <typename T>
void WriteContiguousHeader(std::span<std::byte> out, uint64_t size) {
  std::memset(out.data(), 0, ContiguousAt(size));
  const ValueHeader header{.fingerprint = Fingerprint<T>()};
  std::memcpy(out.data(), &header, sizeof(header));
  std::memcpy(out.data() + sizeof(header), &size, sizeof(size));
}

// The characters of a std::string where they lie. `bytes` must outlive the view.
absl::StatusOr<std::string_view> ViewString(std::span<const std::byte> bytes);

template <typename T>
absl::StatusOr<T> Decode(std::span<const std::byte> bytes, std::span<const ObjectId> refs) {
  AssertSerializable<T>();
  if constexpr (TopLevelArray<T>) {
    const auto view = ViewArray<typename T::value_type>(bytes);
    if (!view.ok()) return view.status();
    return T(view->begin(), view->end());
  } else {
    static_assert(std::is_default_constructible_v<T>,
                  "a type that travels needs a default constructor, which the receiver fills");
    if (absl::Status status = internal::CheckHeader<T>(bytes); !status.ok()) return status;
    T value{};
    const absl::Status status = internal::Guard(
        [&] {
          InputArchive archive(bytes, sizeof(ValueHeader), refs);
          archive(value);
          if (archive.remaining() != 0) throw ArchiveError("it has bytes left over");
        },
        [](std::string_view what) { return internal::DecodeError(TypeName<T>(), what); });
    if (!status.ok()) return status;
    return value;
  }
}

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_SERIALIZE_H_
