// ObjectCache is what a process knows of the objects that it has handles on: whether they have
// resolved, their bytes or where those lie, and who looks at them.
//
// Problem: the place of a stored object may be kept as long as nobody else needs the memory, and
// must not be forgotten while somebody looks at it. So each view is counted; when the node asks for
// a place back (unpin?), it is forgotten at once where there is no view, else when the last view
// goes. What was forgotten is fetched again by the next who looks.
//
// Pure. Not thread-safe: the session's lock guards it. Life of an object: unknown → resolved (place
// known ⇄ forgotten). It never becomes unresolved again.
// Invariants: a view exists only while the place is known; what is known of an object lies in the
// record that counts its handles (reference_table.h), and goes with the last one.
//
//   cache.Learn(id, location, refs);            // the node has told
//   const ObjectRecord* object = cache.Find(id);
//   cache.AddView(id);  ...  if (auto pin = cache.DropView(id)) Send(Unpinned{{*pin}, {}});
#ifndef TROUPE_OBJECTSTORE_CLIENT_OBJECT_CACHE_H_
#define TROUPE_OBJECTSTORE_CLIENT_OBJECT_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "core/base/small_bytes.h"
#include "objectstore/client/object_record.h"
#include "objectstore/client/reference_table.h"

namespace troupe::objectstore {

class ObjectCache {
 public:
  // Of the objects of this table, which must outlive it.
  explicit ObjectCache(ReferenceTable* references) : records_(references->records_) {}

  // What an object is told to be: nothing yet; inline bytes, which are copied; a place; an error.
  using Content = std::variant<std::monostate, std::span<const std::byte>, Location,
                               std::shared_ptr<const ErrorInfo>>;
  static Content Error(ErrorInfo error) {
    return std::make_shared<const ErrorInfo>(std::move(error));
  }

  // Null where nothing is known of it.
  const ObjectRecord* Find(ObjectId id) const { return records_.Find(id); }
  bool IsResolved(ObjectId id) const {
    const ObjectRecord* object = Find(id);
    return object != nullptr && object->resolved();
  }
  bool IsKnown(ObjectId id) const {
    const ObjectRecord* object = Find(id);
    return object != nullptr && object->known();
  }

  // Null where it is not known to be an error.
  const ErrorInfo* FindError(ObjectId id) const {
    const ObjectRecord* object = Find(id);
    return object == nullptr ? nullptr : object->error();
  }

  // All that follow REQUIRE a handle on the object, where they do not say otherwise.

  // An object that was made here.
  static void Made(ObjectRecord* object, Content content, std::vector<ObjectId> refs) {
    Set(*object, std::move(content), std::move(refs));
  }
  // The node will tell what it resolves to, without being asked.
  static void Expect(ObjectRecord* object) {
    if (auto* unknown = std::get_if<ObjectRecord::Unknown>(&object->known_))
      unknown->subscribed = true;
  }
  // True where the node must be asked to tell when it resolves.
  bool Subscribe(ObjectId id) {
    auto* unknown = std::get_if<ObjectRecord::Unknown>(&At(id).known_);
    return unknown != nullptr && !unknown->resolved && !std::exchange(unknown->subscribed, true);
  }
  // True where the node must be asked for its bytes.
  bool Fetch(ObjectId id) {
    auto* unknown = std::get_if<ObjectRecord::Unknown>(&At(id).known_);
    return unknown != nullptr && !std::exchange(unknown->fetching, true);
  }
  // Its bytes have been asked for, and have not come since. Needs no handle.
  bool IsBeingFetched(ObjectId id) const {
    const ObjectRecord* object = Find(id);
    if (object == nullptr) return false;
    const auto* unknown = std::get_if<ObjectRecord::Unknown>(&object->known_);
    return unknown != nullptr && unknown->fetching;
  }
  // The fetch was refused: the next who looks asks again. Needs no handle.
  void FetchRefused(ObjectId id) {
    ObjectRecord* object = records_.Find(id);
    if (object == nullptr) return;
    if (auto* unknown = std::get_if<ObjectRecord::Unknown>(&object->known_))
      unknown->fetching = false;
  }

  // The node has told; no content: it has resolved, and its bytes are away.
  void Learn(ObjectId id, Content content, std::vector<ObjectId> refs) {
    ObjectRecord& object = At(id);
    if (object.apart() != nullptr && object.apart()->views > 0)
      return;  // it lies where it lay: the node moves nothing under a view
    if (content.index() != 0) {
      Set(object, std::move(content), std::move(refs));
    } else if (auto* unknown = std::get_if<ObjectRecord::Unknown>(&object.known_)) {
      unknown->resolved = true;
      unknown->fetching = false;  // where its bytes are away again, whoever looks asks again
    }
  }

  // It is to be freed: what is known of it is `error` from now on, unless somebody looks at it.
  void Free(ObjectId id, std::shared_ptr<const ErrorInfo> error) {
    ObjectRecord& object = At(id);
    const ObjectRecord::Apart* apart = object.apart();
    const bool stays = apart != nullptr && (apart->views > 0 || object.error() != nullptr);
    if (object.known() && !stays) Set(object, std::move(error), {});
    LookAt(id);  // who gives it up hears no news of it
  }

  // Somebody reads its error, if it is or becomes one, or has passed it on. Needs no handle.
  void LookAt(ObjectId id) {
    ObjectRecord* object = records_.Find(id);
    if (object == nullptr) return;
    if (auto* unknown = std::get_if<ObjectRecord::Unknown>(&object->known_)) {
      unknown->looked_at = true;
    } else if (ObjectRecord::Apart* apart = object->apart()) {
      apart->looked_at = true;
    }
  }

  // REQUIRES: its place is known.
  void AddView(ObjectId id) {
    ObjectRecord& object = At(id);
    TROUPE_CHECK(object.location() != nullptr, "a view of what is not there");
    ++object.apart()->views;
  }
  // The serial of a question to be agreed to now.
  std::optional<uint32_t> DropView(ObjectId id) {
    ObjectRecord& object = At(id);
    ObjectRecord::Apart* apart = object.apart();
    TROUPE_CHECK(apart != nullptr && apart->views > 0, "a view that is dropped twice");
    if (--apart->views > 0 || apart->asked == 0) return std::nullopt;
    const uint32_t serial = apart->asked;
    Forget(object);
    return serial;
  }
  // The node asks. True where the place is forgotten. Needs no handle.
  bool Unpin(ObjectId id, uint32_t serial) {
    ObjectRecord* object = records_.Find(id);
    if (object == nullptr || object->location() == nullptr) return true;
    if (object->apart()->views > 0) {
      object->apart()->asked = serial;
      return false;
    }
    Forget(*object);
    return true;
  }

  void CheckInvariants() const {
    records_.ForEach([](const ObjectRecord& object) {
      const ObjectRecord::Apart* apart = object.apart();
      if (apart == nullptr) return;
      TROUPE_CHECK(apart->views == 0 || object.location() != nullptr,
                   "a view of what is not there");
      TROUPE_CHECK(apart->asked == 0 || apart->views > 0, "an agreement that was forgotten");
    });
  }

 private:
  // Its record, a new one where there is none.
  ObjectRecord& At(ObjectId id) { return *records_.Insert(id).first; }
  static void Forget(ObjectRecord& object) {
    object.known_ = ObjectRecord::Unknown{.resolved = true};
  }
  static void Set(ObjectRecord& object, Content content, std::vector<ObjectId> refs) {
    const auto* bytes = std::get_if<std::span<const std::byte>>(&content);
    if (bytes != nullptr && bytes->size() <= SmallBytes::kInPlace && refs.empty()) {
      object.known_ = SmallBytes(*bytes);
      return;
    }
    auto apart = std::make_unique<ObjectRecord::Apart>();
    if (bytes != nullptr) {
      apart->content = SharedBytes::Copy(*bytes);
    } else if (const auto* location = std::get_if<Location>(&content)) {
      apart->content = *location;
    } else {
      apart->content = std::get<std::shared_ptr<const ErrorInfo>>(std::move(content));
    }
    apart->refs = std::move(refs);
    const auto* unknown = std::get_if<ObjectRecord::Unknown>(&object.known_);
    apart->looked_at = unknown != nullptr && unknown->looked_at;
    object.known_ = std::move(apart);
  }

  RecordTable<ObjectRecord>& records_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CLIENT_OBJECT_CACHE_H_
