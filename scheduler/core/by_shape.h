// ByShape keeps a T for each shape of resources (so many CPUs, so many of what is named) of which
// there is anything.
//
// Problem: a program mostly has one shape, of which now there is something and now nothing, and
// asks for it several times a task; another one has hundreds. So the last one is remembered, and
// one of which nothing is left stays until as many others were made as were in use.
//
// T has a constructor that takes the shape, a member `shape`, and empty(). Complexity: O(1), but
// for what is in a shape. Pointers stay valid until the T is empty and another one is made. Not
// thread-safe.
//
//   struct Waiting { explicit Waiting(const ResourceSet& of) : shape(of) {} ... };
//   ByShape<Waiting> waiting;
//   waiting.Get(task.want)->count += 1;
#ifndef TROUPE_SCHEDULER_CORE_BY_SHAPE_H_
#define TROUPE_SCHEDULER_CORE_BY_SHAPE_H_

#include <algorithm>
#include <cstddef>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "core/base/resource_set.h"

namespace troupe::scheduler {

struct HashOfShape {
  size_t operator()(const ResourceSet& shape) const {
    return absl::HashOf(shape.cpu_units(), shape.named());
  }
};

template <typename T>
class ByShape {
 public:
  // Null where there was none, or nothing was left of it for long.
  T* Find(const ResourceSet& shape) const {
    if (last_ != nullptr && last_->shape == shape) return last_;
    const auto it = all_.find(shape);
    return it == all_.end() ? nullptr : last_ = it->second.get();
  }
  T* Get(const ResourceSet& shape) {
    if (T* known = Find(shape)) return known;
    if (all_.size() >= most_) DropEmpty();
    return last_ = all_.emplace(shape, std::make_unique<T>(shape)).first->second.get();
  }
  template <typename F>
  void ForEach(F f) const {
    for (const auto& [shape, t] : all_) f(*t);  // in no order
  }

 private:
  static constexpr size_t kKept = 8;

  void DropEmpty() {
    last_ = nullptr;
    absl::erase_if(all_, [](const auto& entry) { return entry.second->empty(); });
    most_ = std::max(kKept, 2 * all_.size());
  }

  absl::flat_hash_map<ResourceSet, std::unique_ptr<T>, HashOfShape> all_;
  mutable T* last_ = nullptr;
  size_t most_ = kKept;  // before those that are empty go
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_BY_SHAPE_H_
