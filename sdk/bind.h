// Bind(f, values...) is f with its first arguments given: what a capturing lambda would be, with
// captures that can travel.
//
// Values are serialized like arguments; a large one is stored once, at Bind, and shared by all
// calls.
//
//   auto score = troupe::Bind([](const Model& m, const Batch& b) { return m.Score(b); },
//   std::move(model)); troupe::ObjectRef<double> s = troupe::Task(score).Remote(batch);
//
// Throws NotSerializable, ResourceExhausted.   Thread-safety: a value.
#ifndef TROUPE_SDK_BIND_H_
#define TROUPE_SDK_BIND_H_

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sdk/get.h"
#include "sdk/internal/callable.h"

namespace troupe {

namespace internal {

// A bound value: itself where it is small, else a reference to where it was stored.
template <typename V>
struct BoundValue {
  std::optional<V> value;
  ObjectRef<V> ref;
};

template <typename T>
struct IsBoundValue : std::false_type {};
template <typename V>
struct IsBoundValue<BoundValue<V>> : std::true_type {};

template <typename F, typename... V>
struct BoundCallable {
  F f;
  std::tuple<BoundValue<V>...> values;
};

template <typename T>
struct IsBoundCallable : std::false_type {};
template <typename F, typename... V>
struct IsBoundCallable<BoundCallable<F, V...>> : std::true_type {};

template <typename V>
BoundValue<V> BindValue(V value) {
  if constexpr (!IsObjectRef<V>::value && !IsArray<V>::value) {
    serialize::AssertSerializable<V>();
    const auto size = serialize::Measure(value);
    if (!size.ok()) Throw(ErrorKind::kNotSerializable, std::string(ToStd(size.status().message())));
    if (size->bytes > CurrentSession()->max_inline_value_bytes()) return {std::nullopt, Put(value)};
  }
  return {std::move(value), {}};
}

}  // namespace internal

template <typename F, typename... V>
auto Bind(F f, V... values) {
  static_assert(internal::AssertCallable<F>());
  return internal::BoundCallable<F, V...>{std::move(f),
                                          {internal::BindValue(std::move(values))...}};
}

}  // namespace troupe

#endif  // TROUPE_SDK_BIND_H_
