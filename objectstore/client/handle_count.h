// HandleCount counts the handles that a process has on one object.
//
// Problem: a reference is copied and dropped far more often than it is made, by any thread. While
// another handle is there, neither can be the last one: they need no lock and no look-up. The last
// one ends the object's record, which is the business of the session, under its lock.
//
// Lives in its object's record (object_record.h), at one place, as long as a handle does.
// Thread-safety: Add and DropUnlessLast may be called by whoever has a handle, at any time; the
// rest is private to ReferenceTable, whose lock guards the first handle and the last.
//
//   HandleCount* count = session->AddHandle(id);
//   count->Add();                                            // a copy
//   if (!count->DropUnlessLast()) session->DropHandle(count->id);
#ifndef TROUPE_OBJECTSTORE_CLIENT_HANDLE_COUNT_H_
#define TROUPE_OBJECTSTORE_CLIENT_HANDLE_COUNT_H_

#include <atomic>
#include <cstdint>

#include "core/base/ids.h"

namespace troupe::objectstore {

class HandleCount {
 public:
  explicit HandleCount(ObjectId object) : id(object) {}
  HandleCount(const HandleCount&) = delete;
  HandleCount& operator=(const HandleCount&) = delete;

  const ObjectId id;

  // REQUIRES: the caller has a handle.
  void Add() { handles_.fetch_add(1, std::memory_order_relaxed); }
  // False, and nothing has changed, where it is the last. REQUIRES: the caller has a handle.
  bool DropUnlessLast() {
    uint32_t handles = handles_.load(std::memory_order_relaxed);
    while (handles > 1) {
      if (handles_.compare_exchange_weak(handles, handles - 1, std::memory_order_release,
                                         std::memory_order_relaxed))
        return true;
    }
    return false;
  }

 protected:
  ~HandleCount() = default;

 private:
  friend class ReferenceTable;

  bool any() const { return handles_.load(std::memory_order_relaxed) > 0; }
  // True where it was the last.
  bool Drop() { return handles_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

  std::atomic<uint32_t> handles_{0};
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CLIENT_HANDLE_COUNT_H_
