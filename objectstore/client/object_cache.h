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
// Invariants: a view exists only while the place is known; an entry exists only while its process
// has a handle.
//
//   cache.Learn(id, location, refs);            // the node has told
//   const ObjectCache::Object* object = cache.Find(id);
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
#include "core/base/set_by_id.h"

namespace troupe::objectstore {

class ObjectCache {
 public:
  struct Inline {
    std::shared_ptr<const std::vector<uint64_t>> words;
    size_t size = 0;

    static Inline Copy(std::span<const std::byte> bytes);
    std::span<const std::byte> bytes() const {
      return std::as_bytes(std::span(*words)).first(size);
    }
  };
  // An error lies apart: it is large and rare.
  using Content = std::variant<std::monostate, Inline, Location, std::shared_ptr<const ErrorInfo>>;
  static Content Error(ErrorInfo error) {
    return std::make_shared<const ErrorInfo>(std::move(error));
  }

  struct Object {
    explicit Object(ObjectId object) : id(object) {}

    const ObjectId id;
    Content content;  // monostate: to be waited for, or, where it has resolved, to be fetched
    std::vector<ObjectId> refs;
    bool resolved = false;
    bool subscribed = false;
    bool fetching = false;
    uint32_t views = 0;
    uint32_t asked = 0;  // the serial of a question that was refused; 0: none

    bool known() const { return content.index() != 0; }
    // Null where it is not known to be one.
    const ErrorInfo* error() const {
      const auto* error = std::get_if<std::shared_ptr<const ErrorInfo>>(&content);
      return error == nullptr ? nullptr : error->get();
    }
  };

  // Null where nothing is known of it.
  const Object* Find(ObjectId id) const {
    const auto it = objects_.find(id);
    return it == objects_.end() ? nullptr : it->get();
  }
  bool IsResolved(ObjectId id) const {
    const Object* object = Find(id);
    return object != nullptr && object->resolved;
  }
  bool IsKnown(ObjectId id) const {
    const Object* object = Find(id);
    return object != nullptr && object->known();
  }

  // Null where it is not known to be an error.
  const ErrorInfo* FindError(ObjectId id) const {
    const Object* object = Find(id);
    return object == nullptr ? nullptr : object->error();
  }

  // An object that was made here.
  void Made(ObjectId id, Content content, std::vector<ObjectId> refs) {
    Object& object = At(id);
    object.content = std::move(content);
    object.refs = std::move(refs);
    object.resolved = true;
  }
  // The node will tell what it resolves to, without being asked.
  void Expect(ObjectId id) { At(id).subscribed = true; }
  // True where the node must be asked to tell when it resolves.
  bool Subscribe(ObjectId id) {
    Object& object = At(id);
    return !object.resolved && !std::exchange(object.subscribed, true);
  }
  // True where the node must be asked for its bytes.
  bool Fetch(ObjectId id) {
    Object& object = At(id);
    return !object.known() && !std::exchange(object.fetching, true);
  }
  // Its bytes have been asked for, and have not come since.
  bool IsBeingFetched(ObjectId id) const {
    const Object* object = Find(id);
    return object != nullptr && object->fetching;
  }
  // The fetch was refused: the next who looks asks again.
  void FetchRefused(ObjectId id) {
    if (const auto it = objects_.find(id); it != objects_.end()) (*it)->fetching = false;
  }

  // The node has told; no content: it has resolved, and its bytes are away.
  void Learn(ObjectId id, Content content, std::vector<ObjectId> refs) {
    Object& object = At(id);
    object.resolved = true;
    if (object.views > 0) return;  // it lies where it lay: the node moves nothing under a view
    object.fetching = false;       // where its bytes are away again, whoever looks asks again
    if (content.index() == 0) return;
    object.content = std::move(content);
    object.refs = std::move(refs);
  }

  // REQUIRES: its content is a Location.
  void AddView(ObjectId id) {
    Object& object = At(id);
    TROUPE_CHECK(std::holds_alternative<Location>(object.content), "a view of what is not there");
    ++object.views;
  }
  // The serial of a question to be agreed to now.
  std::optional<uint32_t> DropView(ObjectId id) {
    Object& object = At(id);
    TROUPE_CHECK(object.views > 0, "a view that is dropped twice");
    if (--object.views > 0 || object.asked == 0) return std::nullopt;
    object.content = std::monostate();
    return std::exchange(object.asked, 0);
  }
  // The node asks. True where the place is forgotten.
  bool Unpin(ObjectId id, uint32_t serial) {
    const auto it = objects_.find(id);
    if (it == objects_.end()) return true;
    Object& object = **it;
    if (object.views > 0) {
      object.asked = serial;
      return false;
    }
    if (std::holds_alternative<Location>(object.content)) object.content = std::monostate();
    return true;
  }
  // The last handle has gone.
  void Forget(ObjectId id) { objects_.erase(id); }

  size_t size() const { return objects_.size(); }
  void CheckInvariants() const {
    for (const auto& object : objects_) {
      TROUPE_CHECK(object->views == 0 || std::holds_alternative<Location>(object->content),
                   "a view of what is not there");
      TROUPE_CHECK(object->asked == 0 || object->views > 0, "an agreement that was forgotten");
      TROUPE_CHECK(!object->known() || object->resolved, "bytes of what has not resolved");
    }
  }

 private:
  // Its record, a new one where there is none.
  Object& At(ObjectId id) {
    return **objects_.lazy_emplace(
        id, [&](const auto& insert) { insert(std::make_unique<Object>(id)); });
  }

  SetById<Object> objects_;
};

inline ObjectCache::Inline ObjectCache::Inline::Copy(std::span<const std::byte> bytes) {
  auto words = std::make_shared<std::vector<uint64_t>>((bytes.size() + 7) / 8);
  std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(*words)).begin());
  return {std::move(words), bytes.size()};
}

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CLIENT_OBJECT_CACHE_H_
