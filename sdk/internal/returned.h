// What a task's function returns, as what its caller gets it, and how the worker gives it. Private
// to the SDK.
#ifndef TROUPE_SDK_INTERNAL_RETURNED_H_
#define TROUPE_SDK_INTERNAL_RETURNED_H_

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "sdk/async.h"
#include "sdk/generator.h"
#include "sdk/get.h"
#include "sdk/internal/value.h"
#include "sdk/stream.h"
#include "worker/task_call.h"

namespace troupe::internal {

template <typename R>
constexpr bool AssertResult() {
  static_assert(!std::is_pointer_v<R>,
                "a pointer result points into the worker's memory: return a value");
  if constexpr (IsArray<R>::value) {
    serialize::AssertSerializable<Stored<R>>();
  } else if constexpr (!std::is_void_v<R> && !std::is_pointer_v<R>) {
    serialize::AssertSerializable<R>();
  }
  return true;
}

// --- The shapes in which a result may be asked for.

struct OneResult {};
template <typename... R>
struct TupleResults {};
struct VectorResults {};

// R: what the function returns. Make: what its caller gets, from a handle on each result.
template <typename Shape, typename R>
struct Returned;

template <typename R>
struct Returned<OneResult, R> {
  static constexpr bool kStream = IsGenerator<R>::value;
  static auto Value() {
    if constexpr (kStream || IsAsync<R>::value) {
      return std::type_identity<typename R::value_type>();
    } else {
      return std::type_identity<R>();
    }
  }
  using Item = typename decltype(Value())::type;
  static constexpr bool Assert() { return AssertResult<Item>(); }
  static auto Make(std::vector<Handle> results) {
    if constexpr (kStream) {
      return Stream<Item>(std::move(results[0]));
    } else {
      return ObjectRef<Item>(std::move(results[0]));
    }
  }
};

template <typename T, typename... R>
inline constexpr bool kIsTupleOf = false;
template <typename... R>
inline constexpr bool kIsTupleOf<std::tuple<R...>, R...> = true;
template <typename A, typename B>
inline constexpr bool kIsTupleOf<std::pair<A, B>, A, B> = true;

template <typename... T, typename R>
struct Returned<TupleResults<T...>, R> {
  static constexpr bool kStream = false;
  static constexpr bool Assert() {
    static_assert(kIsTupleOf<R, T...>,
                  "Returns<...> names the types of the std::tuple that the function returns");
    return (AssertResult<T>() && ...);
  }
  static std::tuple<ObjectRef<T>...> Make(std::vector<Handle> results) {
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return std::tuple<ObjectRef<T>...>(ObjectRef<T>(std::move(results[I]))...);
    }
    (std::index_sequence_for<T...>());
  }
};

template <typename T>
inline constexpr bool kIsVector = false;
template <typename T, typename A>
inline constexpr bool kIsVector<std::vector<T, A>> = !std::is_same_v<T, bool>;

template <typename R>
struct Returned<VectorResults, R> {
  static constexpr bool kStream = false;
  static constexpr bool Assert() {
    static_assert(kIsVector<R>, "Returns(n) is for a function that returns a std::vector");
    return AssertResult<R>();
  }
  static auto Make(std::vector<Handle> results) {
    if constexpr (kIsVector<R>) {
      std::vector<ObjectRef<typename R::value_type>> refs;
      refs.reserve(results.size());
      for (Handle& result : results) refs.emplace_back(std::move(result));
      return refs;
    }
  }
};

// The shape in which the parts of an R are results of their own; void where it has none.
template <typename R>
struct ApartShape {
  using type = std::conditional_t<kIsVector<R>, VectorResults, void>;
};
template <typename... T>
struct ApartShape<std::tuple<T...>> {
  using type = TupleResults<T...>;
};
template <typename A, typename B>
struct ApartShape<std::pair<A, B>> {
  using type = TupleResults<A, B>;
};

// --- The worker's side.

void AddResult(worker::TaskCall& call, const serialize::ValueType& type, const void* value);
template <typename R>
void AddResult(worker::TaskCall& call, const R& value) {
  AddResult(call, TypeOf<R>(), std::addressof(value));
}

ErrorInfo NoStreamError();

template <typename T>
void AddStream(worker::TaskCall& call, Generator<T> generator) {
  if (call.session == nullptr || call.stream_window == 0) return call.Fail(NoStreamError());
  StreamWriter writer(&call);
  std::optional<ErrorInfo> error;
  for (const T& item : generator) {
    if (!writer.Write(TypeOf<T>(), std::addressof(item), &error)) break;
  }
  if (error.has_value()) {
    call.Fail(*std::move(error));
  } else {
    AddResult(call, Nothing());
  }
}

ErrorInfo WrongCount(size_t returned, uint32_t wanted);

template <typename Shape, typename R>
void AddReturned(worker::TaskCall& call, R&& returned) {
  using V = std::remove_cvref_t<R>;
  if constexpr (std::is_same_v<Shape, VectorResults>) {
    if (returned.size() != call.num_returns) {
      call.Fail(WrongCount(returned.size(), call.num_returns));
      return;
    }
    for (const auto& element : returned) AddResult(call, element);
  } else if constexpr (!std::is_same_v<Shape, OneResult>) {
    std::apply([&](const auto&... element) { (AddResult(call, element), ...); },
               std::forward<R>(returned));
  } else if constexpr (IsGenerator<V>::value) {
    AddStream(call, std::forward<R>(returned));
  } else if constexpr (IsAsync<V>::value) {
    if constexpr (std::is_void_v<typename V::value_type>) {
      std::forward<R>(returned).Run();
      AddResult(call, Nothing());
    } else {
      AddResult(call, std::forward<R>(returned).Run());
    }
  } else {
    AddResult(call, static_cast<const V&>(returned));
  }
}

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_RETURNED_H_
