// Whether two messages say the same, field by field; views are compared by what they look at. For
// tests.
#ifndef TROUPE_CORE_WIRE_MESSAGE_EQUAL_H_
#define TROUPE_CORE_WIRE_MESSAGE_EQUAL_H_

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "core/serialize/fields.h"
#include "core/wire/messages.h"

namespace troupe::wire {

template <typename T>
bool Equal(const T& a, const T& b);

namespace internal {

// How to compare a T.
template <typename T>
struct Shape {
  static bool Same(const T& a, const T& b) {
    if constexpr (requires { a == b; }) {
      return a == b;
    } else {
      return [&]<size_t... I>(std::index_sequence<I...>) {
        [[maybe_unused]] const auto fields_a = serialize::Fields(a),
                                    fields_b = serialize::Fields(b);
        return (Equal(std::get<I>(fields_a), std::get<I>(fields_b)) && ...);
      }
      (std::make_index_sequence<serialize::FieldCount<T>()>());
    }
  }
};
template <>
struct Shape<Bytes> {
  static bool Same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }
};
template <typename List>
struct ShapeOfList {
  static bool Same(const List& a, const List& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return Equal(x, y); });
  }
};
template <typename T>
struct Shape<std::vector<T>> : ShapeOfList<std::vector<T>> {};
template <typename T, size_t N>
struct Shape<absl::InlinedVector<T, N>> : ShapeOfList<absl::InlinedVector<T, N>> {};
template <typename... T>
struct Shape<std::variant<T...>> {
  static bool Same(const std::variant<T...>& a, const std::variant<T...>& b) {
    if (a.index() != b.index()) return false;
    return std::visit(
        [&](const auto& x) { return Equal(x, std::get<std::decay_t<decltype(x)>>(b)); }, a);
  }
};

}  // namespace internal

template <typename T>
bool Equal(const T& a, const T& b) {
  return internal::Shape<T>::Same(a, b);
}

}  // namespace troupe::wire

#endif  // TROUPE_CORE_WIRE_MESSAGE_EQUAL_H_
