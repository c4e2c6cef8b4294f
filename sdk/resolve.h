// Resolve(references) passes a struct of references for a parameter that is a struct of values: the
// task runs when all of them are there.
//
//   struct Parts {
//     troupe::ObjectRef<Image> image;
//     std::vector<troupe::ObjectRef<Mask>> masks;
//     int level;
//   };
//   struct Whole {
//     Image image;
//     std::vector<Mask> masks;
//     int level;
//   };
//   double Score(const Whole& whole);
//
//   troupe::ObjectRef<double> score =
//       troupe::Task(Score).Remote(troupe::Resolve(Parts{image, masks, 3}));
//
// Field by field, in order: an ObjectRef<T> or a T for a T, a container of either for a container.
// Both are aggregates of up to 32 fields.
#ifndef TROUPE_SDK_RESOLVE_H_
#define TROUPE_SDK_RESOLVE_H_

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/serialize/fields.h"

namespace troupe {
namespace internal {

template <typename S>
struct ResolveArgument {
  S value;
};
template <typename T>
struct IsResolveArgument : std::false_type {};
template <typename S>
struct IsResolveArgument<ResolveArgument<S>> : std::true_type {};

// Stands for a parameter P that is given as an S, and travels in its fields.
template <typename P, typename S>
struct Resolved {
  using type = std::remove_cvref_t<P>;
  static_assert(std::is_aggregate_v<type>,
                "Resolve is for a parameter that is a struct, an aggregate of values");
  static constexpr size_t kFields = serialize::FieldCount<type>();
};
template <typename T>
struct IsResolved : std::false_type {};
template <typename P, typename S>
struct IsResolved<Resolved<P, S>> : std::true_type {};

template <typename V, size_t I>
using FieldOf =
    std::remove_cvref_t<std::tuple_element_t<I, decltype(serialize::Fields(std::declval<V&>()))>>;

}  // namespace internal

template <typename S>
[[nodiscard]] internal::ResolveArgument<S> Resolve(S references) {
  static_assert(std::is_aggregate_v<S> && serialize::FieldCount<S>() <= serialize::kMaxFields,
                "Resolve takes a struct of references: an aggregate of up to 32 fields");
  return {std::move(references)};
}

}  // namespace troupe

#endif  // TROUPE_SDK_RESOLVE_H_
