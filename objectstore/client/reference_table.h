// ReferenceTable is a process's half of the grant protocol: how many handles it has on each object,
// how many grants it has received, and what it owes the node.
//
// When the last local handle goes, all grants that have come so far are given back at once; a grant
// that comes when no handle is there (its message crossed the release) is given back by the next
// Settle. So the node's count and ours agree whatever crosses whatever.
//
// Pure. Not thread-safe: the session's lock guards it.   Invariant: an entry exists while it has a
// handle or a grant.
//
//   table.Granted(id);                 // a frame's grant list, or an object made here
//   table.AddHandle(id);               // an ObjectRef is made from it
//   if (table.DropHandle(id)) ...      // it was the last one: forget what is cached of it
//   table.TakeReleases();              // the debt
//
// After Cap'n Proto RPC, where a release carries the number of references received.
#ifndef TROUPE_OBJECTSTORE_CLIENT_REFERENCE_TABLE_H_
#define TROUPE_OBJECTSTORE_CLIENT_REFERENCE_TABLE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/check.h"
#include "core/base/ids.h"

namespace troupe::objectstore {

class ReferenceTable {
 public:
  struct Release {
    ObjectId id;
    uint32_t count;
  };

  // A grant has come. Whoever receives it makes a handle before the next Settle, or it is given
  // back.
  void Granted(ObjectId id) { ++counts_[id].grants; }
  void AddHandle(ObjectId id) { ++counts_[id].handles; }
  // True where it was the last handle.
  bool DropHandle(ObjectId id) {
    const auto it = counts_.find(id);
    TROUPE_CHECK(it != counts_.end() && it->second.handles > 0, "a handle that is dropped twice");
    if (--it->second.handles > 0) return false;
    GiveBack(it);
    return true;
  }
  // Gives back the grants of an object that has no handle.
  void Settle(ObjectId id) {
    const auto it = counts_.find(id);
    if (it != counts_.end() && it->second.handles == 0) GiveBack(it);
  }
  bool Holds(ObjectId id) const {
    const auto it = counts_.find(id);
    return it != counts_.end() && it->second.handles > 0;
  }

  bool has_releases() const { return !releases_.empty(); }
  size_t release_count() const { return releases_.size(); }
  std::vector<Release> TakeReleases() { return std::exchange(releases_, {}); }
  size_t size() const { return counts_.size(); }

 private:
  struct Counts {
    uint32_t handles = 0;
    uint32_t grants = 0;
  };
  using Map = absl::flat_hash_map<ObjectId, Counts>;

  void GiveBack(Map::iterator it) {
    if (it->second.grants > 0) releases_.push_back({it->first, it->second.grants});
    counts_.erase(it);
  }

  Map counts_;
  std::vector<Release> releases_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CLIENT_REFERENCE_TABLE_H_
