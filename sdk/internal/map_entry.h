// A chunk of a Map's items in the worker: the function is called for each. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_MAP_ENTRY_H_
#define TROUPE_SDK_INTERNAL_MAP_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "sdk/bind.h"
#include "sdk/internal/call.h"
#include "sdk/internal/callable.h"

namespace troupe::internal {

// What the function threw for some items of a chunk, and where.
struct ItemFailure {
  uint32_t position = 0;  // within the chunk
  std::string message;
  std::string exception_type;
  std::string payload;  // of a registered exception
  std::string stack;
};
struct ItemFailures {
  std::vector<ItemFailure> items;  // by position
  std::string origin;              // of the task that had them; empty where none has failed
  uint32_t attempt = 0;
  int32_t pid = 0;
};
// In a handler: adds what is being handled.
void AddFailure(size_t position, ItemFailures* failures);
// As the error of one item.
ErrorInfo TakeFailure(ItemFailures& failures, size_t i, TaskId task);

// What a task of a Map returns: the values of the items that did not fail, in order.
template <typename V>
struct ChunkResult {
  static constexpr int kOwnLevels = 2;  // this, and the vector
  std::vector<V> values;
  ItemFailures failures;
  int64_t nanos = 0;
};

// Stands for the parameter that is a chunk of a range: a std::vector<X>.
template <typename X>
struct Chunk {};
template <typename X>
inline constexpr serialize::ValueType kChunkType = [] {
  serialize::ValueType type = serialize::kValueType<std::vector<X>>;
  type.own_levels = 1;
  return type;
}();
template <typename X>
class IncomingArgument<Chunk<X>> : public IncomingArgument<std::vector<X>> {
 public:
  std::optional<ErrorInfo> Decode(const std::shared_ptr<worker::Session>& session,
                                  const worker::TaskArgument* argument) {
    if (argument->is_list) return IncomingArgument<std::vector<X>>::Decode(session, argument);
    const worker::ArgumentValue& chunk = argument->values.front();
    return internal::Decode(session, chunk.value, chunk.object, kChunkType<X>, &this->value_);
  }
};

// The callable of a chunk has the index of its first item behind it.
void AppendFirst(size_t first, std::vector<std::byte>* callable);
size_t TakeFirst(std::span<const std::byte>* callable);
// In a handler: what is being handled is the call's failure, at that item.
void FailAt(size_t index, worker::TaskCall& call);

// Ends a task between two of its items where nobody wants its result any more.
class StopBetweenItems {
 public:
  StopBetweenItems();  // REQUIRES: in a task
  bool requested() const { return stop_.stop_requested(); }
  void Check() const {
    if (requested()) Stop();
  }

 private:
  [[noreturn]] static void Stop();
  std::stop_token stop_;
};

// The first N of a list.
template <size_t N, typename List, typename... Taken>
struct FirstOf {
  using type = ParameterList<Taken...>;
};
template <size_t N, typename P, typename... Rest, typename... Taken>
requires(N > 0) struct FirstOf<N, ParameterList<P, Rest...>, Taken...> {
  using type = typename FirstOf<N - 1, ParameterList<Rest...>, Taken..., P>::type;
};
// Bound values are used by many calls: none may take them away.
template <typename P>
using SharedParameter =
    std::conditional_t<std::is_same_v<Stored<std::remove_cvref_t<P>>, std::remove_cvref_t<P>>,
                       const std::remove_cvref_t<P>&, std::remove_cvref_t<P>>;

// Calls f for an item.
template <bool kStar, typename F, typename X, typename... B>
decltype(auto) CallForItem(F& f, X&& item, const B&... bound) {
  if constexpr (kStar) {
    return std::apply(
        [&](auto&&... part) -> decltype(auto) {
          return std::invoke(f, bound..., std::forward<decltype(part)>(part)...);
        },
        std::forward<X>(item));
  } else {
    return std::invoke(f, bound..., std::forward<X>(item));
  }
}

template <typename F, typename X, bool kStar, bool kCatch, typename Bound>
struct MapEntry;
template <typename F, typename X, bool kStar, bool kCatch, typename... B>
struct MapEntry<F, X, kStar, kCatch, ParameterList<B...>> {
  using R = std::remove_cvref_t<decltype(CallForItem<kStar>(
      std::declval<F&>(), std::declval<X&&>(), std::declval<const std::remove_cvref_t<B>&>()...))>;
  using V = std::conditional_t<std::is_void_v<R>, Nothing, R>;

  static void Run(worker::TaskCall& call) {
    const size_t first = TakeFirst(&call.callable);
    F f{};
    if (!FindCallable(call, &f)) return;
    IncomingArguments<Chunk<X>, SharedParameter<B>...> arguments;
    if (auto error = arguments.Decode(call)) return call.Fail(*std::move(error));
    ChunkResult<V> result;
    const bool done = arguments.Call([&](std::vector<X>&& chunk, auto&&... bound) {
      result.values.reserve(chunk.size());
      const StopBetweenItems stop;
      const int64_t start = MonotonicNanos();
      for (size_t i = 0; i < chunk.size(); ++i) {
        stop.Check();
        try {
          AddOne(f, std::move(chunk[i]), &result, bound...);
        } catch (...) {
          if constexpr (!kCatch) {
            FailAt(first + i, call);
            return false;
          }
          AddFailure(i, &result.failures);
        }
      }
      result.nanos = MonotonicNanos() - start;
      return true;
    });
    if (done) AddResult(call, result);
  }
  template <typename Item, typename... Shared>
  static void AddOne(F& f, Item&& item, ChunkResult<V>* result, const Shared&... bound) {
    if constexpr (std::is_same_v<X, bool>) {  // a proxy of std::vector<bool>
      Add(f, static_cast<bool>(item), result, bound...);
    } else {
      Add(f, std::forward<Item>(item), result, bound...);
    }
  }
  template <typename Item, typename... Shared>
  static void Add(F& f, Item&& item, ChunkResult<V>* result, const Shared&... bound) {
    if constexpr (std::is_void_v<R>) {
      CallForItem<kStar>(f, std::forward<Item>(item), bound...);
      result->values.emplace_back();
    } else {
      result->values.push_back(CallForItem<kStar>(f, std::forward<Item>(item), bound...));
    }
  }
};

// What a callable and the items of a range make of each other.
template <typename F, typename X, bool kStar>
struct MapTypes {
  using Function = F;
  using Bound = ParameterList<>;
};
template <typename F, typename... V, typename X, bool kStar>
struct MapTypes<Bind<F, V...>, X, kStar> {
  using Function = F;
  static auto Find() {
    if constexpr (Signature<F>::kKnown) {
      return typename FirstOf<sizeof...(V), typename Signature<F>::Parameters>::type();
    } else {
      return ParameterList<typename DeducedParameter<V>::type...>();
    }
  }
  using Bound = decltype(Find());
};

template <typename Range>
constexpr bool AssertRange() {
  constexpr bool is_range = requires(std::remove_reference_t<Range> & range) {
    std::begin(range);
    std::end(range);
  };
  static_assert(is_range, "the function comes first, and then a range of items to call it with");
  return is_range;
}

// The items of a std::map have const keys, which nothing can be read into.
template <typename T>
struct Mutable {
  using type = T;
};
template <typename K, typename V>
struct Mutable<std::pair<const K, V>> {
  using type = std::pair<K, V>;
};
template <typename Iterator>
using MapItemOf = typename Mutable<std::iter_value_t<Iterator>>::type;

// The item of a range as f gets it: what a reference refers to.
template <typename I>
using MapInput = typename DeducedParameter<std::decay_t<I>>::type;

template <typename G, typename Tuple, typename... B>
inline constexpr bool kAppliesTo = false;
template <typename G, typename... A, typename... B>
inline constexpr bool kAppliesTo<G, std::tuple<A...>, B...> =
    std::is_invocable_v<G&, const B&..., A&&...>;
template <typename G, typename A1, typename A2, typename... B>
inline constexpr bool kAppliesTo<G, std::pair<A1, A2>, B...> =
    std::is_invocable_v<G&, const B&..., A1&&, A2&&>;

template <typename G, typename X, bool kStar, typename... B>
constexpr bool AssertMappable(ParameterList<B...>) {
  serialize::AssertSerializable<X>();
  if constexpr (kStar) {
    static_assert(kAppliesTo<G, X, std::remove_cvref_t<B>...>,
                  "StarMap calls the function with the elements of each std::tuple of the range, "
                  "which it cannot take");
  } else {
    static_assert(std::is_invocable_v<G&, const std::remove_cvref_t<B>&..., X&&>,
                  "Map calls the function with each item of the range, which it cannot take");
  }
  return true;
}

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_MAP_ENTRY_H_
