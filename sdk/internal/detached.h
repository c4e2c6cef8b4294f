// Values and callables as strings of bytes, without a cluster. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_DETACHED_H_
#define TROUPE_SDK_INTERNAL_DETACHED_H_

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/serialize/serialize.h"
#include "sdk/actor.h"
#include "sdk/internal/call.h"
#include "worker/named_functions.h"

namespace troupe::internal {

// Throws NotSerializable.
std::string EncodeDetached(const serialize::ValueType& type, const void* value);
template <typename T>
std::string EncodeDetached(const T& value) {
  return EncodeDetached(serialize::TypeOf<T>(), std::addressof(value));
}

// An argument for a parameter P, as OutgoingCall::Add converts it.
template <typename P, typename A>
std::string EncodeArgument(A&& argument) {
  using V = std::remove_cvref_t<P>;
  using Given = std::remove_cvref_t<A>;
  static_assert(!IsObjectRef<Given>::value && !IsObjectRef<V>::value,
                "a packed task takes values: an ObjectRef belongs to its cluster");
  if constexpr (IsArray<Given>::value) {
    return EncodeArgument<P>(
        std::vector<typename Given::value_type>(argument.begin(), argument.end()));
  } else if constexpr (std::is_same_v<V, std::string_view> && !std::is_same_v<Given, std::string>) {
    return EncodeDetached(std::string(std::string_view(argument)));
  } else if constexpr (std::is_same_v<Stored<Given>, Stored<V>> &&
                       std::is_same_v<Stored<Given>, Given>) {
    return EncodeDetached(argument);
  } else if constexpr (!std::is_same_v<Stored<V>, V>) {
    const std::span<const typename Stored<V>::value_type> span(argument);
    return EncodeDetached(Stored<V>(span.begin(), span.end()));
  } else {
    static_assert(std::is_convertible_v<A, V>,
                  "the argument cannot be converted to the parameter's type");
    const V converted = std::forward<A>(argument);
    return EncodeDetached(converted);
  }
}

template <typename F>
std::string CallableBytes(const F& f) {
  const std::vector<std::byte> bytes = PackCallable(f);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// --- Signatures as text, by which caller and callee of a named function agree.

template <typename... P>
std::string ParametersText(ParameterList<P...>) {
  std::string text = "(";
  ((text += serialize::ReadableName(serialize::TypeName<Stored<std::remove_cvref_t<P>>>()),
    text += ','),
   ...);
  if (text.back() == ',') text.pop_back();
  return text + ")";
}
template <typename R, typename List>
std::string SignatureText(List parameters) {
  return serialize::ReadableName(serialize::TypeName<std::remove_cvref_t<R>>()) +
         ParametersText(parameters);
}

template <size_t N, typename List>
struct WithoutFirst;
template <typename... P>
struct WithoutFirst<0, ParameterList<P...>> {
  using type = ParameterList<P...>;
};
template <size_t N, typename P, typename... Rest>
requires(N > 0) struct WithoutFirst<N, ParameterList<P, Rest...>> {
  using type = typename WithoutFirst<N - 1, ParameterList<Rest...>>::type;
};

template <typename G, typename List>
struct ResultOf;
template <typename G, typename... P>
struct ResultOf<G, ParameterList<P...>> {
  using type = std::remove_cvref_t<std::invoke_result_t<G&, P...>>;
  static constexpr bool kTravels =
      (serialize::kSerializable<Stored<std::remove_cvref_t<P>>> && ...);
  static constexpr bool Assert() { return (AssertParameter<P>() && ...); }
};

template <typename P, typename List>
struct EncodeBound;
template <typename... P>
struct EncodeBound<void, ParameterList<P...>> {
  template <typename... V>
  static std::vector<std::string> All(const std::tuple<BoundValue<V>...>& values) {
    std::vector<std::string> encoded;
    [&]<size_t... I>(std::index_sequence<I...>) {
      (std::get<I>(values).Visit([&](const auto& value) {
        encoded.push_back(EncodeArgument<std::tuple_element_t<I, std::tuple<P...>>>(value));
      }),
       ...);
    }
    (std::index_sequence_for<V...>());
    return encoded;
  }
};

template <typename F>
struct BoundCount : std::integral_constant<size_t, 0> {};
template <typename F, typename... V>
struct BoundCount<Bind<F, V...>> : std::integral_constant<size_t, sizeof...(V)> {};

// A function as it is registered.
template <typename F>
worker::NamedFunction MakeNamed(const F& f) {
  using G = std::decay_t<decltype(FunctionOf(f))>;
  static_assert(AssertCallable<G>());
  static_assert(Signature<G>::kKnown,
                "a function with a name needs one signature: give the lambda's parameters types, "
                "or choose an overload with troupe::Overload<R(P...)>(f)");
  using All = typename Signature<G>::Parameters;
  using Result = ResultOf<G, All>;
  using Open = typename WithoutFirst<BoundCount<F>::value, All>::type;
  using Apart = typename ApartShape<typename Result::type>::type;
  worker::NamedFunction function;
  function.callable = CallableBytes(FunctionOf(f));
  function.signature = SignatureText<typename Result::type>(Open());
  if constexpr (std::is_member_function_pointer_v<G>) {
    using Class = typename MemberSignature<G>::Class;
    using Parameters = typename MemberSignature<G>::Parameters;
    function.method = &MethodEntry<Class, G, Parameters, OneResult>::Run;
    if constexpr (!std::is_void_v<Apart>)
      function.method_apart = &MethodEntry<Class, G, Parameters, Apart>::Run;
    function.method_signature = SignatureText<typename Result::type>(Parameters());
  } else {
    static_assert(Result::Assert());
  }
  if constexpr (Result::kTravels) {
    function.entry = &Entry<G, All, OneResult>::Run;
    if constexpr (!std::is_void_v<Apart>) function.apart = &Entry<G, All, Apart>::Run;
  }
  if constexpr (IsBoundCallable<F>::value) function.bound = EncodeBound<void, All>::All(f.values());
  return function;
}

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_DETACHED_H_
