// SetById holds records that know their own id, each for itself on the heap, to be found by it.
//
// A hash map from the id to such a record would keep the id twice, and would be twice as large: of
// a million records it takes 19 bytes each instead of 52. Pointers to records stay valid until
// their record goes. T has a member `id` of a type that Abseil can hash. Not thread-safe.
//
//   struct Task { TaskId id; ... };
//   SetById<Task> tasks;
//   tasks.insert(std::move(task));
//   if (auto it = tasks.find(id); it != tasks.end()) (*it)->...
#ifndef TROUPE_CORE_BASE_SET_BY_ID_H_
#define TROUPE_CORE_BASE_SET_BY_ID_H_

#include <cstddef>
#include <memory>
#include <type_traits>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

namespace troupe {
namespace internal {

template <typename T>
using IdOf = std::remove_cvref_t<decltype(T::id)>;

template <typename T, typename Pointer>
struct HashId {
  using is_transparent = void;
  size_t operator()(const IdOf<T>& id) const { return absl::HashOf(id); }
  size_t operator()(const Pointer& record) const { return absl::HashOf(record->id); }
};
template <typename T, typename Pointer>
struct SameId {
  using is_transparent = void;
  bool operator()(const Pointer& a, const IdOf<T>& b) const { return a->id == b; }
  bool operator()(const Pointer& a, const Pointer& b) const { return a->id == b->id; }
};

}  // namespace internal

template <typename T, typename Deleter = std::default_delete<T>>
using SetById = absl::flat_hash_set<std::unique_ptr<T, Deleter>,
                                    internal::HashId<T, std::unique_ptr<T, Deleter>>,
                                    internal::SameId<T, std::unique_ptr<T, Deleter>>>;

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_SET_BY_ID_H_
