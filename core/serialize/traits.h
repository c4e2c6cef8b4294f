// What may travel, and what the compiler says of what may not.
//
//   static_assert(kSerializable<std::vector<int>>);
//   AssertSerializable<std::mutex>();   // error: std::mutex and its like cannot travel: ...
//
// A type travels where all its parts do: fundamental types, enums, strings, std containers,
// aggregates of what travels, classes with a cereal `serialize` (or save and load), and references
// (RefTraits).
#ifndef TROUPE_CORE_SERIALIZE_TRAITS_H_
#define TROUPE_CORE_SERIALIZE_TRAITS_H_

#include <array>
#include <atomic>
#include <cereal/cereal.hpp>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/serialize/fields.h"

namespace troupe::serialize {

class OutputArchive;
class InputArchive;

// A type that stands for an object elsewhere specialises this:
//   static constexpr std::string_view kName;
//   static ObjectId Id(const T&);
//   static T Make(ObjectId);
template <typename T>
struct RefTraits;

template <typename T>
concept Reference = requires(const T& value) {
  {RefTraits<T>::Id(value)};
};

// The probe by which a type's own functions are told from ours and cereal's: it is in neither's
// namespace.
}  // namespace troupe::serialize
namespace troupe_probe {
struct Archive {
  template <typename... T>
  void operator()(T&&...) {}
};
template <typename T>
concept FindsSerialize = requires(Archive& archive, T& value) {
  serialize(archive, value);
}
|| requires(Archive& archive, T& value, uint32_t version) { serialize(archive, value, version); };
template <typename T>
concept FindsSave = requires(Archive& archive, const T& value) {
  save(archive, value);
}
|| requires(Archive& archive, const T& value) { save_minimal(archive, value); }
|| requires(Archive& archive, const T& value, uint32_t version) { save(archive, value, version); }
|| requires(Archive& archive, const T& value, uint32_t version) {
  save_minimal(archive, value, version);
};
}  // namespace troupe_probe
namespace troupe::serialize {

// Values that lie as they are in memory, without padding and addresses.
template <typename T>
concept Arithmetic = std::is_arithmetic_v<T> || std::is_enum_v<T>;

enum class Problem {
  kNone,
  kPointer,
  kReference,
  kSynchronisation,
  kThread,
  kFile,
  kFunction,
  kLambda,
  kView,
  kSpan,
  kCArray,
  kBaseClass,
  kUnion,
  kBitField,
  kTooManyFields,
  kConstField,
  kNoDefaultConstructor,
  kSecret,
  kUnknown,
};

namespace internal {

template <typename T, typename... U>
concept OneOf = (std::is_same_v<T, U> || ...);

template <typename T>
concept HasMemberFunctions = requires(OutputArchive& out, InputArchive& in, T& value) {
  cereal::access::member_serialize(out, value);
}
|| requires(OutputArchive& out, const T& value) { cereal::access::member_save(out, value); }
|| requires(OutputArchive& out, const T& value) { cereal::access::member_save_minimal(out, value); }
// The same with the number of CEREAL_CLASS_VERSION.
|| requires(OutputArchive& out, T& value, uint32_t version) {
  cereal::access::member_serialize(out, value, version);
}
|| requires(OutputArchive& out, const T& value, uint32_t version) {
  cereal::access::member_save(out, value, version);
}
|| requires(OutputArchive& out, const T& value, uint32_t version) {
  cereal::access::member_save_minimal(out, value, version);
};
// Free functions save and load beside the type.
template <typename T>
concept HasFreeSave = std::is_class_v<T> && troupe_probe::FindsSave<T>;

// A free function serialize(Archive&, T&) beside the type: the ADL hook.
template <typename T>
concept HasOwnSerialize = std::is_class_v<T> && troupe_probe::FindsSerialize<T>;

template <typename T>
struct IsStdArray : std::false_type {};
template <typename T, size_t N>
struct IsStdArray<std::array<T, N>> : std::true_type {};

// Closure types have no name of their own: "main()::<lambda(int)>" (g++), "(lambda at file.cc:3:5)"
// (clang).
template <typename T>
constexpr bool IsLambda() {
  const std::string_view name = __PRETTY_FUNCTION__;
  return name.find("<lambda") != std::string_view::npos ||
         name.find("(lambda at") != std::string_view::npos;
}

template <typename T, typename... Seen>
constexpr Problem Find();

// Elements of containers and alternatives of variants are made first and then filled. What a
// pointer points to may be made by its load_and_construct.
template <typename T>
inline constexpr bool MakesItsElements = true;
template <typename T>
requires requires { typename T::value_type; }
inline constexpr bool MakesItsElements<T> = std::is_default_constructible_v<typename T::value_type>;
template <typename... A>
inline constexpr bool MakesItsElements<std::variant<A...>> = (std::is_default_constructible_v<A> &&
                                                              ...);

template <typename T>
struct Parts {
  template <typename... Seen>
  static constexpr Problem Check() {
    return Problem::kNone;
  }
};
// What a template was made of: std::vector<std::mutex*> has the problem of its parts.
template <template <typename...> class C, typename... A>
struct Parts<C<A...>> {
  template <typename... Seen>
  static constexpr Problem Check() {
    Problem problem = Problem::kNone;
    ((problem = problem == Problem::kNone ? OfPart<A, Seen...>() : problem), ...);
    if (problem == Problem::kNone && !MakesItsElements<C<A...>>)
      return Problem::kNoDefaultConstructor;
    return problem;
  }
  // Allocators, comparators and the like are empty.
  template <typename Part, typename... Seen>
  static constexpr Problem OfPart() {
    if constexpr (std::is_empty_v<Part>) {
      return Problem::kNone;
    } else {
      return Find<std::remove_cv_t<Part>, Seen...>();
    }
  }
};
template <typename T, size_t N>
struct Parts<std::array<T, N>> {
  template <typename... Seen>
  static constexpr Problem Check() {
    return Find<T, Seen...>();
  }
};

template <typename T>
struct IsStdFunction : std::false_type {};
template <typename S>
struct IsStdFunction<std::function<S>> : std::true_type {};
template <typename T>
struct IsSpan : std::false_type {};
template <typename T, size_t N>
struct IsSpan<std::span<T, N>> : std::true_type {};
template <typename T>
struct IsAtomic : std::false_type {};
template <typename T>
struct IsAtomic<std::atomic<T>> : std::true_type {};
template <typename T>
struct IsFuture : std::false_type {};
template <typename T>
struct IsFuture<std::future<T>> : std::true_type {};
template <typename T>
struct IsFuture<std::promise<T>> : std::true_type {};

template <typename Tuple, typename... Seen>
struct FieldsProblem;
template <typename... F, typename... Seen>
struct FieldsProblem<std::tuple<F...>, Seen...> {
  static constexpr Problem Check() {
    Problem problem = Problem::kNone;
    ((problem = problem == Problem::kNone ? Find<std::remove_cvref_t<F>, Seen...>() : problem),
     ...);
    if (problem == Problem::kNone && (std::is_const_v<std::remove_reference_t<F>> || ...))
      return Problem::kConstField;
    return problem;
  }
};

// By cereal::access, which may be a friend.
template <typename T>
concept DefaultConstructible = cereal::traits::is_default_constructible<T>::value;

// The receiver makes a T and fills it. A pointee may be made by its load_and_construct, or by what
// is registered for a base class.
template <typename T>
concept CanBeFilled = DefaultConstructible<T> || std::is_polymorphic_v<T> ||
    cereal::traits::has_load_and_construct<T, InputArchive>::value;

// Of an aggregate without functions of its own.
template <typename T, typename... Seen>
constexpr Problem FindInAggregate() {
  if constexpr (HasBaseClass<T>()) {
    return Problem::kBaseClass;
  } else if constexpr (FieldCount<T>() > kMaxFields) {
    return Problem::kTooManyFields;
  } else if constexpr (HasCArray<T>()) {
    return Problem::kCArray;
  } else if constexpr (HasUnion<T>()) {
    return Problem::kUnion;
  } else if constexpr (std::is_default_constructible_v<T> && HasBitField<T>()) {
    return Problem::kBitField;
  } else {
    return FieldsProblem<decltype(Fields(std::declval<T&>())), T, Seen...>::Check();
  }
}

// `Seen` are the types around this one: a recursive type has no more problems inside itself.
template <typename T, typename... Seen>
constexpr Problem Find() {
  if constexpr (OneOf<T, Seen...>) {
    return Problem::kNone;
  } else if constexpr (Reference<T> || Arithmetic<T> || std::is_same_v<T, std::monostate>) {
    return Problem::kNone;
  } else if constexpr (std::is_abstract_v<T>) {
    return Problem::kNone;  // only behind a pointer: its derived classes are registered
  } else if constexpr (std::is_reference_v<T>) {
    return Problem::kReference;
  } else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T> ||
                       std::is_null_pointer_v<T>) {
    return Problem::kPointer;
  } else if constexpr (OneOf<T, std::mutex, std::recursive_mutex, std::timed_mutex,
                             std::shared_mutex, std::condition_variable,
                             std::condition_variable_any, std::once_flag, std::atomic_flag> ||
                       IsAtomic<T>::value) {
    return Problem::kSynchronisation;
  } else if constexpr (OneOf<T, std::thread, std::jthread> || IsFuture<T>::value) {
    return Problem::kThread;
  } else if constexpr (std::is_base_of_v<std::ios_base, T>) {
    return Problem::kFile;
  } else if constexpr (IsStdFunction<T>::value) {
    return Problem::kFunction;
  } else if constexpr (requires { typename T::DoesNotTravel; }) {
    return Problem::kSecret;
  } else if constexpr (OneOf<T, std::string_view>) {
    return Problem::kView;
  } else if constexpr (IsSpan<T>::value) {
    return Problem::kSpan;
  } else if constexpr (std::is_array_v<T>) {
    return Problem::kCArray;
  } else if constexpr (std::is_union_v<T>) {
    return Problem::kUnion;
  } else if constexpr (std::is_class_v<T> && HasMemberFunctions<T>) {
    return CanBeFilled<T> ? Problem::kNone : Problem::kNoDefaultConstructor;
  } else if constexpr (std::is_class_v<T> && IsLambda<T>() && !std::is_aggregate_v<T> &&
                       !requires { typename T::value_type; }) {
    return std::is_empty_v<T> ? Problem::kNone : Problem::kLambda;
  } else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> && !IsStdArray<T>::value) {
    if constexpr (!HasFreeSave<T> && !HasOwnSerialize<T> &&
                  FindInAggregate<T, Seen...>() != Problem::kNone) {
      return FindInAggregate<T, Seen...>();
    } else {
      return CanBeFilled<T> ? Problem::kNone : Problem::kNoDefaultConstructor;
    }
  } else if constexpr (Parts<T>::template Check<T, Seen...>() != Problem::kNone) {
    return Parts<T>::template Check<T, Seen...>();
  } else if constexpr (std::is_class_v<T> &&
                       cereal::traits::is_output_serializable<T, OutputArchive>::value) {
    return Problem::kNone;
  } else {
    return Problem::kUnknown;
  }
}

// Of a value by itself, which no load_and_construct makes, as it would for a pointer.
template <typename T>
constexpr Problem FindInValue() {
  constexpr Problem problem = Find<T>();
  if constexpr (problem == Problem::kNone && std::is_class_v<T> && !std::is_abstract_v<T>) {
    return std::is_default_constructible_v<T> ? Problem::kNone : Problem::kNoDefaultConstructor;
  } else {
    return problem;
  }
}

}  // namespace internal

// The first reason why a T cannot travel, in the order of its parts.
template <typename T>
inline constexpr Problem kProblem = internal::FindInValue<std::remove_cv_t<T>>();

template <typename T>
inline constexpr bool kSerializable = kProblem<T> == Problem::kNone;

// Stops the compiler with one sentence where a T cannot travel. Returns true, so that a
// static_assert can force it to be looked at first.
template <typename T>
constexpr bool AssertSerializable() {
  constexpr Problem problem = kProblem<T>;
  static_assert(problem != Problem::kPointer,
                "a pointer points into another process's memory: take a value, std::unique_ptr or "
                "std::span<const T>");
  static_assert(problem != Problem::kReference,
                "a reference points into another process's memory: take a value or const T&");
  static_assert(problem != Problem::kSynchronisation,
                "std::mutex and its like cannot travel: they belong to one process; keep shared "
                "state in an actor");
  static_assert(problem != Problem::kThread,
                "a thread or future cannot travel: it belongs to one process; pass an ObjectRef");
  static_assert(problem != Problem::kFile,
                "an open file cannot travel: it belongs to one process; pass its path");
  static_assert(problem != Problem::kFunction,
                "std::function hides what it captured and cannot travel: pass a function, or "
                "troupe::Bind(...)");
  static_assert(problem != Problem::kLambda,
                "a lambda with captures cannot move to another process: write troupe::Bind([](auto "
                "captured, auto x) {...}, "
                "captured)");
  static_assert(problem != Problem::kView,
                "a std::string_view points into another process's memory: take or return a "
                "std::string");
  static_assert(problem != Problem::kSpan,
                "a std::span points into another process's memory: only a parameter may be a "
                "std::span<const T>; store or return a std::vector<T>");
  static_assert(problem != Problem::kCArray,
                "a C array cannot travel, not as a field either: use std::array, std::vector or "
                "std::string");
  static_assert(problem != Problem::kBaseClass,
                "a class with a base class does not travel by itself: give it template <class "
                "Archive> void serialize(Archive& archive) { archive(field, ...); }, or make the "
                "base a field");
  static_assert(problem != Problem::kBitField,
                "a bit-field has no address and cannot be filled by the receiver: make it a plain "
                "field, or give the class a save and a load, as cereal has them");
  static_assert(problem != Problem::kUnion,
                "a union does not know which of its members is set and cannot travel: make it a "
                "std::variant, or give the class a save and a load, as cereal has them");
  static_assert(problem != Problem::kTooManyFields,
                "an aggregate of more than 32 fields (a C array counts by its elements) cannot "
                "travel as it is: give it template <class Archive> void serialize(Archive& "
                "archive) { archive(field, ...); }");
  static_assert(problem != Problem::kConstField,
                "a const field cannot be filled by the receiver: make it non-const");
  static_assert(problem != Problem::kNoDefaultConstructor,
                "a type that travels needs a default constructor: the receiver makes one and fills "
                "it");
  static_assert(
      problem != Problem::kSecret,
      "a Secret does not travel: pass a SecretRef(\"env:KEY\"), which the worker resolves");
  static_assert(
      problem != Problem::kUnknown,
      "this type cannot travel: make it an aggregate of types that can, give it "
      "template <class Archive> void serialize(Archive& archive) { archive(field, ...); }, or "
      "include its header of <cereal/types/> where cereal has one");
  return true;
}

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_TRAITS_H_
