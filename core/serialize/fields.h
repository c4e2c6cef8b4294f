// The fields of an aggregate, found without macros: counted by brace initialisation, named by
// structured bindings.
//
//   struct Point { double x, y; };
//   static_assert(FieldCount<Point>() == 2);
//   std::tuple<double&, double&> fields = Fields(point);
//
// Works for aggregates of up to kMaxFields fields without C arrays, base classes, unions and
// bit-fields;
// others write a `serialize`. HasBaseClass, HasCArray, HasUnion and HasBitField find them.
// After Boost.PFR, which Debian 12 does not have.
#ifndef TROUPE_CORE_SERIALIZE_FIELDS_H_
#define TROUPE_CORE_SERIALIZE_FIELDS_H_

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace troupe::serialize {

inline constexpr size_t kMaxFields = 32;

namespace internal {

// Converts to any type, in unevaluated code only.
struct AnyField {
  template <typename T>
  requires(std::is_move_constructible_v<T>) operator T&()
      const&;  // NOLINT(google-explicit-constructor)
  template <typename T>
  requires(std::is_move_constructible_v<T>) operator T&&()
      const&&;  // NOLINT(google-explicit-constructor)
  // A mutex and the like are made in place.
  template <typename T>
  requires(!std::is_move_constructible_v<T>) operator T()
      const;  // NOLINT(google-explicit-constructor)
};

// Converts to nothing.
struct NoField {};

// Converts to the base classes of Derived alone: a field's type is none of them.
template <typename Derived>
struct AnyBase {
  template <typename T>
  requires(std::is_base_of_v<T, Derived> && !std::is_same_v<T, Derived>) operator T()
      const;  // NOLINT(google-explicit-constructor)
};

// Converts to unions alone, and to classes alone whose first field is one.
struct AnyUnion {
  template <typename T>
  requires(std::is_union_v<T>) operator T() const;  // NOLINT(google-explicit-constructor)
};
struct AnyAroundUnion {
  template <typename T>
  requires(std::is_class_v<T>&& requires { T{AnyUnion{}}; }) operator T()
      const;  // NOLINT(google-explicit-constructor)
};

template <typename T, size_t... I>
constexpr bool InitialisableBy(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), AnyField{})...}; };
}

// Larger counts first: an aggregate can be initialised by fewer values than it has fields.
template <typename T, size_t N>
constexpr size_t CountDownFrom() {
  if constexpr (N == 0) {
    return 0;
  } else if constexpr (InitialisableBy<T>(std::make_index_sequence<N>())) {
    return N;
  } else {
    return CountDownFrom<T, N - 1>();
  }
}

// Whether {} may stand for the value after the first `Before` and before `After` further ones.
template <typename T, size_t... Before, size_t... After>
constexpr bool TakesEmptyBraces(std::index_sequence<Before...>, std::index_sequence<After...>) {
  return requires {
    T{(static_cast<void>(Before), AnyField{})..., {}, (static_cast<void>(After), AnyField{})...};
  };
}
template <typename T, size_t... Before, size_t... Inner, size_t... After>
constexpr bool TakesBraces(std::index_sequence<Before...>, std::index_sequence<Inner...>,
                           std::index_sequence<After...>) {
  return requires {
    T{(static_cast<void>(Before), AnyField{})...,
      {(static_cast<void>(Inner), AnyField{})...},
      (static_cast<void>(After), AnyField{})...};
  };
}

// Without braces of its own, an array takes as many of the n values as it has elements; with them
// it takes one, and one too many is left for the fields behind it. So does a field that has no {},
// which is why the elements are counted, too.
template <typename T, size_t N, size_t At>
constexpr bool IsCArrayAt() {
  if constexpr (TakesEmptyBraces<T>(std::make_index_sequence<At>(),
                                    std::make_index_sequence<N - At - 1>())) {
    return false;
  } else {
    return []<size_t... K>(std::index_sequence<K...>) {
      return (TakesBraces<T>(std::make_index_sequence<At>(), std::make_index_sequence<K + 2>(),
                             std::make_index_sequence<N - At - (K + 2)>()) ||
              ...);
    }
    (std::make_index_sequence<N - At - 1>());
  }
}

// Whether a value of type Probe may stand for the field after the first `Before`.
template <typename T, typename Probe, size_t... Before>
constexpr bool TakesProbe(std::index_sequence<Before...>) {
  return requires { T{(static_cast<void>(Before), AnyField{})..., Probe{}}; };
}
// What is made of anything takes NoField, too.
template <typename T, size_t At>
constexpr bool IsUnionAt() {
  using Before = std::make_index_sequence<At>;
  if constexpr (!TakesProbe<T, AnyUnion>(Before())) {
    return false;
  } else {
    return !TakesProbe<T, AnyAroundUnion>(Before()) && !TakesProbe<T, NoField>(Before());
  }
}

}  // namespace internal

// More than kMaxFields where there are too many.
template <typename T>
constexpr size_t FieldCount() {
  if constexpr (std::is_empty_v<T>) {
    return 0;
  } else {
    return internal::CountDownFrom<std::remove_cv_t<T>, kMaxFields + 1>();
  }
}

// Whether an aggregate that is not empty has a base class. Not for unions.
template <typename T>
constexpr bool HasBaseClass() {
  // A first field that is made of anything takes what converts to nothing, too.
  return !std::is_empty_v<T> && requires { T{internal::AnyBase<T>{}}; }
  &&!requires { T{internal::NoField{}}; };
}

// Whether an aggregate has a field that is a C array, of more than one element, among its fields.
// REQUIRES: FieldCount<T>() <= kMaxFields.
template <typename T>
constexpr bool HasCArray() {
  constexpr size_t n = FieldCount<T>();
  return []<size_t... At>(std::index_sequence<At...>) {
    return (internal::IsCArrayAt<T, n, At>() || ...);
  }
  (std::make_index_sequence<n>());
}

// Whether an aggregate has a field that is a union, such as an anonymous one, whose members cannot
// be bound. REQUIRES: FieldCount<T>() <= kMaxFields.
template <typename T>
constexpr bool HasUnion() {
  return []<size_t... At>(std::index_sequence<At...>) {
    return (internal::IsUnionAt<T, At>() || ...);
  }
  (std::make_index_sequence<FieldCount<T>()>());
}

namespace internal {

// use(first field, second field, ...)
template <typename T, typename F>
constexpr auto UseFields(T& value, F use) {
  constexpr size_t n = FieldCount<T>();
  static_assert(
      n <= kMaxFields,
      "an aggregate of more than 32 fields cannot travel as it is: give it a serialize function");
  if constexpr (n == 0) {
    return use();
  } else if constexpr (n == 1) {
    auto& [f0] = value;
    return use(f0);
  } else if constexpr (n == 2) {
    auto& [f0, f1] = value;
    return use(f0, f1);
  } else if constexpr (n == 3) {
    auto& [f0, f1, f2] = value;
    return use(f0, f1, f2);
  } else if constexpr (n == 4) {
    auto& [f0, f1, f2, f3] = value;
    return use(f0, f1, f2, f3);
  } else if constexpr (n == 5) {
    auto& [f0, f1, f2, f3, f4] = value;
    return use(f0, f1, f2, f3, f4);
  } else if constexpr (n == 6) {
    auto& [f0, f1, f2, f3, f4, f5] = value;
    return use(f0, f1, f2, f3, f4, f5);
  } else if constexpr (n == 7) {
    auto& [f0, f1, f2, f3, f4, f5, f6] = value;
    return use(f0, f1, f2, f3, f4, f5, f6);
  } else if constexpr (n == 8) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7);
  } else if constexpr (n == 9) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8);
  } else if constexpr (n == 10) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9);
  } else if constexpr (n == 11) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10);
  } else if constexpr (n == 12) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11);
  } else if constexpr (n == 13) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12);
  } else if constexpr (n == 14) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13);
  } else if constexpr (n == 15) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14);
  } else if constexpr (n == 16) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15);
  } else if constexpr (n == 17) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16);
  } else if constexpr (n == 18) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17);
  } else if constexpr (n == 19) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18] =
        value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18);
  } else if constexpr (n == 20) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
           f19] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19);
  } else if constexpr (n == 21) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20);
  } else if constexpr (n == 22) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21);
  } else if constexpr (n == 23) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22);
  } else if constexpr (n == 24) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23);
  } else if constexpr (n == 25) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23, f24] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23, f24);
  } else if constexpr (n == 26) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23, f24, f25] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23, f24, f25);
  } else if constexpr (n == 27) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23, f24, f25, f26] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23, f24, f25, f26);
  } else if constexpr (n == 28) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23, f24, f25, f26, f27] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23, f24, f25, f26, f27);
  } else if constexpr (n == 29) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23, f24, f25, f26, f27, f28] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23, f24, f25, f26, f27, f28);
  } else if constexpr (n == 30) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23, f24, f25, f26, f27, f28, f29] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29);
  } else if constexpr (n == 31) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30);
  } else if constexpr (n == 32) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
           f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31] = value;
    return use(f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31);
  }
}

struct TieFields {
  template <typename... F>
  constexpr std::tuple<F&...> operator()(F&... fields) const {
    return {fields...};
  }
};

// A reference to a bit-field is one to a copy of it, so that it has to be read; to take a reference
// to any other field, nothing needs to be known of the object. (A bit-field in a requires
// expression would do as well, but for clang 14, which allows no structured bindings there.)
struct BindFields {
  template <typename... F>
  constexpr bool operator()(const F&...) const {
    return true;
  }
};
template <typename T>
constexpr bool BindsFields() {
  T* const none = std::allocator<T>().allocate(1);
  const bool binds = UseFields(*none, BindFields());
  std::allocator<T>().deallocate(none, 1);
  return binds;
}
template <bool>
struct WhatIsConstant;

}  // namespace internal

template <typename T>
constexpr auto Fields(T& value) {
  return internal::UseFields(value, internal::TieFields());
}

// Whether an aggregate, none of whose fields is a reference, has a bit-field.
// REQUIRES: FieldCount<T>() <= kMaxFields, and neither a base class nor a C array.
template <typename T>
constexpr bool HasBitField() {
  return !requires { typename internal::WhatIsConstant<internal::BindsFields<T>()>; };
}

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_FIELDS_H_
