// Random events for the object table and for the store's space, beside the simplest account of what
// they must come to.
//
// Input: FuzzEvents, of which table_events.h says what they mean. What a client may send wrongly
// (ids, counts, places) is sent wrongly; what the node itself guarantees (REQUIRES) is kept. After
// each event the invariants hold, exactly the clients that the account names have grants, and a
// request was refused exactly where the account says so. At the end everybody lets go, and nothing
// is left.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/fuzz_events.h"
#include "core/base/ids.h"
#include "core/base/limits.h"
#include "core/base/location.h"
#include "core/base/small_bytes.h"
#include "objectstore/table/chunk_space.h"
#include "objectstore/table/object_table.h"
#include "objectstore/table/table_events.h"

namespace {

using troupe::ChunkId;
using troupe::ClientId;
using troupe::FuzzEvent;
using troupe::Location;
using troupe::ObjectId;
using troupe::objectstore::ChunkSpace;
using troupe::objectstore::Entry;
using troupe::objectstore::kTableClients;
using troupe::objectstore::kTableEvents;
using troupe::objectstore::ObjectTable;
using troupe::objectstore::Subscribers;
using troupe::objectstore::TableEvent;

constexpr uint64_t kUnit = troupe::Limits::kObjectAlignmentBytes;

ClientId ClientOf(uint8_t byte) { return ClientId(1 + byte % kTableClients); }
// Three of each client, and two results of each.
ObjectId ObjectOf(uint8_t byte) {
  return ObjectId::Make(ClientOf(byte), 1 + byte / kTableClients % 3, byte / 12 % 2);
}

class Objects {
 public:
  void Perform(TableEvent what, const FuzzEvent& event) {
    const ClientId who = ClientOf(event.who);
    const ObjectId id = ObjectOf(event.which);
    const Entry* entry = table_.Find(id);
    switch (what) {
      case TableEvent::kCreate: {
        const bool allowed = entry == nullptr && id.client() == who;
        Expect(table_.Create(id, who), allowed);
        if (allowed) grants_[{id, who}] = 1;
        break;
      }
      case TableEvent::kSealInline:
        Seal(who, id, troupe::SmallBytes(std::string(event.much, 'x')), Inside(event));
        break;
      case TableEvent::kSealStored:
        Seal(who, id, Location{ChunkId(1), 0, kUnit * event.much}, Inside(event));
        break;
      case TableEvent::kFail:
        if (entry != nullptr && entry->pending()) ExpectTold(id, table_.Fail(id, Error()));
        break;
      case TableEvent::kGrant:
        if (entry == nullptr) break;
        table_.Grant(id, who, 1 + event.much);
        grants_[{id, who}] += 1 + event.much;
        break;
      case TableEvent::kRelease: {
        const auto grant = grants_.find({id, who});
        const bool allowed = grant != grants_.end() && grant->second >= event.much;
        Expect(table_.Release(who, id, event.much), allowed);
        if (allowed && (grant->second -= event.much) == 0) Forget(grant);
        break;
      }
      case TableEvent::kClaim: {
        std::vector<ObjectId> inside;
        if (entry != nullptr) inside.assign(entry->contained().begin(), entry->contained().end());
        const bool allowed = grants_.contains({id, who}) && event.how + event.much <= inside.size();
        Expect(table_.Claim(who, id, event.how, event.much), allowed);
        for (size_t i = 0; allowed && i < event.much; ++i) ++grants_[{inside[event.how + i], who}];
        break;
      }
      case TableEvent::kHold:
        if (entry == nullptr) break;
        table_.Hold(id);
        ++holds_[id];
        break;
      case TableEvent::kUnhold:
        if (holds_.contains(id)) Unhold(id);
        break;
      case TableEvent::kSubscribe: {
        const bool pending = entry != nullptr && entry->pending();
        const absl::StatusOr<bool> there = table_.Subscribe(id, who);
        Expect(there.status(), grants_.contains({id, who}));
        if (!there.ok()) break;
        TROUPE_CHECK(*there != pending, "what is pending is there, or what is there is not");
        if (pending) subscribers_[id].insert(who);
        break;
      }
      case TableEvent::kMoveOut:
        if (entry != nullptr && entry->stored() && !entry->away()) table_.MoveOut(id);
        break;
      case TableEvent::kMoveIn:
        if (entry != nullptr && entry->away())
          table_.MoveIn(id, Location{ChunkId(2), 0, kUnit * event.much});
        break;
      case TableEvent::kLose:
        if (entry != nullptr && entry->stored()) table_.Lose(id, Error());
        break;
      case TableEvent::kDropClient:
        Drop(who);
        break;
      case TableEvent::kFollow: {
        if (std::none_of(grants_.begin(), grants_.end(),
                         [&](const auto& grant) { return grant.first.second == who; })) {
          table_.Follow(who);
        }
        break;
      }
      default:
        TROUPE_CHECK(false, "an event that is none of the table's");
    }
    Check();
  }

  void End() {
    for (uint8_t i = 0; i < kTableClients; ++i) Drop(ClientOf(i));
    while (!holds_.empty()) Unhold(holds_.begin()->first);
    Check();
    TROUPE_CHECK(table_.count() == 0, "nobody has anything, and an object is left");
    TROUPE_CHECK(table_.bytes_inline() + table_.bytes_stored() + table_.bytes_away() == 0,
                 "no object is left, and bytes are");
  }

 private:
  using Grants = std::map<std::pair<ObjectId, ClientId>, uint64_t>;

  static std::shared_ptr<const troupe::ErrorInfo> Error() {
    return std::make_shared<const troupe::ErrorInfo>();
  }
  static void Expect(const absl::Status& status, bool allowed) {
    TROUPE_CHECK(status.ok() == allowed, "what is allowed was refused, or the other way round");
  }

  // A circle of containers would keep itself for ever, as any counted references do: none is made.
  std::vector<ObjectId> Inside(const FuzzEvent& event) const {
    const ObjectId id = ObjectOf(event.which);
    std::vector<ObjectId> inside;
    for (uint8_t i = 0; i < event.how % 3; ++i) {
      const ObjectId inner = ObjectOf(static_cast<uint8_t>(event.other + i * kTableClients));
      if (inner == id || !Reaches(inner, id)) inside.push_back(inner);
    }
    return inside;
  }
  bool Reaches(ObjectId from, ObjectId target) const {
    if (from == target) return true;
    const Entry* entry = table_.Find(from);
    return entry != nullptr && std::any_of(entry->contained().begin(), entry->contained().end(),
                                           [&](ObjectId inner) { return Reaches(inner, target); });
  }

  void Seal(ClientId who, ObjectId id, troupe::objectstore::Content content,
            const std::vector<ObjectId>& inside) {
    const Entry* entry = table_.Find(id);
    const bool allowed = entry != nullptr && entry->pending() &&
                         std::all_of(inside.begin(), inside.end(), [&](ObjectId inner) {
                           return inner != id && grants_.contains({inner, who});
                         });
    const auto told = table_.Seal(who, id, std::move(content), inside);
    Expect(told.status(), allowed);
    if (allowed) ExpectTold(id, *told);
  }

  void ExpectTold(ObjectId id, const Subscribers& told) {
    const std::set<ClientId> set(told.begin(), told.end());
    TROUPE_CHECK(set.size() == told.size(), "somebody is told twice");
    TROUPE_CHECK(set == subscribers_[id], "others are told than those who wait");
    subscribers_.erase(id);
  }

  void Forget(Grants::iterator grant) {
    const auto [id, who] = grant->first;
    subscribers_[id].erase(who);
    grants_.erase(grant);
  }

  void Unhold(ObjectId id) {
    table_.Unhold(id);
    if (--holds_[id] == 0) holds_.erase(id);
  }

  void Drop(ClientId who) {
    table_.DropClient(who);
    for (auto it = grants_.begin(); it != grants_.end();) {
      const auto next = std::next(it);
      if (it->first.second == who) Forget(it);
      it = next;
    }
  }

  void Check() {
    table_.CheckInvariants();
    for (const auto& freed : table_.TakeFreed())
      TROUPE_CHECK(table_.Find(freed.id) == nullptr, "a freed object is there");
    for (const auto& [id, client] : table_.TakeUngranted())
      TROUPE_CHECK(!table_.HasGrant(id, client), "a grant that is taken back is there");
    std::map<ObjectId, uint32_t> holds(holds_);
    std::map<ObjectId, size_t> holders;
    table_.ForEach([&](const Entry& entry) {
      for (const ObjectId inner : entry.contained()) ++holds[inner];
    });
    for (const auto& [key, count] : grants_) {
      TROUPE_CHECK(count > 0 && table_.HasGrant(key.first, key.second), "a grant was lost");
      ++holders[key.first];
    }
    table_.ForEach([&](const Entry& entry) {
      const ObjectId id = entry.id;
      TROUPE_CHECK(entry.holders() == holders[id], "another number of holders");
      TROUPE_CHECK(entry.holds() == holds[id], "another number of holds");
    });
    CheckLargest();
  }

  void CheckLargest() const {
    constexpr size_t kLimit = 3;
    const std::vector<const Entry*> largest = table_.Largest(kLimit);
    TROUPE_CHECK(largest.size() == std::min(kLimit, table_.count()), "not as many as there are");
    uint64_t last = UINT64_MAX;
    for (const Entry* entry : largest) {
      TROUPE_CHECK(entry->size() <= last, "the largest are not in order");
      last = entry->size();
    }
    size_t larger = 0;
    table_.ForEach([&](const Entry& entry) { larger += entry.size() > last ? 1 : 0; });
    TROUPE_CHECK(larger < kLimit, "a larger one was left out");
  }

  ObjectTable table_;
  Grants grants_;
  std::map<ObjectId, uint32_t> holds_;  // of the node's own
  std::map<ObjectId, std::set<ClientId>> subscribers_;
};

class Space {
 public:
  void Perform(TableEvent what, const FuzzEvent& event) {
    const ClientId who = ClientOf(event.who);
    switch (what) {
      case TableEvent::kLease:
      case TableEvent::kLeaseExactly: {
        const uint64_t bytes = uint64_t{event.much} * kUnit << event.how % 16;
        if (bytes == 0) break;  // the core refuses it
        const auto grant =
            what == TableEvent::kLease ? space_.Lease(who, bytes) : space_.LeaseExactly(who, bytes);
        TROUPE_CHECK(grant.ok() == (bytes <= space_.cap()),
                     "what fits into the store is refused for ever, or what does not is not");
        if (!grant.ok() || !grant->has_value()) break;
        TROUPE_CHECK((*grant)->space.size >= bytes, "a lease that is too small");
        if ((*grant)->cold) {
          populating_.emplace_back(who, (*grant)->space);
        } else {
          AddLease(who, (*grant)->space);
        }
        break;
      }
      case TableEvent::kPopulated:
        if (auto lease = Take(&populating_, event.which); lease.has_value()) {
          TROUPE_CHECK(space_.Populated(lease->second) == lease->first, "another one's lease");
          if (lease->first != ClientId::kNone) AddLease(lease->first, lease->second);
        }
        break;
      case TableEvent::kPopulateFailed:
        if (auto lease = Take(&populating_, event.which); lease.has_value())
          TROUPE_CHECK(space_.PopulateFailed(lease->second) == lease->first, "another one's lease");
        break;
      case TableEvent::kSeal:
        if (auto lease = Take(&leases_, event.which); lease.has_value()) {
          auto& [client, place] = *lease;
          const uint64_t bytes = std::min(place.size, kUnit * (1 + event.much));
          Seal(client, {place.chunk, place.offset, bytes - event.how % kUnit});
          place.offset += bytes;
          place.size -= bytes;
          if (place.size > 0) leases_.push_back(*lease);
        }
        break;
      case TableEvent::kSealAnyhow:
        if (const Location place = Anyhow(event); space_.Seal(who, place).ok()) {
          sealed_.push_back(place);
          Split(who, place);
        }
        break;
      case TableEvent::kReturnLease:
        if (auto lease = Take(&leases_, event.which); lease.has_value()) {
          auto& [client, place] = *lease;
          const uint64_t kept = std::min(place.size - kUnit, kUnit * event.much);
          const absl::Status returned =
              space_.ReturnLease(client, {place.chunk, place.offset + kept, place.size - kept});
          TROUPE_CHECK(returned.ok(), "a client cannot give back what it has leased");
          place.size = kept;
          if (kept > 0) leases_.push_back(*lease);
        }
        break;
      case TableEvent::kReturnAnyhow:
        if (const Location place = Anyhow(event); space_.ReturnLease(who, place).ok())
          Split(who, place);
        break;
      case TableEvent::kFree:
        if (sealed_.empty()) break;
        std::swap(sealed_[event.which % sealed_.size()], sealed_.back());
        space_.Free(sealed_.back());
        sealed_.pop_back();
        break;
      case TableEvent::kDropWriter:
        Drop(who);
        break;
      case TableEvent::kTrim:
        space_.Trim();
        break;
      default:
        TROUPE_CHECK(false, "an event that is none of the space's");
    }
    Check();
  }

  void End() {
    for (uint8_t i = 0; i < kTableClients; ++i) Drop(ClientOf(i));
    for (const auto& [client, place] : populating_)
      TROUPE_CHECK(space_.Populated(place) == ClientId::kNone, "a lease of nobody has an owner");
    for (const Location& place : sealed_) space_.Free(place);
    space_.Trim();
    space_.CheckInvariants();
    TROUPE_CHECK(space_.bytes() == 0 && space_.chunk_count() == 0,
                 "nobody has anything, and memory is left");
  }

 private:
  using Leases = std::vector<std::pair<ClientId, Location>>;
  static constexpr uint64_t kPage = 4096;

  static std::optional<std::pair<ClientId, Location>> Take(Leases* leases, uint8_t which) {
    if (leases->empty()) return std::nullopt;
    std::swap((*leases)[which % leases->size()], leases->back());
    const auto lease = leases->back();
    leases->pop_back();
    return lease;
  }

  // Leases that touch are one: their client may seal over the seam.
  void AddLease(ClientId who, Location place) {
    const auto touches = [&](const std::pair<ClientId, Location>& lease) {
      return lease.first == who && lease.second.chunk == place.chunk &&
             (lease.second.offset + lease.second.size == place.offset ||
              place.offset + place.size == lease.second.offset);
    };
    for (auto it = std::find_if(leases_.begin(), leases_.end(), touches); it != leases_.end();
         it = std::find_if(leases_.begin(), leases_.end(), touches)) {
      place.offset = std::min(place.offset, it->second.offset);
      place.size += it->second.size;
      leases_.erase(it);
    }
    leases_.emplace_back(who, place);
  }

  // Numbers near those that mean something, and near the largest ones.
  Location Anyhow(const FuzzEvent& event) const {
    Location place{ChunkId(event.which % 4), uint64_t{event.other} * kUnit,
                   uint64_t{event.much} * kUnit};
    if (!leases_.empty() && (event.how & 1) != 0) {
      const Location& lease = leases_[event.which % leases_.size()].second;
      place.chunk = lease.chunk;
      place.offset += lease.offset;
    }
    if ((event.how & 2) != 0) place.offset = 0 - place.offset;
    if ((event.how & 4) != 0) place.size = 0 - place.size;
    if ((event.how & 8) != 0) place.size += event.how;
    return place;
  }

  void Seal(ClientId client, const Location& place) {
    TROUPE_CHECK(space_.Seal(client, place).ok(), "a client cannot seal in its own lease");
    sealed_.push_back(place);
  }

  // The space has taken `taken` out of a lease of that client: so must the account.
  void Split(ClientId who, const Location& taken) {
    const uint64_t end = taken.offset + (taken.size + kUnit - 1) / kUnit * kUnit;
    for (size_t i = 0; i < leases_.size(); ++i) {
      const auto [client, lease] = leases_[i];
      if (client != who || lease.chunk != taken.chunk || taken.offset < lease.offset ||
          end > lease.offset + lease.size) {
        continue;
      }
      leases_.erase(leases_.begin() + static_cast<ptrdiff_t>(i));
      if (taken.offset > lease.offset)
        leases_.push_back({who, {lease.chunk, lease.offset, taken.offset - lease.offset}});
      if (end < lease.offset + lease.size)
        leases_.push_back({who, {lease.chunk, end, lease.offset + lease.size - end}});
      return;
    }
    TROUPE_CHECK(false, "a client took space that it had not leased");
  }

  void Drop(ClientId who) {
    space_.DropClient(who);
    std::erase_if(leases_, [&](const auto& lease) { return lease.first == who; });
    for (auto& lease : populating_) {
      if (lease.first == who) lease.first = ClientId::kNone;
    }
  }

  void Check() {
    space_.CheckInvariants();
    uint64_t leased = 0;
    for (const Leases* list : {&leases_, &populating_}) {
      for (const auto& lease : *list) leased += lease.second.size;
    }
    TROUPE_CHECK(leased == space_.leased_bytes(), "leases that do not add up");
    for (const Location& hole : space_.TakeHoles())
      TROUPE_CHECK(hole.size > 0 && hole.size % kPage == 0, "a hole that is not of pages");
    (void)space_.TakeDroppedChunks();
  }

  ChunkSpace space_{4 << 20};
  Leases leases_;
  Leases populating_;
  std::vector<Location> sealed_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Objects objects;
  Space space;
  for (const FuzzEvent& event : troupe::FuzzEvents(data, size)) {
    const auto what = TableEvent(event.what % kTableEvents);
    if (what < TableEvent::kLease || what == TableEvent::kFollow) {
      objects.Perform(what, event);
    } else {
      space.Perform(what, event);
    }
  }
  objects.End();
  space.End();
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return troupe::MutateFuzzEvents(data, size, max_size, seed);
}
