// ObjectRecord is all that a process has of one object: its handles, its grants, and what is known
// of it.
//
// There may be millions: one record for both, of which a small value is a part, takes at most 64
// bytes beside the value's own. What is large or rare lies apart.
// Used by ReferenceTable, whose counts decide how long it lives, and ObjectCache, which learns.
#ifndef TROUPE_OBJECTSTORE_CLIENT_OBJECT_RECORD_H_
#define TROUPE_OBJECTSTORE_CLIENT_OBJECT_RECORD_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "core/base/small_bytes.h"
#include "objectstore/client/handle_count.h"

namespace troupe::objectstore {

// Bytes with their owner, who may be shared.
struct SharedBytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;

  // Aligned to words.
  static SharedBytes Copy(std::span<const std::byte> from);
};

// To be waited for, or, where it has resolved, to be fetched.
struct UnknownObject {
  bool resolved = false;
  bool subscribed = false;
  bool fetching = false;
  bool looked_at = false;  // or passed on: its error, if it becomes one, is somebody's business
};

// What is large or rare, and what only such objects have.
struct ObjectApart {
  std::variant<SharedBytes, Location, std::shared_ptr<const ErrorInfo>> content;
  std::vector<ObjectId> refs;
  uint32_t views = 0;
  uint32_t asked = 0;  // the serial of a question that was refused; 0: none
  bool looked_at = false;
};

class ObjectRecord : public HandleCount {
 public:
  using HandleCount::HandleCount;

  bool known() const { return known_.index() != 0; }
  bool resolved() const {
    const auto* unknown = std::get_if<Unknown>(&known_);
    return unknown == nullptr || unknown->resolved;
  }
  std::span<const ObjectId> refs() const {
    const Apart* apart = this->apart();
    return apart == nullptr ? std::span<const ObjectId>() : apart->refs;
  }
  // Null where it is not known to be one.
  const ErrorInfo* error() const {
    const auto* error = ApartAs<std::shared_ptr<const ErrorInfo>>();
    return error == nullptr ? nullptr : error->get();
  }
  // Null where it is not known to lie in the store.
  const Location* location() const { return ApartAs<Location>(); }
  // REQUIRES: its bytes are known, and are inline. They stay as long as their owner; those of a
  // small value have none, and lie in this record.
  std::span<const std::byte> bytes() const {
    const auto* small = std::get_if<SmallBytes>(&known_);
    return small != nullptr ? small->bytes() : std::get<SharedBytes>(apart()->content).bytes;
  }
  std::shared_ptr<const void> bytes_owner() const {
    const auto* shared = ApartAs<SharedBytes>();
    return shared == nullptr ? nullptr : shared->owner;
  }

 private:
  friend class ReferenceTable;
  friend class ObjectCache;

  using Unknown = UnknownObject;
  using Apart = ObjectApart;

  const Apart* apart() const {
    const auto* apart = std::get_if<std::unique_ptr<Apart>>(&known_);
    return apart == nullptr ? nullptr : apart->get();
  }
  Apart* apart() { return const_cast<Apart*>(std::as_const(*this).apart()); }
  template <typename T>
  const T* ApartAs() const {
    const Apart* apart = this->apart();
    return apart == nullptr ? nullptr : std::get_if<T>(&apart->content);
  }

  uint32_t grants_ = 0;
  std::variant<Unknown, SmallBytes, std::unique_ptr<Apart>> known_;
};
static_assert(sizeof(ObjectRecord) <= 64);

inline SharedBytes SharedBytes::Copy(std::span<const std::byte> from) {
  const std::shared_ptr<uint64_t[]> words = std::make_shared<uint64_t[]>((from.size() + 7) / 8);
  const std::span<std::byte> bytes(reinterpret_cast<std::byte*>(words.get()), from.size());
  std::copy(from.begin(), from.end(), bytes.begin());
  return {words, bytes};
}

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CLIENT_OBJECT_RECORD_H_
