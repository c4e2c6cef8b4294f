// One call on its way out, and on its way in. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_CALL_H_
#define TROUPE_SDK_INTERNAL_CALL_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "sdk/bind.h"
#include "sdk/call_site.h"
#include "sdk/get.h"
#include "sdk/internal/callable.h"
#include "sdk/internal/gathered.h"
#include "sdk/internal/kept.h"
#include "sdk/internal/returned.h"
#include "sdk/internal/value.h"
#include "sdk/resolve.h"
#include "worker/task_call.h"

namespace troupe::internal {

template <typename T>
struct VectorElement {
  using type = void;
};
template <typename T, typename A>
struct VectorElement<std::vector<T, A>> {
  using type = T;
};
template <typename T>
using VectorElementOf = typename VectorElement<T>::type;

template <typename A>
struct Unbound {
  using type = A;
};
template <typename V>
struct Unbound<BoundValue<V>> {
  using type = V;
};
// An argument's type, bound or not.
template <typename A>
using GivenAs = typename Unbound<std::remove_cvref_t<A>>::type;

// A reference that is resolved first: it refers to what the parameter is.
template <typename Given, typename V>
inline constexpr bool kRefersTo = false;
template <typename T, typename V>
requires(!std::is_void_v<T> &&
         !std::is_void_v<V>) inline constexpr bool kRefersTo<ObjectRef<T>, V> =
    std::is_same_v<Stored<T>, Stored<V>>;

// A container of references for one of values: of more than one level, or no std::vector.
template <typename Given, typename V>
inline constexpr bool kIsGathered = false;
template <typename Given, typename V>
requires(kHoldsRefs<Given> && !IsObjectRef<Given>::value && !std::is_same_v<Given, V> &&
         !kRefersTo<VectorElementOf<Given>, VectorElementOf<V>>)  //
    inline constexpr bool kIsGathered<Given, V> = std::is_same_v<typename ValuesOf<Given>::type, V>;

// The parameter as it travels.
template <typename P, typename A>
struct Travelling {
  using type = P;
};
template <typename P, typename S>
struct Travelling<P, ResolveArgument<S>> {
  using type = Resolved<P, S>;
};
template <typename P, typename A>
requires kIsGathered<GivenAs<A>, std::remove_cvref_t<P>>
struct Travelling<P, A> {
  using type = Gathered<P, GivenAs<A>>;
};
template <typename P, typename A>
using TravellingParameter = typename Travelling<P, std::remove_cvref_t<A>>::type;

// Why a call in this session cannot have that object as an argument; none where it can. `function`:
// for the message.
std::optional<ErrorInfo> RefusalOf(const char* function, const Handle& handle,
                                   const std::shared_ptr<worker::Session>& session);

// Collects what a call sends.
class OutgoingCall {
 public:
  explicit OutgoingCall(std::shared_ptr<worker::Session> session);
  OutgoingCall(const OutgoingCall&) = delete;
  OutgoingCall& operator=(const OutgoingCall&) = delete;
  ~OutgoingCall();

  wire::TaskSpec& spec() { return spec_; }
  const std::shared_ptr<worker::Session>& session() const { return session_; }

  void SetEntry(worker::TaskEntry entry) {
    spec_.entry = OffsetOrThrow(reinterpret_cast<const void*>(entry));
  }
  // Of a function that is registered under a name, instead of an entry and a callable.
  void SetFunction(std::string name, const std::string& signature);
  void SetResults(uint32_t count, uint32_t stream_window);
  // `bundle`: 0: any one of the group's; else 1 + its number.
  void SetPlacement(const Handle& group, uint32_t bundle);
  void SetName(std::string name);
  void SetCallSite(CallSite site);
  void SetCallable(std::vector<std::byte> bytes);

  // Appends an argument for a parameter P.
  template <typename P, typename A>
  void Add(A&& argument) {
    if constexpr (IsResolved<P>::value) {
      AddFields<typename P::type>(argument.value, std::make_index_sequence<P::kFields>());
    } else if constexpr (!IsGathered<P>::value) {
      AddOne<P>(std::forward<A>(argument));
    } else if constexpr (IsBoundValue<std::remove_cvref_t<A>>::value) {
      argument.Visit([&](const auto& container) { AddGathered(container); });
    } else {
      AddGathered(argument);
    }
  }

  // An argument that is an object. Throws where it is null, or of another session.
  void AddObject(const Handle& handle);
  void AddValue(const serialize::ValueType& type, const void* value);
  // An argument that is encoded already, and holds no references.
  void AddEncoded(std::span<const std::byte> encoded);

  // Submits it, once; a handle on each result, in order.
  std::vector<Handle> Submit();

 private:
  // What is large was stored once, as what the parameter is.
  template <typename P, typename W>
  void AddBound(const BoundValue<W>& bound) {
    using V = std::remove_cvref_t<P>;
    if constexpr (std::is_same_v<Stored<W>, Stored<V>>) {
      if constexpr (BoundValue<W>::kMayBeStored) {
        if (bound.Inline() == nullptr) return AddOne<P>(bound.Stored());
      }
      AddOne<P>(*bound.Inline());
    } else if constexpr (BoundValue<W>::kMayBeStored && std::is_same_v<Stored<V>, V> &&
                         std::is_convertible_v<const W&, V>) {
      if (bound.Inline() == nullptr) return AddOne<P>(bound.template StoredAs<V>());
      AddOne<P>(*bound.Inline());
    } else {
      bound.Visit([&](const W& value) { AddOne<P>(value); });
    }
  }

  // Each field of a struct of references is an argument of its own.
  template <typename V, typename S, size_t... I>
  void AddFields(const S& value, std::index_sequence<I...>) {
    static_assert(serialize::FieldCount<S>() == sizeof...(I),
                  "the struct given to Resolve has another number of fields than the parameter");
    const auto fields = serialize::Fields(value);
    (Add<TravellingParameter<FieldOf<V, I>, FieldOf<S, I>>>(std::get<I>(fields)), ...);
  }
  template <typename G>
  void AddGathered(const G& container) {
    AddValue(container);
    std::vector<ObjectId>& ids = AddList(0);
    ForEachRef(container, [&](const auto& ref) {
      CheckOwner(ref.handle());
      ids.push_back(ref.id());
    });
  }
  template <typename P, typename A>
  void AddOne(A&& argument) {
    using V = std::remove_cvref_t<P>;
    using Given = std::remove_cvref_t<A>;
    static_assert(!std::is_same_v<Given, ObjectRef<void>> || std::is_same_v<Given, V>,
                  "an ObjectRef<void> says that a task is done and has no value to pass on");
    if constexpr (IsBoundValue<Given>::value) {
      AddBound<P>(argument);
    } else if constexpr (kRefersTo<Given, V>) {
      AddObject(argument.handle());
    } else if constexpr (IsObjectRef<Given>::value && !IsObjectRef<V>::value) {
      static_assert(std::is_same_v<Stored<typename Given::value_type>, Stored<V>>,
                    "the ObjectRef refers to a value of another type than the parameter: pass an "
                    "ObjectRef of the "
                    "parameter's type");
    } else if constexpr (kRefersTo<VectorElementOf<Given>, VectorElementOf<V>>) {
      AddObjects(argument);
    } else if constexpr (IsObjectRef<VectorElementOf<Given>>::value &&
                         !std::is_void_v<VectorElementOf<V>> &&
                         !IsObjectRef<VectorElementOf<V>>::value) {
      static_assert(
          std::is_same_v<Stored<typename VectorElementOf<Given>::value_type>,
                         Stored<VectorElementOf<V>>>,
          "the ObjectRefs refer to values of another type than the elements of the parameter");
    } else if constexpr (kHoldsRefs<Given> && !std::is_same_v<Given, V> &&
                         !std::is_convertible_v<A, V>) {
      static_assert(std::is_same_v<Given, V>,
                    "the ObjectRefs in a container are resolved where the parameter is the same "
                    "container of the values that they refer to");
    } else if constexpr (std::is_same_v<V, std::string_view> &&
                         !std::is_same_v<Given, std::string>) {
      static_assert(std::is_convertible_v<A, std::string_view>,
                    "the argument cannot be converted to the parameter's type");
      AddValue(std::string(std::string_view(argument)));
    } else if constexpr (std::is_same_v<Stored<Given>, Stored<V>>) {
      AddValue(argument);
    } else if constexpr (!std::is_same_v<Stored<V>, V>) {
      static_assert(std::is_convertible_v<A, std::span<const typename Stored<V>::value_type>>,
                    "the argument is no contiguous range of the parameter's elements");
      const std::span<const typename Stored<V>::value_type> span(argument);
      AddValue(Array<typename Stored<V>::value_type>(span, nullptr));
    } else {
      static_assert(std::is_convertible_v<A, V>,
                    "the argument cannot be converted to the parameter's type");
      const V converted = std::forward<A>(argument);
      AddValue(converted);
    }
  }

  void CheckOwner(const Handle& handle) const;
  template <typename T>
  void AddObjects(const std::vector<ObjectRef<T>>& refs) {
    std::vector<ObjectId>& ids = AddList(refs.size());
    for (const ObjectRef<T>& ref : refs) {
      CheckOwner(ref.handle());
      ids.push_back(ref.id());
    }
  }
  // An argument that is so many objects; their ids are to be filled in.
  std::vector<ObjectId>& AddList(size_t count);
  template <typename V>
  void AddValue(const V& value) {
    AddValue(TypeOf<V>(), std::addressof(value));
  }
  void AddEncoded(worker::EncodedResult encoded);

  std::shared_ptr<worker::Session> session_;
  wire::TaskSpec spec_;
  std::string name_;
  std::string function_;
  std::vector<std::byte> callable_;
  // Of spec_'s arguments those that travel in it, in this order.
  absl::InlinedVector<worker::EncodedResult, 4> inline_arguments_;
  std::vector<Handle> stored_arguments_;  // kept until the node has the call
  Handle placement_group_;                // kept until then, too
  size_t inline_budget_;
};

ErrorInfo WrongArgumentsError();

// An argument on its way in: keeps the value while the function runs.
template <typename P>
class IncomingArgument {
 public:
  using V = std::remove_cvref_t<P>;
  static constexpr size_t kArguments = 1;  // of the call, that it takes

  std::optional<ErrorInfo> Decode(const std::shared_ptr<worker::Session>& session,
                                  const worker::TaskArgument* arguments) {
    const worker::TaskArgument& argument = *arguments;
    if (argument.is_list) return DecodeList(session, argument.values);
    const worker::ArgumentValue& element = argument.values.front();
    Handle handle = element.object.is_null() ? Handle() : Handle::New(session, element.object);
    return DecodeKept(session, element.value, std::move(handle), &value_);
  }
  // As the function takes it.
  decltype(auto) Forward() {
    if constexpr (kIsView && std::is_lvalue_reference_v<P>) {
      view_ = V(ViewOf(value_));
      return static_cast<const V&>(view_);
    } else if constexpr (kIsView) {
      return V(ViewOf(value_));
    } else if constexpr (std::is_lvalue_reference_v<P>) {
      return static_cast<const V&>(value_);
    } else {
      return std::move(value_);
    }
  }

 private:
  std::optional<ErrorInfo> DecodeList(const std::shared_ptr<worker::Session>& session,
                                      std::span<const worker::ArgumentValue> elements) {
    if constexpr (!std::is_void_v<VectorElementOf<V>>) {
      value_.reserve(elements.size());
      for (const worker::ArgumentValue& element : elements) {
        VectorElementOf<V> value{};
        auto error = internal::Decode(session, element.value, element.object,
                                      TypeOf<VectorElementOf<V>>(), std::addressof(value));
        if (error.has_value()) return error;
        value_.push_back(std::move(value));
      }
      return std::nullopt;
    } else {
      return ErrorInfo{.kind = ErrorKind::kInternal,
                       .message = "several objects for a parameter that is no vector"};
    }
  }
  using Kept = typename KeptAs<V>::type;
  static constexpr bool kIsView = !std::is_same_v<Kept, V>;
  struct None {};

 protected:
  Kept value_{};

 private:
  // What a const reference to a view refers to.
  [[no_unique_address]] std::conditional_t<kIsView, V, None> view_{};
};

// Those of one call. Not a std::tuple, on which the compiler would spend most of its time.
template <typename Sequence, typename... P>
class IncomingArgumentsAt;
template <size_t... I, typename... P>
class IncomingArgumentsAt<std::index_sequence<I...>, P...> {
 public:
  static constexpr size_t kArguments = (IncomingArgument<P>::kArguments + ... + size_t{0});

  std::optional<ErrorInfo> Decode(const worker::TaskCall& call) {
    if (call.arguments.size() != kArguments) return WrongArgumentsError();
    return Decode(call.session, call.arguments.data());
  }
  std::optional<ErrorInfo> Decode(const std::shared_ptr<worker::Session>& session,
                                  [[maybe_unused]] const worker::TaskArgument* arguments) {
    std::optional<ErrorInfo> error;
    (void)((error = At<I>().Decode(session, arguments),
            arguments += IncomingArgument<P>::kArguments, !error.has_value()) &&
           ...);
    return error;
  }
  template <typename F>
  decltype(auto) Call(F&& f) {
    return f(At<I>().Forward()...);
  }

 private:
  template <size_t N, typename Q>
  struct Slot {
    IncomingArgument<Q> argument;
  };
  struct Slots : Slot<I, P>... {};
  template <size_t N, typename Q>
  static IncomingArgument<Q>& Find(Slot<N, Q>& slot) {
    return slot.argument;
  }
  template <size_t N>
  auto& At() {
    return Find<N>(slots_);
  }
  Slots slots_;
};
template <typename... P>
using IncomingArguments = IncomingArgumentsAt<std::index_sequence_for<P...>, P...>;

// A container of values that was given as one of references.
template <typename P, typename G>
class IncomingArgument<Gathered<P, G>> {
 public:
  using V = std::remove_cvref_t<P>;
  static constexpr size_t kArguments = 2;

  std::optional<ErrorInfo> Decode(const std::shared_ptr<worker::Session>& session,
                                  const worker::TaskArgument* arguments) {
    IncomingArgument<G> given;
    if (auto error = given.Decode(session, arguments)) return error;
    G container = given.Forward();
    return Gather(container, GatheredValues(session, arguments[1]), &value_);
  }
  decltype(auto) Forward() {
    if constexpr (std::is_lvalue_reference_v<P>) {
      return static_cast<const V&>(value_);
    } else {
      return std::move(value_);
    }
  }

 private:
  V value_{};
};

// The fields of a V that is given as Resolve(S), as arguments of their own.
template <typename V, typename S>
constexpr auto FieldArgumentsOf() {
  return []<size_t... I>(std::index_sequence<I...>) {
    return std::type_identity<
        IncomingArguments<TravellingParameter<FieldOf<V, I>, FieldOf<S, I>>...>>();
  }
  (std::make_index_sequence<std::min(serialize::FieldCount<V>(), serialize::FieldCount<S>())>());
}

// The struct behind a parameter that is given as Resolve(references): made of its fields.
template <typename T, typename S>
class IncomingArgument<Resolved<T, S>> {
 public:
  using V = typename Resolved<T, S>::type;
  static constexpr size_t kArguments = decltype(FieldArgumentsOf<V, S>())::type::kArguments;

  std::optional<ErrorInfo> Decode(const std::shared_ptr<worker::Session>& session,
                                  const worker::TaskArgument* arguments) {
    return fields_.Decode(session, arguments);
  }
  V Forward() {
    return fields_.Call([](auto&&... field) { return V{std::forward<decltype(field)>(field)...}; });
  }

 private:
  typename decltype(FieldArgumentsOf<V, S>())::type fields_;
};

// Decodes the arguments and calls `f(arguments...)`; its results become the call's, as Shape has
// them.
template <typename Shape, typename... P, typename F>
void DecodeAndCall(worker::TaskCall& call, F f) {
  IncomingArguments<P...> arguments;
  if (auto error = arguments.Decode(call)) return call.Fail(*std::move(error));
  if constexpr (std::is_void_v<decltype(arguments.Call(f))>) {
    arguments.Call(f);
    AddResult(call, Nothing());
  } else {
    AddReturned<Shape>(call, arguments.Call(f));
  }
}

// The call's callable, into *f, which was just made; false where it has failed, which is its
// result then.
template <typename F>
bool FindCallable(worker::TaskCall& call, F* f) {
  auto error = UnpackCallable(call.callable, f);
  if (!error.has_value()) return true;
  call.Fail(*std::move(error));
  return false;
}

// The code that a worker runs for a callable of type F with these parameters: its address names the
// call.
template <typename F, typename List, typename Shape>
struct Entry;
template <typename F, typename... P, typename Shape>
struct Entry<F, ParameterList<P...>, Shape> {
  static void Run(worker::TaskCall& call) {
    F f{};
    if (!FindCallable(call, &f)) return;
    DecodeAndCall<Shape, P...>(call, [&](auto&&... argument) -> decltype(auto) {
      return Invoke(f, std::forward<decltype(argument)>(argument)...);
    });
  }
};

// The same of a call that has one more argument, for which it only waits.
template <typename Entry>
struct AfterAnother {
  static void Run(worker::TaskCall& call) {
    if (call.arguments.empty()) return call.Fail(WrongArgumentsError());
    call.arguments.pop_back();
    Entry::Run(call);
  }
};

// The value type of an argument for a parameter that is deduced.
template <typename A>
struct DeducedParameter {
  using type = A;
};
template <typename T>
struct DeducedParameter<ObjectRef<T>> {
  using type = T;
};
template <typename V>
struct DeducedParameter<BoundValue<V>> : DeducedParameter<V> {};

template <typename F, typename... A>
struct ParametersOf {
  static auto Find() {
    if constexpr (Signature<F>::kKnown) {
      return typename Signature<F>::Parameters();
    } else {
      return ParameterList<typename DeducedParameter<std::decay_t<A>>::type...>();
    }
  }
  using type = decltype(Find());
};

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_CALL_H_
