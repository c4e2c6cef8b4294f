// What is known of a type that travels, for code that is compiled once and not for each type: how
// its values are written, read and named.
//
//   const ValueType& type = TypeOf<Point>();      // error: where a Point cannot travel
//   absl::StatusOr<EncodedSize> size = Measure(type, &point);
//
// Thread-safety: constant.
#ifndef TROUPE_CORE_SERIALIZE_VALUE_TYPE_H_
#define TROUPE_CORE_SERIALIZE_VALUE_TYPE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "core/serialize/archive.h"
#include "core/serialize/fingerprint.h"
#include "core/serialize/traits.h"

namespace troupe::serialize {

// Numbers one after the other, which can be viewed in place. bool has no fixed size in a
// std::vector.
template <typename T>
concept ArrayElement = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

struct ValueType {
  std::string_view name;  // as the compiler writes it
  uint64_t (*fingerprint)();
  // Of a number, which is written as it lies in memory: its bytes; 0 else.
  size_t number_bytes = 0;
  // Of what is an array of numbers, which lie in `element_bytes` each: all of them; null else.
  size_t element_bytes = 0;
  std::span<const std::byte> (*numbers)(const void* array) = nullptr;
  void (*set_numbers)(void* array, std::span<const std::byte> numbers) = nullptr;
  // Of all else. They throw.
  void (*write)(OutputArchive& archive, const void* value) = nullptr;
  void (*read)(InputArchive& archive, void* value) = nullptr;
  // The outermost ones, which are ours and stand around values of the user's: they do not count
  // against kMaxDepth, so that what travels alone travels in there, too.
  int own_levels = 0;
  // Of what is no copy of its bytes and looks at them where they lie, at a multiple of 64; `owner`
  // keeps them. Null else.
  absl::Status (*view)(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                       void* value) = nullptr;
};

namespace internal {

template <typename T>
constexpr int OwnLevels() {
  if constexpr (requires { T::kOwnLevels; }) return T::kOwnLevels;
  return 0;
}
template <typename T>
void Write(OutputArchive& archive, const void* value) {
  archive(*static_cast<const T*>(value));
}
template <typename T>
void Read(InputArchive& archive, void* value) {
  archive(*static_cast<T*>(value));
}
template <typename Array>
std::span<const std::byte> Numbers(const void* array) {
  const Array& numbers = *static_cast<const Array*>(array);
  return {reinterpret_cast<const std::byte*>(numbers.data()),
          numbers.size() * sizeof(typename Array::value_type)};
}
template <typename Array>
void SetNumbers(void* array, std::span<const std::byte> numbers) {
  using T = typename Array::value_type;
  const T* const first = reinterpret_cast<const T*>(numbers.data());
  static_cast<Array*>(array)->assign(first, first + numbers.size() / sizeof(T));
}

}  // namespace internal

// Specialised for types that are stored as another one, or read in place.
template <typename T>
inline constexpr ValueType kValueType = {.name = TypeName<T>(),
                                         .fingerprint = &Fingerprint<T>,
                                         .number_bytes = ArrayElement<T> ? sizeof(T) : 0,
                                         .write = &internal::Write<T>,
                                         .read = &internal::Read<T>,
                                         .own_levels = internal::OwnLevels<T>()};
template <ArrayElement T, typename A>
inline constexpr ValueType kValueType<std::vector<T, A>> = {
    .name = TypeName<std::vector<T, A>>(),
    .fingerprint = &Fingerprint<std::vector<T, A>>,
    .element_bytes = sizeof(T),
    .numbers = &internal::Numbers<std::vector<T, A>>,
    .set_numbers = &internal::SetNumbers<std::vector<T, A>>};

namespace internal {

// A type that this program's code names, whether this process has met a value of it or not: so that
// an error can name a type that another process has written. Made before main, or by dlopen.
class KnownType {
 public:
  explicit KnownType(const ValueType* type);
  // The one that was made before it, or null.
  const KnownType* next() const { return next_; }
  const ValueType& type() const { return *type_; }

 private:
  const ValueType* type_;
  const KnownType* next_;
};
template <typename T>
inline const KnownType kKnownType{&kValueType<T>};

}  // namespace internal

template <typename T>
const ValueType& TypeOf() {
  static_assert(AssertSerializable<T>());
  (void)&internal::kKnownType<T>;  // which may not have been made yet, before main
  return kValueType<T>;
}

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_VALUE_TYPE_H_
