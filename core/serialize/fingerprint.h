// The fingerprint of a type's structure: reading a value as another type is an error that names
// both, never garbage.
//
// Adding, removing or retyping a field, or reordering fields of different types, changes it, and so
// does an aggregate's `static constexpr int kTypeVersion`, where it has one. A class with a
// `serialize` of its own is known by its name and its cereal version. std::vector<T>,
// Array<T> and std::span<const T> of numbers share one. Computed once per type and process.
#ifndef TROUPE_CORE_SERIALIZE_FINGERPRINT_H_
#define TROUPE_CORE_SERIALIZE_FINGERPRINT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/serialize/archive.h"
#include "core/serialize/type_name.h"

namespace troupe::serialize {

namespace internal {

// Registers the type under its fingerprint, so that a mismatch can name what was stored.
uint64_t RegisterType(const std::string& structure, std::string_view name);
// Name and structure of a type whose fingerprint this process has met, or "": "Point {f64;f64;}".
std::string TextOf(uint64_t fingerprint);
// Keeps recursive types finite: false where the type is being described already.
bool BeginType(std::string_view name);
void EndType();

template <typename T>
void Describe(std::string* out);

// Whether A says how a C works, and not what is stored in it.
template <typename C, typename A>
constexpr bool IsPolicy() {
  const auto is = [](auto policy) { return std::is_same_v<A, typename decltype(policy)::type>; };
  bool found = false;
  if constexpr (requires { typename C::allocator_type; })
    found |= is(std::type_identity<typename C::allocator_type>());
  if constexpr (requires { typename C::key_compare; })
    found |= is(std::type_identity<typename C::key_compare>());
  if constexpr (requires { typename C::value_compare; })
    found |= is(std::type_identity<typename C::value_compare>());
  if constexpr (requires { typename C::hasher; })
    found |= is(std::type_identity<typename C::hasher>());
  if constexpr (requires { typename C::key_equal; })
    found |= is(std::type_identity<typename C::key_equal>());
  if constexpr (requires { typename C::deleter_type; })
    found |= is(std::type_identity<typename C::deleter_type>());
  if constexpr (requires { typename C::traits_type; })
    found |= is(std::type_identity<typename C::traits_type>());
  return found;
}

// Of C<..., A, ...>. An empty type, such as a clock or a tag, is known by its name; the unit of a
// duration by its value.
template <typename C, typename A>
void DescribeArgument(std::string* out) {
  if constexpr (IsPolicy<C, A>()) {
    return;
  } else if constexpr (requires { A::num + A::den; }) {
    *out += std::to_string(A::num) + "/" + std::to_string(A::den);
  } else if constexpr (std::is_empty_v<A> && !std::is_same_v<A, std::monostate>) {
    *out += TypeName<A>();
  } else {
    Describe<A>(out);
  }
  *out += ',';
}

template <typename T>
struct DescribeTemplate {
  static void To(std::string* out) { *out += TypeName<T>(); }
};
template <template <typename...> class C, typename... A>
struct DescribeTemplate<C<A...>> {
  static void To(std::string* out) {
    const std::string_view name = TypeName<C<A...>>();
    *out += name.substr(0, name.find('<'));
    *out += '<';
    (DescribeArgument<C<A...>, A>(out), ...);
    *out += '>';
  }
};
template <typename T, size_t N>
struct DescribeTemplate<std::array<T, N>> {
  static void To(std::string* out) {
    *out += "array" + std::to_string(N) + "<";
    Describe<T>(out);
    *out += '>';
  }
};
template <typename Tuple>
struct DescribeFields;
template <typename... F>
struct DescribeFields<std::tuple<F...>> {
  static void To([[maybe_unused]] std::string* out) {
    ((Describe<std::remove_cvref_t<F>>(out), void(*out += ';')), ...);
  }
};

template <typename T>
void Describe(std::string* out) {
  if constexpr (requires { typename T::TravelsAs; }) {
    Describe<typename T::TravelsAs>(out);
  } else if constexpr (Reference<T>) {
    *out += RefTraits<T>::kName;
  } else if constexpr (std::is_same_v<T, bool>) {
    *out += "bool";
  } else if constexpr (std::is_arithmetic_v<T>) {
    *out += (std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u');
    *out += std::to_string(sizeof(T) * 8);
  } else if constexpr (std::is_enum_v<T>) {
    *out += "enum ";
    *out += TypeName<T>();
    *out += ':';
    Describe<std::underlying_type_t<T>>(out);
  } else if constexpr (HasMemberFunctions<T> || HasFreeSave<T> || HasOwnSerialize<T>) {
    *out += "class ";
    *out += TypeName<T>();
    *out += " v" + std::to_string(cereal::detail::Version<T>::version);
  } else if constexpr (PlainAggregate<T>) {
    if (!BeginType(TypeName<T>())) {
      *out += "again ";
      *out += TypeName<T>();
      return;
    }
    if constexpr (requires { T::kTypeVersion; }) {
      *out += "v";
      *out += std::to_string(T::kTypeVersion);
    }
    *out += '{';
    DescribeFields<decltype(Fields(std::declval<T&>()))>::To(out);
    *out += '}';
    EndType();
  } else {
    DescribeTemplate<T>::To(out);
  }
}

}  // namespace internal

template <typename T>
uint64_t Fingerprint() {
  static const uint64_t fingerprint = [] {
    std::string structure;
    internal::Describe<T>(&structure);
    return internal::RegisterType(structure, TypeName<T>());
  }();
  return fingerprint;
}

// "Point {f64;f64;}".
template <typename T>
std::string TypeText() {
  return internal::TextOf(Fingerprint<T>());
}

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_FINGERPRINT_H_
