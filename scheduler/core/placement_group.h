// A placement group reserves several bundles of resources, all of them or none, for tasks and
// actors that must run beside one another.
//
// A reserved bundle is a set of resources of its own: so many "cpus@g-7.42/0" instead of cpus. The
// machine has fewer of the one and has the other, and tasks of the bundle want those. So whatever
// orders, grants, lends, claims or explains resources treats them like any others.
//
// Life: pending (it waits for resources) → reserved → removed, by its last reference or on demand;
// what it had is the machine's again when nobody runs in it any more. Not thread-safe.
// After Ray's placement groups and their resources.
#ifndef TROUPE_SCHEDULER_CORE_PLACEMENT_GROUP_H_
#define TROUPE_SCHEDULER_CORE_PLACEMENT_GROUP_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/resource_set.h"

namespace troupe::scheduler {

struct PlacementGroup {
  ObjectId id;
  JobId job = JobId::kNone;
  ClientId maker = ClientId::kNone;
  std::string name;   // for people
  std::string ready;  // what its object is to resolve to
  std::vector<ResourceSet> bundles;
  ResourceSet sum;        // of them: what it takes from the machine
  bool reserved = false;  // the machine has its bundles instead of what they are made of
  bool removed = false;   // nothing more may run in it

  // What the machine has instead of `sum` once it is reserved.
  ResourceSet Given() const;
  std::string ToString() const;  // "g-7.42 \"stages\""
};

// Where a task of a placement group may run.
struct BundleChoice {
  ObjectId group;
  uint32_t bundle = 0;  // 0: any one; else 1 + its number
  ResourceSet asked;    // as if there were no group
  // What it wants of each bundle that is large enough; one of them is granted.
  std::vector<ResourceSet> wants = {};
  // What it counts as wanting until then: tasks that have the same choice wait in one queue.
  ResourceSet queued_as = {};
};

// The same amounts, of that bundle of that group, or of no certain one.
ResourceSet InBundle(const ResourceSet& amounts, ObjectId group, size_t bundle);
ResourceSet InAnyBundle(const ResourceSet& amounts, ObjectId group);
// Whether a resource of that name is a bundle's.
bool IsOfBundle(std::string_view name);
// The CPUs in it, the machine's and those of bundles.
ResourceSet CpusIn(const ResourceSet& amounts);
int64_t CpuUnitsIn(const ResourceSet& amounts);

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_PLACEMENT_GROUP_H_
