// References in a container that is an argument for a container of values. Private to the SDK.
//
// It travels as two arguments: the container as it is, with its references in it, and the list of
// the objects that they refer to, which the call waits for. The receiver makes the container of
// values from both. A std::vector of references alone travels as its list.
#ifndef TROUPE_SDK_INTERNAL_GATHERED_H_
#define TROUPE_SDK_INTERNAL_GATHERED_H_

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "sdk/internal/value.h"
#include "sdk/object_ref.h"
#include "worker/task_call.h"

namespace troupe::internal {

// Whether a T is, or is a template of, references: std::map<int, std::vector<ObjectRef<T>>>.
template <typename T>
inline constexpr bool kHoldsRefs = false;
template <typename T>
inline constexpr bool kHoldsRefs<ObjectRef<T>> = true;
template <template <typename...> class C, typename... A>
inline constexpr bool kHoldsRefs<C<A...>> = (kHoldsRefs<A> || ...);
template <typename T, size_t N>
inline constexpr bool kHoldsRefs<std::array<T, N>> = kHoldsRefs<T>;

// The same container of what the references refer to.
template <typename T>
struct ValuesOf {
  using type = T;
};
template <typename T>
struct ValuesOf<ObjectRef<T>> {
  using type = T;
};
template <template <typename...> class C, typename... A>
requires kHoldsRefs<C<A...>>
struct ValuesOf<C<A...>> {
  using type = C<typename ValuesOf<A>::type...>;
};
template <typename T, size_t N>
struct ValuesOf<std::array<T, N>> {
  using type = std::array<typename ValuesOf<T>::type, N>;
};

// Stands for a parameter P for which a container of type G is given.
template <typename P, typename G>
struct Gathered {};
template <typename T>
struct IsGathered : std::false_type {};
template <typename P, typename G>
struct IsGathered<Gathered<P, G>> : std::true_type {};

template <typename T>
concept MapLike = requires {
  typename T::mapped_type;
};
template <typename T>
concept SequenceLike = requires(T& sequence) {
  sequence.emplace_back();
};
template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <typename T>
inline constexpr bool kIsStdArray = false;
template <typename T, size_t N>
inline constexpr bool kIsStdArray<std::array<T, N>> = true;

// use(ref) for each reference in there.
template <typename G, typename F>
void ForEachRef(const G& given, const F& use) {
  if constexpr (!kHoldsRefs<G>) {
    return;
  } else if constexpr (IsObjectRef<G>::value) {
    use(given);
  } else if constexpr (kIsOptional<G>) {
    if (given.has_value()) ForEachRef(*given, use);
  } else if constexpr (MapLike<G>) {
    for (const auto& [key, part] : given) ForEachRef(part, use);
  } else if constexpr (SequenceLike<G> || kIsStdArray<G>) {
    for (const auto& part : given) ForEachRef(part, use);
  } else {
    static_assert(
        requires { std::tuple_size<G>::value; },
        "references are resolved in std::vector, array, deque, list, map, unordered_map, "
        "pair, tuple and optional: pass the others as arguments of their own");
    std::apply([&](const auto&... part) { (ForEachRef(part, use), ...); }, given);
  }
}

// What they refer to, as it came with the call.
class GatheredValues {
 public:
  GatheredValues(std::shared_ptr<worker::Session> session, const worker::TaskArgument& list);
  std::optional<ErrorInfo> Read(ObjectId id, const serialize::ValueType& type, void* value) const;

 private:
  std::shared_ptr<worker::Session> session_;
  std::map<ObjectId, const worker::ValueBytes*> values_;
};

// Makes *out of `given`. V is ValuesOf<G>.
template <typename G, typename V>
std::optional<ErrorInfo> Gather(G& given, const GatheredValues& values, V* out) {
  std::optional<ErrorInfo> error;
  if constexpr (!kHoldsRefs<G>) {
    *out = std::move(given);
  } else if constexpr (IsObjectRef<G>::value) {
    return values.Read(given.id(), TypeOf<V>(), std::addressof(*out));
  } else if constexpr (kIsOptional<G>) {
    if (given.has_value()) return Gather(*given, values, &out->emplace());
  } else if constexpr (MapLike<G>) {
    for (auto& [key, part] : given) {
      typename V::mapped_type value{};
      if ((error = Gather(part, values, &value))) return error;
      out->emplace_hint(out->end(), key, std::move(value));
    }
  } else if constexpr (kIsStdArray<G>) {
    for (size_t i = 0; i < given.size(); ++i) {
      if ((error = Gather(given[i], values, &(*out)[i]))) return error;
    }
  } else if constexpr (SequenceLike<G>) {
    for (auto& part : given) {
      typename V::value_type value{};
      if ((error = Gather(part, values, &value))) return error;
      out->push_back(std::move(value));
    }
  } else {
    [&]<size_t... I>(std::index_sequence<I...>) {
      (void)(... || (error = Gather(std::get<I>(given), values, &std::get<I>(*out))).has_value());
    }
    (std::make_index_sequence<std::tuple_size_v<G>>());
  }
  return error;
}

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_GATHERED_H_
