// What can be called elsewhere, with which parameters, and how it travels. Private to the SDK.
//
// A function travels as its offset in the executable, a member function as its two words, a
// captureless lambda not at all (its type is in the entry's), a function object with fields as its
// serialized fields.
#ifndef TROUPE_SDK_INTERNAL_CALLABLE_H_
#define TROUPE_SDK_INTERNAL_CALLABLE_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/string_view.h"
#include "core/serialize/serialize.h"
#include "sdk/array.h"
#include "sdk/call_site.h"
#include "sdk/errors.h"
#include "sdk/object_ref.h"
#include "worker/code_reference.h"

namespace troupe::internal {

template <typename... P>
struct ParameterList {};

// What something travels as of which no parameter says what it is: "abc" as a std::string.
template <typename A>
using ValueFor =
    std::conditional_t<std::is_convertible_v<A, const char*> && !std::is_null_pointer_v<A>,
                       std::string, std::decay_t<A>>;

// --- Signatures.

template <typename F>
struct Signature {  // generic callables: known only when it is called
  static constexpr bool kKnown = false;
};
template <typename R, typename... P>
struct Signature<R (*)(P...)> {
  static constexpr bool kKnown = true;
  using Parameters = ParameterList<P...>;
};
template <typename R, typename... P>
struct Signature<R (*)(P...) noexcept> : Signature<R (*)(P...)> {};

template <typename M>
struct MemberSignature;
#define TROUPE_MEMBER_SIGNATURE(QUALIFIERS, OBJECT)   \
  template <typename R, typename C, typename... P>    \
  struct MemberSignature<R (C::*)(P...) QUALIFIERS> { \
    using Class = C;                                  \
    using WithObject = ParameterList<OBJECT, P...>;   \
    using Parameters = ParameterList<P...>;           \
  };
TROUPE_MEMBER_SIGNATURE(, C&&)
TROUPE_MEMBER_SIGNATURE(&, C&&)
TROUPE_MEMBER_SIGNATURE(const, const C&)
TROUPE_MEMBER_SIGNATURE(const&, const C&)
TROUPE_MEMBER_SIGNATURE(noexcept, C&&)
TROUPE_MEMBER_SIGNATURE(&noexcept, C&&)
TROUPE_MEMBER_SIGNATURE(const noexcept, const C&)
TROUPE_MEMBER_SIGNATURE(const& noexcept, const C&)
#undef TROUPE_MEMBER_SIGNATURE

template <typename M>
requires std::is_member_function_pointer_v<M>
struct Signature<M> {
  static constexpr bool kKnown = true;
  using Parameters = typename MemberSignature<M>::WithObject;
};
template <typename M>
concept KnownMember = requires {
  typename MemberSignature<M>::Class;
};

template <typename F>
requires(std::is_class_v<F>&& requires {
  requires KnownMember<decltype(&F::operator())>;
}) struct Signature<F> {
  static constexpr bool kKnown = true;
  using Parameters = typename MemberSignature<decltype(&F::operator())>::Parameters;
};

// --- Parameters: what may be one, and as what it is stored.

// Returns true, so that a static_assert can force it to be looked at first.
template <typename P>
constexpr bool AssertParameter() {
  using V = std::remove_cvref_t<P>;
  static_assert(!std::is_void_v<V>,
                "an ObjectRef<void> says that a task is done and has no value to pass on");
  static_assert(!std::is_pointer_v<V>,
                "a pointer parameter points into another process's memory: take a value or "
                "std::span<const T>");
  static_assert(!std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>,
                "a T& parameter refers to another process's memory: take a value or const T&, and "
                "return what changes");
  if constexpr (IsConstSpan<V>::value) {
    static_assert(serialize::ArrayElement<std::remove_const_t<typename V::element_type>>,
                  "a std::span<const T> parameter reads numbers where they lie in the object "
                  "store: take const std::vector<T>& for other types");
  } else if constexpr (!std::is_pointer_v<V> && !std::is_void_v<V>) {
    serialize::AssertSerializable<Stored<V>>();
  }
  return true;
}

// --- The callable itself.

template <typename F>
constexpr bool AssertCallable() {
  if constexpr (std::is_class_v<F> && serialize::internal::IsLambda<F>()) {
    static_assert(
        std::is_empty_v<F> ? std::is_default_constructible_v<F> : serialize::kSerializable<F>,
        "a lambda with captures cannot move to another process: write "
        "troupe::Bind([](auto captured, auto x) {...}, captured)");
  } else if constexpr (std::is_class_v<F>) {
    if constexpr (std::is_empty_v<F>) {
      static_assert(std::is_default_constructible_v<F>,
                    "a function object needs a default constructor: the receiver makes one");
    } else {
      serialize::AssertSerializable<F>();
    }
  } else if constexpr (std::is_member_function_pointer_v<F>) {
    static_assert(KnownMember<F>,
                  "a member function that is volatile, && or variadic cannot be called elsewhere");
  } else {
    static_assert(
        std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>,
        "this cannot be called: pass a function, a member function, a lambda or a function object");
  }
  return true;
}

// A member function pointer as the Itanium C++ ABI has it: the code's address, or an offset in the
// vtable with a mark.
struct MemberPointerWords {
  uint64_t code = 0;
  uint64_t adjustment = 0;
};

uint64_t OffsetOrThrow(const void* function);
uint64_t AddressOrThrow(uint64_t offset);

template <typename M>
constexpr bool IsVirtual(const MemberPointerWords& words) {
#if defined(__aarch64__)
  return (words.adjustment & 1) != 0;
#else
  return (words.code & 1) != 0;
#endif
}

// Of a function object with fields. Where there is much in them, says so once per call site.
std::vector<std::byte> PackObject(const serialize::ValueType& type, const void* object,
                                  CallSite site);

template <typename F>
std::vector<std::byte> PackCallable(const F& f, CallSite site = {}) {
  if constexpr (std::is_member_function_pointer_v<F>) {
    static_assert(sizeof(F) == sizeof(MemberPointerWords));
    auto words = std::bit_cast<MemberPointerWords>(f);
    if (!IsVirtual<F>(words)) words.code = OffsetOrThrow(reinterpret_cast<const void*>(words.code));
    const auto bytes = std::as_bytes(std::span(&words, 1));
    return {bytes.begin(), bytes.end()};
  } else if constexpr (std::is_pointer_v<F>) {
    if (f == nullptr) Throw(ErrorKind::kInvalidArgument, "Task: the function is null");
    const uint64_t offset = OffsetOrThrow(reinterpret_cast<const void*>(f));
    const auto bytes = std::as_bytes(std::span(&offset, 1));
    return {bytes.begin(), bytes.end()};
  } else if constexpr (std::is_empty_v<F>) {
    return {};
  } else {
    return PackObject(serialize::TypeOf<F>(), std::addressof(f), site);
  }
}

std::optional<ErrorInfo> UnpackObject(std::span<const std::byte> bytes,
                                      const serialize::ValueType& type, void* object);

// Into *f, which was just made.
template <typename F>
std::optional<ErrorInfo> UnpackCallable(std::span<const std::byte> bytes, F* f) {
  if constexpr (std::is_member_function_pointer_v<F>) {
    MemberPointerWords words;
    std::memcpy(&words, bytes.data(), std::min(bytes.size(), sizeof(words)));
    if (!IsVirtual<F>(words)) words.code = AddressOrThrow(words.code);
    *f = std::bit_cast<F>(words);
  } else if constexpr (std::is_pointer_v<F>) {
    uint64_t offset = 0;
    std::memcpy(&offset, bytes.data(), std::min(bytes.size(), sizeof(offset)));
    *f = reinterpret_cast<F>(AddressOrThrow(offset));
  } else if constexpr (!std::is_empty_v<F>) {
    return UnpackObject(bytes, serialize::TypeOf<F>(), std::addressof(*f));
  }
  return std::nullopt;
}

// Calls it, a member function with its object first.
template <typename F, typename... A>
decltype(auto) Invoke(F& f, A&&... arguments) {
  if constexpr (std::is_member_function_pointer_v<F>) {
    return std::invoke(f, std::forward<A>(arguments)...);
  } else {
    return f(std::forward<A>(arguments)...);
  }
}

// What Remote sends. Who calls it like the function itself is told so.
struct SentByRemote {
  template <typename... A>
  auto operator()(A&&...) const {
    static_assert(sizeof...(A) == SIZE_MAX,
                  "a task is sent, and not called like its function: write "
                  "troupe::Task(f).Remote(arguments...)");
  }
};

// A name for people, where none was given: the function's symbol, or the callable's type.
const std::string& NameOfFunction(const void* function);
std::string NameOfVirtualMethod(std::string_view its_class);
template <typename F>
std::string NameOfCallable(const F& f) {
  if constexpr (std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>) {
    return NameOfFunction(reinterpret_cast<const void*>(f));
  } else if constexpr (std::is_member_function_pointer_v<F>) {
    auto words = std::bit_cast<MemberPointerWords>(f);
    if (!IsVirtual<F>(words)) return NameOfFunction(reinterpret_cast<const void*>(words.code));
    return NameOfVirtualMethod(serialize::TypeName<typename MemberSignature<F>::Class>());
  } else {
    return std::string(serialize::TypeName<F>());
  }
}

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_CALLABLE_H_
