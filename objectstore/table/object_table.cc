#include "objectstore/table/object_table.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"

namespace troupe::objectstore {

uint64_t Entry::size() const {
  if (const auto* bytes = std::get_if<SmallBytes>(&content_)) return bytes->size();
  if (const auto* location = std::get_if<Location>(&content_)) return location->size;
  if (const auto* away = std::get_if<Away>(&content_)) return away->size;
  return 0;
}

Subscribers Entry::TakeSubscribers() {
  Subscribers subscribers;
  for (Grant& grant : grants_) {
    if (std::exchange(grant.subscribed, false)) subscribers.push_back(grant.client);
  }
  return subscribers;
}

absl::Status ObjectTable::Create(ObjectId id, ClientId maker) {
  if (id.is_null() || id.client() != maker) {
    return absl::PermissionDeniedError(
        absl::StrCat(ToString(maker), " makes ", id.ToString(), ", an id of another one"));
  }
  const auto [entry, is_new] = entries_.Insert(id);
  if (!is_new) {
    return absl::AlreadyExistsError(
        absl::StrCat(ToString(maker), " makes ", id.ToString(), " twice"));
  }
  entry->grants_.push_back({maker, 1});
  if (Followed* followed = FindFollowed(maker)) followed->insert(id);
  return absl::OkStatus();
}

absl::StatusOr<Subscribers> ObjectTable::Seal(ClientId sealer, ObjectId id, Content content,
                                              std::vector<ObjectId> contained) {
  Entry* entry = FindMutable(id);
  if (entry == nullptr || !entry->pending()) {
    return absl::AlreadyExistsError(
        absl::StrCat(ToString(sealer), " seals ", id.ToString(), ", which is not pending"));
  }
  for (const ObjectId inner : contained) {
    if (inner == id || !HasGrant(inner, sealer)) {
      return absl::PermissionDeniedError(absl::StrCat(ToString(sealer), " seals ", inner.ToString(),
                                                      " into ", id.ToString(),
                                                      " and was never granted it"));
    }
  }
  for (const ObjectId inner : contained) Hold(inner);
  Count(content, +1);
  entry->content_ = std::move(content);
  if (!contained.empty())
    entry->contained_ = std::make_unique<const std::vector<ObjectId>>(std::move(contained));
  return entry->TakeSubscribers();
}

Subscribers ObjectTable::Fail(ObjectId id, std::shared_ptr<const ErrorInfo> error) {
  Entry* entry = FindMutable(id);
  TROUPE_CHECK(entry != nullptr && entry->pending(), "an object that fails and is not pending");
  entry->content_ = std::move(error);
  return entry->TakeSubscribers();
}

void ObjectTable::Replace(ObjectId id, Content content) {
  Entry* entry = FindMutable(id);
  TROUPE_CHECK(entry != nullptr && !entry->pending() && !entry->failed(),
               "an object changes that has no value");
  Count(entry->content_, -1);
  entry->content_ = std::move(content);
  Count(entry->content_, +1);
}

void ObjectTable::MoveOut(ObjectId id) {
  const Entry* entry = Find(id);
  TROUPE_CHECK(entry != nullptr && entry->content_.index() == 2, "an object leaves that is away");
  Replace(id, Away{std::get<Location>(entry->content_).size});
}

void ObjectTable::MoveIn(ObjectId id, const Location& location) { Replace(id, location); }

void ObjectTable::Lose(ObjectId id, std::shared_ptr<const ErrorInfo> error) {
  Replace(id, std::move(error));
}

void ObjectTable::Reopen(ObjectId id, const std::vector<ClientId>& waiting) {
  Replace(id, std::monostate());
  Entry* entry = FindMutable(id);
  for (Entry::Grant& grant : entry->grants_) {
    grant.subscribed = std::find(waiting.begin(), waiting.end(), grant.client) != waiting.end();
  }
  const auto contained = std::exchange(entry->contained_, nullptr);
  if (contained == nullptr) return;
  Unneeded unneeded;
  for (const ObjectId inner : *contained) {
    Entry* held = FindMutable(inner);
    if (--held->holds_ == 0 && held->grants_.empty()) unneeded.push_back(inner);
  }
  FreeUnneeded(std::move(unneeded));
}

void ObjectTable::Revive(ObjectId id) {
  const auto [entry, is_new] = entries_.Insert(id);
  TROUPE_CHECK(is_new, "an object is made again that is there");
  entry->holds_ = 1;
}

void ObjectTable::Grant(ObjectId id, ClientId client, uint32_t count) {
  Entry* entry = FindMutable(id);
  TROUPE_CHECK(entry != nullptr, "a grant on an object that does not exist");
  for (Entry::Grant& grant : entry->grants_) {
    if (grant.client == client) {
      grant.count += count;
      return;
    }
  }
  entry->grants_.push_back({client, count});
  if (Followed* followed = FindFollowed(client)) followed->insert(id);
}

absl::Status ObjectTable::Release(ClientId client, ObjectId id, uint32_t count) {
  Entry* entry = FindMutable(id);
  if (entry != nullptr) {
    for (auto it = entry->grants_.begin(); it != entry->grants_.end(); ++it) {
      if (it->client != client || it->count < count) continue;
      it->count -= count;
      if (it->count > 0) return absl::OkStatus();
      entry->grants_.erase(it);
      if (Followed* followed = FindFollowed(client)) followed->erase(id);
      if (entry->stored()) ungranted_.emplace_back(id, client);
      FreeIfUnneeded(id, entry);
      return absl::OkStatus();
    }
  }
  return absl::PermissionDeniedError(absl::StrCat(ToString(client), " releases ", count,
                                                  " grants on ", id.ToString(),
                                                  " that it does not have"));
}

absl::Status ObjectTable::Claim(ClientId client, ObjectId container, uint32_t first,
                                uint32_t count) {
  if (!HasGrant(container, client)) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " claims from ", container.ToString(), ", which it does not hold"));
  }
  const std::span<const ObjectId> contained = Find(container)->contained();
  if (first > contained.size() || count > contained.size() - first) {
    return absl::InvalidArgumentError(absl::StrCat(ToString(client), " claims ids ", first, " to ",
                                                   uint64_t{first} + count, " of the ",
                                                   contained.size(), " in ", container.ToString()));
  }
  for (uint32_t i = first; i < first + count; ++i) Grant(contained[i], client, 1);
  return absl::OkStatus();
}

bool ObjectTable::HasGrant(ObjectId id, ClientId client) const {
  const Entry* entry = Find(id);
  return entry != nullptr &&
         std::any_of(entry->grants_.begin(), entry->grants_.end(),
                     [&](const Entry::Grant& grant) { return grant.client == client; });
}

void ObjectTable::Hold(ObjectId id) {
  Entry* entry = FindMutable(id);
  TROUPE_CHECK(entry != nullptr, "a hold on an object that does not exist");
  ++entry->holds_;
}

void ObjectTable::Unhold(ObjectId id) {
  Entry* entry = FindMutable(id);
  TROUPE_CHECK(entry != nullptr && entry->holds_ > 0, "a hold that is given back twice");
  --entry->holds_;
  FreeIfUnneeded(id, entry);
}

absl::StatusOr<bool> ObjectTable::Subscribe(ObjectId id, ClientId client) {
  if (Entry* entry = FindMutable(id)) {
    for (Entry::Grant& grant : entry->grants_) {
      if (grant.client != client) continue;
      grant.subscribed = entry->pending();
      return !entry->pending();
    }
  }
  return absl::PermissionDeniedError(
      absl::StrCat(ToString(client), " asks for ", id.ToString(), " and was never granted it"));
}

void ObjectTable::Follow(ClientId client) {
  followed_.try_emplace(client);
  unfollowed_ = ClientId::kNone;
}

ObjectTable::Followed* ObjectTable::LookUpFollowed(ClientId client) {
  const auto it = followed_.find(client);
  if (it != followed_.end()) return &it->second;
  unfollowed_ = client;
  return nullptr;
}

void ObjectTable::DropClient(ClientId client) {
  std::vector<std::pair<ObjectId, uint32_t>> granted;
  const auto add = [&](const Entry& entry) {
    for (const Entry::Grant& grant : entry.grants_) {
      if (grant.client == client) granted.emplace_back(entry.id, grant.count);
    }
  };
  if (const auto followed = followed_.find(client); followed != followed_.end()) {
    for (const ObjectId id : followed->second) add(*Find(id));
    followed_.erase(followed);
  } else {
    entries_.ForEach(add);
  }
  std::sort(granted.begin(), granted.end());  // whatever order they lie in
  for (const auto& [id, count] : granted) {
    const absl::Status released = Release(client, id, count);
    TROUPE_CHECK(released.ok(), "a grant that went while its client was dropped");
  }
}

std::vector<const Entry*> ObjectTable::Largest(size_t limit) const {
  struct Sized {
    uint64_t size;
    const Entry* entry;
    bool operator<(const Sized& other) const {  // the larger one comes first, then the older one
      return std::pair(other.size, entry->id) < std::pair(size, other.entry->id);
    }
  };
  std::vector<Sized> heap;  // the largest so far; at the front the smallest of them
  entries_.ForEach([&](const Entry& entry) {
    const Sized sized{entry.size(), &entry};
    if (heap.size() == limit) {
      if (limit == 0 || !(sized < heap.front())) return;
      std::pop_heap(heap.begin(), heap.end());
      heap.back() = sized;
    } else {
      heap.push_back(sized);
    }
    std::push_heap(heap.begin(), heap.end());
  });
  std::sort_heap(heap.begin(), heap.end());
  std::vector<const Entry*> largest;
  for (const Sized& sized : heap) largest.push_back(sized.entry);
  return largest;
}

void ObjectTable::Count(const Content& content, int sign) {
  if (const auto* bytes = std::get_if<SmallBytes>(&content))
    bytes_inline_ += static_cast<uint64_t>(sign) * bytes->size();
  if (const auto* stored = std::get_if<Location>(&content))
    bytes_stored_ += static_cast<uint64_t>(sign) * stored->size;
  if (const auto* away = std::get_if<Away>(&content))
    bytes_away_ += static_cast<uint64_t>(sign) * away->size;
}

void ObjectTable::FreeIfUnneeded(ObjectId id, Entry* entry) {
  if (entry->grants_.empty() && entry->holds_ == 0) FreeUnneeded({id});
}

// Frees the objects, and what only they held, and so on: a chain of a million containers needs no
// stack.
void ObjectTable::FreeUnneeded(Unneeded unneeded) {
  while (!unneeded.empty()) {
    const ObjectId next = unneeded.back();
    unneeded.pop_back();
    Entry* freed = FindMutable(next);
    Count(freed->content_, -1);
    for (const ObjectId inner : freed->contained()) {
      Entry* held = FindMutable(inner);
      if (--held->holds_ == 0 && held->grants_.empty()) unneeded.push_back(inner);
    }
    freed_.push_back({next, std::move(freed->content_), freed->contained().size()});
    entries_.Erase(next);
  }
}

void ObjectTable::CheckInvariants() const {
  uint64_t inlined = 0;
  uint64_t stored = 0;
  uint64_t away = 0;
  absl::flat_hash_map<ObjectId, uint32_t> contained;
  absl::flat_hash_map<ClientId, size_t> granted;
  entries_.ForEach([&](const Entry& entry) {
    TROUPE_CHECK(!entry.grants_.empty() || entry.holds_ > 0,
                 "an object that nobody needs was not freed");
    for (const Entry::Grant& grant : entry.grants_) {
      TROUPE_CHECK(grant.count > 0, "a grant of nothing");
      TROUPE_CHECK(entry.pending() || !grant.subscribed, "somebody waits for what is there");
      ++granted[grant.client];
      const auto followed = followed_.find(grant.client);
      TROUPE_CHECK(followed == followed_.end() || followed->second.contains(entry.id),
                   "a grant of a client that is followed, and was not seen");
    }
    if (const auto* bytes = std::get_if<SmallBytes>(&entry.content_)) inlined += bytes->size();
    if (const auto* location = std::get_if<Location>(&entry.content_)) stored += location->size;
    if (const auto* out = std::get_if<Away>(&entry.content_)) away += out->size;
    for (const ObjectId inner : entry.contained()) ++contained[inner];
  });
  TROUPE_CHECK(inlined == bytes_inline_ && stored == bytes_stored_ && away == bytes_away_,
               "bytes that do not add up");
  for (const auto& [client, ids] : followed_)
    TROUPE_CHECK(ids.size() == granted[client], "grants of a followed client that do not add up");
  for (const auto& [id, count] : contained) {
    const Entry* entry = Find(id);
    TROUPE_CHECK(entry != nullptr && entry->holds_ >= count,
                 "an id inside a sealed value that is not held");
  }
}

}  // namespace troupe::objectstore
