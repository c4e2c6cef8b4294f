// What may travel, and what the compiler says of what may not.
//
//   static_assert(kSerializable<std::vector<int>>);
//   AssertSerializable<std::mutex>();   // error: std::mutex cannot travel: it belongs to one
//   process...
//
// A type travels where all its parts do: fundamental types, enums, strings, std containers,
// aggregates of what travels, classes with a cereal `serialize` (or save and load), and references
// (RefTraits).
#ifndef TROUPE_CORE_SERIALIZE_TRAITS_H_
#define TROUPE_CORE_SERIALIZE_TRAITS_H_

#include <array>
#include <cereal/cereal.hpp>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <shared_mutex>
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
//   static constexpr std::string_view kName;   static ObjectId Id(const T&);   static T
//   Make(ObjectId);
template <typename T>
struct RefTraits;

template <typename T>
concept Reference = requires(const T& value) {
  {RefTraits<T>::Id(value)};
};

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
|| requires(OutputArchive& out, const T& value) {
  cereal::access::member_save_minimal(out, value);
};
template <typename T>
concept HasFreeSave = requires(OutputArchive& out, const T& value) {
  save(out, value);
}
|| requires(OutputArchive& out, const T& value) { save_minimal(out, value); };

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
    return problem;
  }
  // Allocators, comparators and the like are empty.
  template <typename Part, typename... Seen>
  static constexpr Problem OfPart() {
    if constexpr (std::is_empty_v<Part>) {
      return Problem::kNone;
    } else {
      return Find<Part, Seen...>();
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
    return problem;
  }
};

// `Seen` are the types around this one: a recursive type has no more problems inside itself.
template <typename T, typename... Seen>
constexpr Problem Find() {
  if constexpr (OneOf<T, Seen...>) {
    return Problem::kNone;
  } else if constexpr (Reference<T> || Arithmetic<T> || std::is_same_v<T, std::monostate>) {
    return Problem::kNone;
  } else if constexpr (std::is_reference_v<T>) {
    return Problem::kReference;
  } else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T> ||
                       std::is_null_pointer_v<T>) {
    return Problem::kPointer;
  } else if constexpr (OneOf<T, std::mutex, std::recursive_mutex, std::timed_mutex,
                             std::shared_mutex, std::condition_variable,
                             std::condition_variable_any, std::once_flag>) {
    return Problem::kSynchronisation;
  } else if constexpr (OneOf<T, std::thread, std::jthread> || IsFuture<T>::value) {
    return Problem::kThread;
  } else if constexpr (std::is_base_of_v<std::ios_base, T>) {
    return Problem::kFile;
  } else if constexpr (IsStdFunction<T>::value) {
    return Problem::kFunction;
  } else if constexpr (OneOf<T, std::string_view>) {
    return Problem::kView;
  } else if constexpr (std::is_class_v<T> && HasMemberFunctions<T>) {
    return Problem::kNone;
  } else if constexpr (std::is_class_v<T> && IsLambda<T>() && !std::is_aggregate_v<T> &&
                       !requires { typename T::value_type; }) {
    return std::is_empty_v<T> ? Problem::kNone : Problem::kLambda;
  } else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> && !IsStdArray<T>::value) {
    if constexpr (HasFreeSave<T>) {
      return Problem::kNone;
    } else {
      return FieldsProblem<decltype(Fields(std::declval<T&>())), T, Seen...>::Check();
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

}  // namespace internal

// The first reason why a T cannot travel, in the order of its parts.
template <typename T>
inline constexpr Problem kProblem = internal::Find<std::remove_cv_t<T>>();

template <typename T>
inline constexpr bool kSerializable = kProblem<T> == Problem::kNone;

// Stops the compiler with one sentence where a T cannot travel.
template <typename T>
constexpr void AssertSerializable() {
  constexpr Problem problem = kProblem<T>;
  static_assert(problem != Problem::kPointer,
                "a pointer points into another process's memory: take a value, std::unique_ptr or "
                "std::span<const T>");
  static_assert(problem != Problem::kReference,
                "a reference points into another process's memory: take a value or const T&");
  static_assert(
      problem != Problem::kSynchronisation,
      "std::mutex cannot travel: it belongs to one process; keep shared state in an actor");
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
                "a std::string_view points into another process's memory: take a std::string");
  static_assert(
      problem != Problem::kUnknown,
      "this type cannot travel: make it an aggregate of types that can, or give it "
      "template <class Archive> void serialize(Archive& archive) { archive(field, ...); }");
}

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_TRAITS_H_
