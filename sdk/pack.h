// Values and calls as bytes that stand by themselves: no cluster is needed.
//
//   std::string bytes = troupe::Pack(model);            // to a file, a queue, another program
//   Model copy = troupe::Unpack<Model>(bytes);
//   static_assert(troupe::CanPack<Model>);
//
//   std::string task = troupe::PackTask(Score, model, 0.5);
//   std::string result = troupe::ExecutePacked(task);   // in any process of the same executable
//   double score = troupe::UnpackResult<double>(result);  // or throws what Score threw
//
// A value can be read by another program: its type is compared by structure. A task names code of
// this executable, and only of this build; FunctionRegistry packs calls by name. Do not execute
// bytes from people you do not trust: they choose what runs.
// Errors: NotSerializable; InvalidArgument for bytes that are cut, damaged or something else;
// TypeMismatch, which shows both structures; BuildMismatch, which names both builds. The Try forms
// return a Status instead.   Thread-safe.   After cloudpickle.
#ifndef TROUPE_SDK_PACK_H_
#define TROUPE_SDK_PACK_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "core/serialize/pack.h"
#include "core/serialize/serialize.h"
#include "sdk/internal/detached.h"

namespace troupe {

template <typename T>
inline constexpr bool CanPack = serialize::kSerializable<T>;

namespace internal {

struct PackedCall {
  std::string build_id;  // of the executable; empty where the function has a name
  uint64_t entry = 0;
  std::string function;
  std::string signature;
  std::string name;  // for people
  std::string callable;
  std::vector<std::string> arguments;
};
struct PackedFunction {
  std::string build_id;
  uint64_t entry = 0;
  std::string name;
  std::string callable;
  std::string signature;
  std::vector<std::string> bound;
};
std::string PackCall(PackedCall call);
std::string PackFunction(const PackedFunction& function);
PackedFunction OpenFunction(std::string_view packed);  // throws
// A build for people: the digits of its id.
std::string BuildText(std::string_view build_id);
std::string ThisBuild();
// Of a call to code of this executable.
PackedCall NewPackedCall(worker::TaskEntry entry);
std::string Execute(std::string_view packed, const worker::NamedFunctions& functions);

std::string PackOutcome(std::string value, const ErrorInfo* error);
// The encoded value, at an address that is a multiple of 16, or what it failed with.
std::variant<std::string, ErrorInfo> OpenOutcome(std::string_view packed);
// The body of a packed value of a type with that fingerprint.
std::variant<std::string, ErrorInfo> OpenValue(std::string_view packed, uint64_t fingerprint);

// Into *value, which was just made.
std::optional<ErrorInfo> DecodeDetached(const std::variant<std::string, ErrorInfo>& bytes,
                                        const serialize::ValueType& type, void* value);
template <typename T>
T DecodeOrThrow(const std::variant<std::string, ErrorInfo>& bytes) {
  static_assert(serialize::AssertSerializable<T>());
  T value{};
  if (auto error = DecodeDetached(bytes, serialize::TypeOf<T>(), std::addressof(value)))
    Throw(*std::move(error));
  return value;
}
template <typename T>
absl::StatusOr<T> TryDecode(const std::variant<std::string, ErrorInfo>& bytes) {
  static_assert(serialize::AssertSerializable<T>());
  T value{};
  if (auto error = DecodeDetached(bytes, serialize::TypeOf<T>(), std::addressof(value)))
    return ToStatus(*error);
  return value;
}

}  // namespace internal

// --- Values.

// How many bytes Pack would make; nothing is copied.
template <typename T>
[[nodiscard]] size_t PackedSize(const T& value) {
  const auto size = serialize::Measure(value);
  if (!size.ok()) internal::Throw(internal::CannotTravel(size.status()));
  return serialize::PackWriter::Bytes(serialize::TypeText<T>(), size->bytes);
}

template <typename T>
[[nodiscard]] std::string Pack(const T& value) {
  serialize::AssertSerializable<T>();
  const std::string body = internal::EncodeDetached(value);
  serialize::PackWriter writer(serialize::PackKind::kValue, serialize::TypeText<T>(), body.size());
  std::memcpy(writer.body().data(), body.data(), body.size());
  return std::move(writer).Finish();
}

template <typename T>
[[nodiscard]] T Unpack(std::string_view packed) {
  return internal::DecodeOrThrow<T>(internal::OpenValue(packed, serialize::Fingerprint<T>()));
}
template <typename T>
[[nodiscard]] absl::StatusOr<T> TryUnpack(std::string_view packed) {
  return internal::TryDecode<T>(internal::OpenValue(packed, serialize::Fingerprint<T>()));
}

// --- Calls.

template <typename F, typename... A>
[[nodiscard]] std::string PackTask(const F& f, A&&... arguments) {
  if constexpr (internal::IsBoundCallable<F>::value) {
    const worker::NamedFunction function = internal::MakeNamed(f);
    using G = std::decay_t<decltype(f.function())>;
    static_assert(internal::Signature<G>::kKnown,
                  "PackTask of a Bind needs one signature: give the lambda's parameters types, or "
                  "choose an overload with troupe::Overload<R(P...)>(f)");
    using Open = typename internal::WithoutFirst<internal::BoundCount<F>::value,
                                                 typename internal::Signature<G>::Parameters>::type;
    internal::PackedCall call = internal::NewPackedCall(function.entry);
    call.name = internal::NameOfCallable(f.function());
    call.callable = function.callable;
    call.arguments = function.bound;
    [&]<typename... P>(internal::ParameterList<P...>) {
      static_assert(sizeof...(P) == sizeof...(A),
                    "the function takes another number of arguments (bound ones count)");
      (call.arguments.push_back(internal::EncodeArgument<P>(std::forward<A>(arguments))), ...);
    }(Open());
    return internal::PackCall(std::move(call));
  } else {
    using G = std::decay_t<F>;
    const G& g = f;
    static_assert(internal::AssertCallable<G>());
    return [&]<typename... P>(internal::ParameterList<P...>) {
      static_assert(sizeof...(P) == sizeof...(A), "the function takes another number of arguments");
      static_assert((internal::AssertParameter<P>() && ...));
      using Entry = internal::Entry<G, internal::ParameterList<P...>, internal::OneResult>;
      internal::PackedCall call = internal::NewPackedCall(&Entry::Run);
      call.name = internal::NameOfCallable(g);
      call.callable = internal::CallableBytes(g);
      (call.arguments.push_back(internal::EncodeArgument<P>(std::forward<A>(arguments))), ...);
      return internal::PackCall(std::move(call));
    }(typename internal::ParametersOf<G, A...>::type());
  }
}

// Runs a packed task here; its result or its error, packed. Throws only where the bytes are no task
// that could be run.
[[nodiscard]] std::string ExecutePacked(std::string_view task);

// As ExecutePacked has it: of a function that returned this, nothing, or failed.
template <typename R>
requires(!std::is_base_of_v<Error, R>) [[nodiscard]] std::string PackResult(const R& value) {
  return internal::PackOutcome(internal::EncodeDetached(value), nullptr);
}
[[nodiscard]] std::string PackResult();
[[nodiscard]] std::string PackResult(const Error& error);

// What the task returned, or throws what it threw.
template <typename R>
R UnpackResult(std::string_view result) {
  if constexpr (std::is_void_v<R>) {
    (void)internal::DecodeOrThrow<internal::Nothing>(internal::OpenOutcome(result));
  } else {
    return internal::DecodeOrThrow<R>(internal::OpenOutcome(result));
  }
}
template <typename R>
[[nodiscard]] absl::StatusOr<R> TryUnpackResult(std::string_view result) {
  return internal::TryDecode<R>(internal::OpenOutcome(result));
}

// --- What a call sends.

struct TaskPart {
  enum class Way { kCode, kInMessage, kStored, kReference };
  std::string what;  // "function", "bound value 1", "argument 2"
  std::string type;
  size_t bytes = 0;
  Way way = Way::kInMessage;
};
struct TaskDescription {
  std::string name;
  std::vector<TaskPart> parts;
  size_t message_bytes() const;  // of what does not lie in the store
  std::string ToString() const;  // a line for each part
};

namespace internal {

inline TaskPart Reference(std::string what, std::string_view type, size_t count) {
  return {std::move(what), serialize::ReadableName(type), count * sizeof(ObjectId),
          TaskPart::Way::kReference};
}
inline TaskPart ValueOf(std::string what, std::string_view type, size_t bytes) {
  return {
      std::move(what), serialize::ReadableName(type), bytes,
      bytes > Limits::kMaxInlineValueBytes ? TaskPart::Way::kStored : TaskPart::Way::kInMessage};
}
template <typename V>
TaskPart DescribeValue(std::string what, const V& value) {
  const auto size = serialize::Measure(value);
  return ValueOf(std::move(what), serialize::TypeName<V>(), size.ok() ? size->bytes : 0);
}

// An argument for a parameter P, as OutgoingCall::Add sends it.
template <typename P, typename A>
TaskPart DescribeArgument(std::string what, const A& argument) {
  if constexpr (IsResolved<P>::value) {
    using V = typename P::type;
    const auto fields = serialize::Fields(argument.value);
    TaskPart part = Reference(what, serialize::TypeName<V>(), 0);
    [&]<size_t... I>(std::index_sequence<I...>) {
      ((part.bytes += DescribeArgument<FieldOf<V, I>>(what, std::get<I>(fields)).bytes), ...);
    }
    (std::make_index_sequence<P::kFields>());
    return part;
  } else if constexpr (kHoldsRefs<A> && !IsBoundValue<A>::value &&
                       !std::is_same_v<A, std::remove_cvref_t<P>>) {
    size_t refs = 0;
    ForEachRef(argument, [&](const auto&) { ++refs; });
    return Reference(std::move(what), serialize::TypeName<A>(), refs);
  } else {
    using V = std::remove_cvref_t<P>;
    if constexpr (IsBoundValue<A>::value) {
      if (argument.Inline() == nullptr) {
        TaskPart part = ValueOf(std::move(what), serialize::TypeName<V>(), argument.bytes());
        part.way = TaskPart::Way::kStored;
        return part;
      }
      return DescribeArgument<P>(std::move(what), *argument.Inline());
    } else if constexpr (IsObjectRef<A>::value) {
      return Reference(std::move(what), serialize::TypeName<A>(), 1);
    } else if constexpr (std::is_same_v<V, std::string_view>) {
      static_assert(std::is_convertible_v<const A&, std::string_view>,
                    "the argument cannot be converted to the parameter's type");
      return DescribeValue(std::move(what), std::string(std::string_view(argument)));
    } else if constexpr (IsArray<A>::value || IsConstSpan<A>::value ||
                         !std::is_same_v<Stored<V>, V>) {
      using Element = typename Stored<V>::value_type;
      static_assert(std::is_convertible_v<const A&, std::span<const Element>>,
                    "the argument is no contiguous range of the parameter's elements");
      const std::span<const Element> span(argument);
      return ValueOf(std::move(what), serialize::TypeName<Stored<V>>(),
                     serialize::ArrayBytes<Element>(span.size()));
    } else if constexpr (std::is_same_v<A, V>) {
      return DescribeValue(std::move(what), argument);
    } else {
      static_assert(std::is_convertible_v<const A&, V>,
                    "the argument cannot be converted to the parameter's type");
      const V converted = argument;
      return DescribeValue(std::move(what), converted);
    }
  }
}

template <typename... P, typename... A>
void DescribeArguments(ParameterList<P...>, size_t bound, TaskDescription* description,
                       const A&... arguments) {
  static_assert(sizeof...(P) == sizeof...(A),
                "the function takes another number of arguments (bound ones count)");
  static_assert((AssertParameter<P>() && ...));
  size_t number = 0;
  const auto what = [&] {
    ++number;
    return number <= bound ? "bound value " + std::to_string(number)
                           : "argument " + std::to_string(number - bound);
  };
  (description->parts.push_back(DescribeArgument<TravellingParameter<P, A>, A>(what(), arguments)),
   ...);
}

}  // namespace internal

// What Task(f).Remote(arguments...) would send, and by which way. Nothing is sent.
//
//   auto score = troupe::Bind(Score, model);
//   std::puts(troupe::Describe(score, "batch 7").ToString().c_str());
template <typename F, typename... A>
[[nodiscard]] TaskDescription Describe(const F& f, const A&... arguments) {
  using G = std::decay_t<decltype(internal::FunctionOf(f))>;
  static_assert(internal::AssertCallable<G>());
  const G& g = internal::FunctionOf(f);
  TaskDescription description{internal::NameOfCallable(g), {}};
  description.parts.push_back({"function", std::string(serialize::TypeName<G>()),
                               sizeof(uint64_t) + internal::PackCallable(g).size(),
                               TaskPart::Way::kCode});
  if constexpr (internal::IsBoundCallable<F>::value) {
    std::apply(
        [&]<typename... V>(const V&... bound) {
          internal::DescribeArguments(typename internal::ParametersOf<G, V..., A...>::type(),
                                      sizeof...(V), &description, bound..., arguments...);
        },
        f.values());
  } else {
    internal::DescribeArguments(typename internal::ParametersOf<G, A...>::type(), 0, &description,
                                arguments...);
  }
  return description;
}

}  // namespace troupe

#endif  // TROUPE_SDK_PACK_H_
