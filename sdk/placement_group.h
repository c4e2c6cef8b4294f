// PlacementGroup reserves several bundles of resources, all of them at once or none, for tasks and
// actors that need to run at the same time.
//
//   const auto stages = troupe::PlacementGroup::New({{.cpus = 1}, {.cpus = 2, .gpus = 1}});
//   troupe::Get(stages.Ready());                                  // both bundles are reserved
//   troupe::Task(Load).Options({.placement = stages.In(0)}).Remote(path);
//   auto model = troupe::Actor<Model>().Options({.cpus = 2, .placement = stages.In(1)}).Remote();
//
// What is placed in a bundle takes its resources; several tasks share it as they share a machine.
// Tasks may be submitted before the group is ready: they begin when it is. Where the cluster can
// never have the bundles, Ready and the tasks are Infeasible, at once.
// A group lives as long as there is a reference to it (it travels as an argument and inside values)
// or a task or actor in it; then its resources are everybody's again. Remove ends it, and what is
// in it, at once. Tasks that a task submits are not placed where that one is, unless they say so.
// Thread-safety: a value.   After Ray's placement groups.
#ifndef TROUPE_SDK_PLACEMENT_GROUP_H_
#define TROUPE_SDK_PLACEMENT_GROUP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/object_ref.h"

namespace troupe {

struct Bundle {
  double cpus = 0;                               // in steps of 1/10000
  int64_t memory = 0;                            // bytes of the cluster's `memory`
  double gpus = 0;                               // in steps of 1/10000
  std::map<std::string, double> resources = {};  // named ones, in steps of 1/10000
};

// On which machines the bundles are to be. kPack: on as few as possible; kSpread: on as many as
// possible; kStrictPack: on one; kStrictSpread: each on another one.
using PlacementStrategy = wire::PlacementStrategy;

struct PlacementGroupOptions {
  std::string name = {};  // for people
  PlacementStrategy strategy = PlacementStrategy::kPack;
};

class PlacementGroup;

// Whose resources a task or an actor takes: the machine's, or a placement group's.
class Placement {
 public:
  Placement() = default;
  // Any bundle of the group that is large enough.
  Placement(const PlacementGroup& group);  // NOLINT: .placement = group

  const internal::Handle& handle() const { return group_; }
  // 0: any one; else 1 + its number.
  uint32_t bundle() const { return bundle_; }

 private:
  friend class PlacementGroup;
  Placement(internal::Handle group, uint32_t bundle) : group_(std::move(group)), bundle_(bundle) {}

  internal::Handle group_;
  uint32_t bundle_ = 0;
};

class PlacementGroup {
 public:
  // Refers to none; options refuse it.
  PlacementGroup() = default;
  // Asks for the bundles, and returns at once. Throws InvalidArgument where there are none or one
  // of them asks for nothing, Unavailable without a cluster.
  [[nodiscard]] static PlacementGroup New(const std::vector<Bundle>& bundles,
                                          const PlacementGroupOptions& options = {});

  // Resolves when all bundles are reserved. Errors: Infeasible, Cancelled by Remove.
  ObjectRef<void> Ready() const;
  // The bundle of that number, from 0.
  Placement In(size_t bundle) const;
  // Its tasks fail with Cancelled, running ones too, and its actors die.
  void Remove() const;

  explicit operator bool() const { return !handle_.id().is_null(); }
  const internal::Handle& handle() const { return handle_; }

 private:
  friend struct serialize::RefTraits<PlacementGroup>;

  internal::Handle handle_;
};

namespace serialize {

template <>
struct RefTraits<PlacementGroup> {
  static constexpr std::string_view kName = "troupe::PlacementGroup";
  static ObjectId Id(const PlacementGroup& group) { return group.handle().id(); }
  static PlacementGroup Make(ObjectId id);
};

}  // namespace serialize
}  // namespace troupe

#endif  // TROUPE_SDK_PLACEMENT_GROUP_H_
