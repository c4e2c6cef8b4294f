// ReferenceTable is a process's half of the grant protocol: how many handles it has on each object,
// how many grants it has received, and what it owes the node.
//
// When the last local handle goes, all grants that have come so far are given back at once; a grant
// that comes when no handle is there (its message crossed the release) is given back by the next
// Settle. So the node's count and ours agree whatever crosses whatever.
//
// What is known of an object (object_cache.h) goes with its last handle: the two share a record.
//
// Pure. Not thread-safe: the session's lock guards it.   Invariant: a record exists while it has a
// handle or a grant.
//
//   table.Granted(id);                 // a frame's grant list, or an object made here
//   table.AddHandle(id);               // an ObjectRef is made from it
//   if (table.DropHandle(id)) ...      // it was the last one, and what was known of it has gone
//   table.TakeReleases();              // the debt
//
// After Cap'n Proto RPC, where a release carries the number of references received.
#ifndef TROUPE_OBJECTSTORE_CLIENT_REFERENCE_TABLE_H_
#define TROUPE_OBJECTSTORE_CLIENT_REFERENCE_TABLE_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/record_table.h"
#include "objectstore/client/object_record.h"

namespace troupe::objectstore {

class ReferenceTable {
 public:
  struct Release {
    ObjectId id;
    uint32_t count;
    bool unread;  // it was not there yet, and nobody had looked or passed it on
  };

  // A grant has come. Whoever receives it makes a handle before the next Settle, or it is given
  // back.
  void Granted(ObjectId id) { ++records_.Insert(id).first->grants_; }
  // The record stays where it is as long as it counts a handle.
  ObjectRecord* AddHandle(ObjectId id) {
    ObjectRecord* record = records_.Insert(id).first;
    record->Add();
    return record;
  }
  // Both: an object that comes with a grant, and of which a handle is made.
  ObjectRecord* Take(ObjectId id) {
    ObjectRecord* record = records_.Insert(id).first;
    ++record->grants_;
    record->Add();
    return record;
  }
  // Of an object that has a handle.
  ObjectRecord* RecordOf(ObjectId id) {
    ObjectRecord* record = records_.Find(id);
    TROUPE_CHECK(record != nullptr && record->any(), "an object without a handle");
    return record;
  }
  // True where it was the last handle.
  bool DropHandle(ObjectId id) {
    ObjectRecord* record = records_.Find(id);
    TROUPE_CHECK(record != nullptr && record->any(), "a handle that is dropped twice");
    if (!record->Drop()) return false;
    GiveBack(*record);
    return true;
  }
  // Gives back the grants of an object that has no handle.
  void Settle(ObjectId id) {
    const ObjectRecord* record = records_.Find(id);
    if (record != nullptr && !record->any()) GiveBack(*record);
  }
  bool Holds(ObjectId id) const {
    const ObjectRecord* record = records_.Find(id);
    return record != nullptr && record->any();
  }

  bool has_releases() const { return !releases_.empty(); }
  size_t release_count() const { return releases_.size(); }
  std::vector<Release> TakeReleases() { return std::exchange(releases_, {}); }
  size_t size() const { return records_.size(); }

  // The errors whose last handle has gone, and at which nobody has looked.
  bool has_unread_errors() const { return !unread_errors_.empty(); }
  std::vector<std::shared_ptr<const ErrorInfo>> TakeUnreadErrors() {
    return std::exchange(unread_errors_, {});
  }

 private:
  friend class ObjectCache;

  void GiveBack(const ObjectRecord& record) {
    const ObjectId id = record.id;
    const auto* unknown = std::get_if<ObjectRecord::Unknown>(&record.known_);
    const bool unread = unknown != nullptr && !unknown->resolved && !unknown->looked_at;
    if (record.grants_ > 0) releases_.push_back({id, record.grants_, unread});
    const auto* error = record.ApartAs<std::shared_ptr<const ErrorInfo>>();
    if (error != nullptr && !record.apart()->looked_at) unread_errors_.push_back(*error);
    records_.Erase(id);
  }

  RecordTable<ObjectRecord> records_;
  std::vector<Release> releases_;
  std::vector<std::shared_ptr<const ErrorInfo>> unread_errors_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CLIENT_REFERENCE_TABLE_H_
