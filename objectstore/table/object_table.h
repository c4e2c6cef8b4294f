// ObjectTable knows every object of the node: what it resolved to, who holds it, who waits for it.
//
// Problem: references travel in messages that cross one another. So every reference that a process
// holds was *granted* to it by the node (or claimed from a container that it holds), and the table
// counts the open grants of each (object, client); a client gives back as many as it has received,
// so a grant under way is never lost to a release that crosses it.
//
// Pure: no I/O, no clock, no thread. Who calls is trusted; what comes from a client (ids, counts)
// is checked. Life of an entry: pending → sealed (stored ⇄ away) or failed → freed. It is freed
// when nobody has a grant and nothing holds it; its bytes then appear in TakeFreed(), and the ids
// inside it lose a hold each, to any depth, without recursion. One that is lost may be pending
// again (Reopen), and one that was freed, too (Revive). Invariants: (1) an entry without grants and
// holds does not exist; (2) each id inside a sealed value exists and has a hold for it; (3)
// bytes_inline, bytes_stored and bytes_away are the sums over the entries. Errors: InvalidArgument,
// PermissionDenied, AlreadyExists: the client broke the protocol; nothing was changed. Not
// thread-safe.   After Cap'n Proto RPC's reference counts and Ray's ownership table.
#ifndef TROUPE_OBJECTSTORE_TABLE_OBJECT_TABLE_H_
#define TROUPE_OBJECTSTORE_TABLE_OBJECT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "core/base/record_table.h"
#include "core/base/small_bytes.h"

namespace troupe::objectstore {

// The bytes are on disk.
struct Away {
  uint64_t size = 0;
};
// What an object resolved to: not yet, inline bytes, a place in the store, an error, bytes on disk.
using Content =
    std::variant<std::monostate, SmallBytes, Location, std::shared_ptr<const ErrorInfo>, Away>;

// Who is told that an object has resolved: mostly one, so that the list takes no memory of its own.
using Subscribers = absl::InlinedVector<ClientId, 4>;

class Entry {
 public:
  explicit Entry(ObjectId object) : id(object) {}

  const ObjectId id;
  bool pending() const { return content_.index() == 0; }
  bool failed() const { return content_.index() == 3; }
  bool away() const { return content_.index() == 4; }
  bool stored() const { return content_.index() == 2 || content_.index() == 4; }
  // Processes that have references, and reasons of the node's own to keep it.
  size_t holders() const { return grants_.size(); }
  uint32_t holds() const { return holds_; }
  const Content& content() const { return content_; }
  // Of its bytes, wherever they are; 0 where it has none.
  uint64_t size() const;
  // None where they are not inline.
  std::optional<std::span<const std::byte>> inline_bytes() const {
    const auto* bytes = std::get_if<SmallBytes>(&content_);
    return bytes == nullptr ? std::nullopt : std::optional(bytes->bytes());
  }
  // Null unless failed().
  std::shared_ptr<const ErrorInfo> error() const {
    const auto* error = std::get_if<std::shared_ptr<const ErrorInfo>>(&content_);
    return error == nullptr ? nullptr : *error;
  }
  std::span<const ObjectId> contained() const {
    return contained_ == nullptr ? std::span<const ObjectId>() : *contained_;
  }

 private:
  friend class ObjectTable;
  struct Grant {
    ClientId client;
    uint32_t count;
    bool subscribed = false;  // to be told when it resolves; of a pending object
  };
  // Who is told, now that it has resolved.
  Subscribers TakeSubscribers();

  Content content_;
  std::unique_ptr<const std::vector<ObjectId>> contained_;  // null: none
  absl::InlinedVector<Grant, 1> grants_;
  uint32_t holds_ = 0;
};
// There may be millions: at most 100 bytes of bookkeeping for each that is small, apart from its
// own.
static_assert(sizeof(Entry) <= 96);

class ObjectTable {
 public:
  // A new pending object; its maker gets one grant. Errors: AlreadyExists; PermissionDenied for an
  // id of another maker.
  absl::Status Create(ObjectId id, ClientId maker);
  // Gives it its value. `sealer` must have a grant on each of `contained`. Returns who waits for
  // it. Errors: AlreadyExists where it has one; PermissionDenied for an id inside that the sealer
  // does not hold.
  absl::StatusOr<Subscribers> Seal(ClientId sealer, ObjectId id, Content content,
                                   std::vector<ObjectId> contained);
  // A stored object leaves memory, or comes back. REQUIRES: it is stored.
  void MoveOut(ObjectId id);
  void MoveIn(ObjectId id, const Location& location);
  // A value is lost. REQUIRES: it has one.
  void Lose(ObjectId id, std::shared_ptr<const ErrorInfo> error);

  // What is lost is to be made again: a stored object is pending from now on, and the ids inside it
  // lose their holds. `waiting`, who have grants, are told when it has resolved.
  void Reopen(ObjectId id, const std::vector<ClientId>& waiting);
  // The same of an object that was freed; it has one hold. REQUIRES: there is none of that id.
  void Revive(ObjectId id);

  // Makes it an error instead. REQUIRES: it is pending. Returns who waits for it.
  Subscribers Fail(ObjectId id, std::shared_ptr<const ErrorInfo> error);

  // REQUIRES: the object exists.
  void Grant(ObjectId id, ClientId client, uint32_t count);
  // Errors: PermissionDenied where the client has fewer.
  absl::Status Release(ClientId client, ObjectId id, uint32_t count);
  // Opens a grant on each of the `count` ids from number `first` inside the container.
  // Errors: PermissionDenied where the client does not hold the container; InvalidArgument where it
  // has fewer ids.
  absl::Status Claim(ClientId client, ObjectId container, uint32_t first, uint32_t count);
  bool HasGrant(ObjectId id, ClientId client) const;

  // A reason of the node's own to keep it: a task that takes it, a container that is sealed.
  // REQUIRES: it exists.
  void Hold(ObjectId id);
  void Unhold(ObjectId id);

  // True where the object is there already; else the client is told when it is. Errors:
  // PermissionDenied without a grant.
  absl::StatusOr<bool> Subscribe(ObjectId id, ClientId client);
  // Which objects the client has grants on is known from now on until it is dropped, which then
  // takes time in proportion to those alone. For clients that come and go among many objects; it
  // costs each new grant and the end of it a look-up. REQUIRES: it has none yet.
  void Follow(ClientId client);
  // Takes back all its grants and subscriptions. Takes time in proportion to the whole table,
  // unless the client is followed.
  void DropClient(ClientId client);

  // Null where there is none. Valid until the table changes.
  const Entry* Find(ObjectId id) const { return entries_.Find(id); }

  struct Freed {
    ObjectId id;
    Content content;
    size_t contained = 0;  // ids that were inside
  };
  // What was freed since the last call.
  std::vector<Freed> TakeFreed() { return std::exchange(freed_, {}); }
  // The same, into a list whose memory is used again.
  void TakeFreed(std::vector<Freed>* freed) {
    freed->clear();
    freed->swap(freed_);
  }
  // Whether TakeFreed or TakeUngranted has anything.
  bool anything_to_take() const { return !freed_.empty() || !ungranted_.empty(); }
  // Stored objects to which a client has lost its last grant since the last call, with the client.
  std::vector<std::pair<ObjectId, ClientId>> TakeUngranted() {
    return std::exchange(ungranted_, {});
  }

  // The `limit` largest ones, largest first. Takes time in proportion to the whole table, but
  // little: 10 ms for a million.
  std::vector<const Entry*> Largest(size_t limit) const;

  size_t count() const { return entries_.size(); }
  uint64_t bytes_inline() const { return bytes_inline_; }
  uint64_t bytes_stored() const { return bytes_stored_; }
  uint64_t bytes_away() const { return bytes_away_; }
  template <typename F>
  void ForEach(F f) const {
    entries_.ForEach(f);
  }

  // Recomputes bytes and the holds of containers from first principles; a violation stops the
  // process.
  void CheckInvariants() const;

 private:
  Entry* FindMutable(ObjectId id) { return entries_.Find(id); }
  using Followed = absl::flat_hash_set<ObjectId>;
  // Null where it is not followed. Most grants are of the one that was asked for last, a driver.
  Followed* FindFollowed(ClientId client) {
    return client == unfollowed_ ? nullptr : LookUpFollowed(client);
  }
  Followed* LookUpFollowed(ClientId client);
  void Count(const Content& content, int sign);
  void Replace(ObjectId id, Content content);
  void FreeIfUnneeded(ObjectId id, Entry* entry);
  // Iterative: what is not needed any more, and what only that held.
  using Unneeded = absl::InlinedVector<ObjectId, 4>;
  void FreeUnneeded(Unneeded unneeded);

  RecordTable<Entry> entries_;
  absl::flat_hash_map<ClientId, Followed> followed_;
  ClientId unfollowed_ = ClientId::kNone;  // one that is not
  std::vector<Freed> freed_;
  std::vector<std::pair<ObjectId, ClientId>> ungranted_;
  uint64_t bytes_inline_ = 0;
  uint64_t bytes_stored_ = 0;
  uint64_t bytes_away_ = 0;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_TABLE_OBJECT_TABLE_H_
