#include "objectstore/table/chunk_space.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/limits.h"

namespace troupe::objectstore {
namespace {

constexpr uint64_t kPageBytes = 4096;
// How many extents of fitting size are looked at for one whose pages need not be made warm.
constexpr int kCandidates = 16;

constexpr uint64_t RoundUp(uint64_t bytes, uint64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}
constexpr uint64_t RoundDown(uint64_t bytes, uint64_t unit) { return bytes / unit * unit; }

}  // namespace

ChunkSpace::ChunkSpace(uint64_t cap_bytes)
    : cap_(cap_bytes / kPageBytes * kPageBytes),
      lease_bytes_(std::min<uint64_t>(
          cap_, std::clamp<uint64_t>(cap_ / 64 / kPageBytes * kPageBytes, Limits::kMinLeaseBytes,
                                     Limits::kMaxLeaseBytes))) {}

absl::StatusOr<std::optional<ChunkSpace::Grant>> ChunkSpace::Lease(ClientId client,
                                                                   uint64_t min_bytes) {
  uint64_t& want =
      next_lease_bytes_
          .try_emplace(client, std::min<uint64_t>(Limits::kMinLeaseBytes, lease_bytes_))
          .first->second;
  auto grant = Lease(client, min_bytes, want);
  if (grant.ok() && grant->has_value()) want = std::min(2 * want, lease_bytes_);
  return grant;
}

absl::StatusOr<std::optional<ChunkSpace::Grant>> ChunkSpace::LeaseExactly(ClientId client,
                                                                          uint64_t bytes) {
  return Lease(client, bytes, 0);
}

absl::StatusOr<std::optional<ChunkSpace::Grant>> ChunkSpace::Lease(ClientId client,
                                                                   uint64_t min_bytes,
                                                                   uint64_t want_bytes) {
  if (min_bytes > cap_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "an object of ", FormatBytes(static_cast<int64_t>(min_bytes)),
        " does not fit into the object store of ", FormatBytes(static_cast<int64_t>(cap_)),
        ": start the cluster with a larger --object_store_memory, or split the object"));
  }
  min_bytes = RoundUp(min_bytes, Limits::kObjectAlignmentBytes);
  const uint64_t want = std::max(min_bytes, want_bytes);
  const uint64_t fresh = RoundUp(want, kPageBytes);
  const bool fresh_fits = bytes_ + fresh <= cap_;
  // Warm and mapped pages first, then fresh ones, then other clients' free space.
  if (const auto own = free_by_size_.find(client); own != free_by_size_.end()) {
    // A hole much smaller than a lease is taken only where fresh memory cannot be had: many tiny
    // leases cost round trips.
    const uint64_t min_here = fresh_fits ? std::max(min_bytes, want / 4) : min_bytes;
    if (std::optional<Grant> grant = TakeFree(own->second, client, min_here, want)) return grant;
  }
  if (fresh_fits) return NewChunk(client, fresh, want);
  if (std::optional<Grant> grant = TakeFreeAnywhere(client, min_bytes, want)) return grant;
  const uint64_t least = RoundUp(min_bytes, kPageBytes);
  MakeRoom(least);
  if (bytes_ + least > cap_) return std::nullopt;
  // What was made cold may lie beside what was cold already.
  if (std::optional<Grant> grant = TakeFreeAnywhere(client, min_bytes, min_bytes)) return grant;
  return NewChunk(client, least, min_bytes);
}

std::optional<ChunkSpace::Grant> ChunkSpace::NewChunk(ClientId client, uint64_t chunk_bytes,
                                                      uint64_t bytes) {
  const auto chunk = chunks_.emplace(ChunkId(next_chunk_++), Chunk{}).first;
  chunk->second.size = chunk_bytes;
  chunk->second.home = client;
  chunk->second.cold_bytes = chunk_bytes;
  chunk->second.cold.emplace(0, chunk_bytes);
  InsertFree(chunk, 0, chunk_bytes);
  Grant grant = Take(chunk, client, 0, bytes);
  grant.new_chunk = true;
  return grant;
}

// Best fit: the smallest extent that has what is wanted, else the largest one that suffices.
std::optional<ChunkSpace::Grant> ChunkSpace::TakeFree(const BySize& extents, ClientId client,
                                                      uint64_t min_bytes, uint64_t want_bytes) {
  const auto fits = [&](const auto& key, uint64_t bytes) {
    const auto& [size, id, offset] = key;
    return bytes_ + ColdIn(chunks_.at(id), RoundDown(offset, kPageBytes),
                           RoundUp(offset + bytes, kPageBytes)) <=
           cap_;
  };
  const auto take = [&](const auto& key, uint64_t bytes) {
    const auto [size, id, offset] = key;  // a copy: the key goes
    return Take(chunks_.find(id), client, offset, bytes);
  };
  const auto enough = extents.lower_bound({want_bytes, ChunkId::kNone, 0});
  int looked_at = 0;
  for (auto it = enough; it != extents.end() && looked_at < kCandidates; ++it, ++looked_at) {
    if (fits(*it, want_bytes)) return take(*it, want_bytes);
  }
  looked_at = 0;
  for (auto it = extents.end(); it != extents.begin() && looked_at < kCandidates; ++looked_at) {
    --it;
    const uint64_t size = std::get<0>(*it);
    if (size < min_bytes) break;
    const uint64_t bytes = std::min(size, want_bytes);
    if (fits(*it, bytes)) return take(*it, bytes);
    if (fits(*it, min_bytes)) return take(*it, min_bytes);
  }
  return std::nullopt;
}

std::optional<ChunkSpace::Grant> ChunkSpace::TakeFreeAnywhere(ClientId client, uint64_t min_bytes,
                                                              uint64_t want_bytes) {
  for (const auto& [home, extents] : free_by_size_) {
    if (std::optional<Grant> grant = TakeFree(extents, client, min_bytes, want_bytes)) return grant;
  }
  return std::nullopt;
}

ChunkSpace::Grant ChunkSpace::Take(Chunks::iterator chunk, ClientId client, uint64_t offset,
                                   uint64_t bytes) {
  Chunk& c = chunk->second;
  const auto extent = c.free.find(offset);
  const uint64_t size = extent->second.bytes;
  EraseFree(chunk, extent);
  const uint64_t before = bytes_;
  MakeWarm(c, RoundDown(offset, kPageBytes), RoundUp(offset + bytes, kPageBytes));
  if (size > bytes) InsertFree(chunk, offset + bytes, size - bytes);
  // A page shared with a neighbour may have been made warm for it, and wait for its memory still.
  const uint64_t begin = RoundDown(offset, kPageBytes), end = RoundUp(offset + bytes, kPageBytes);
  bool shares = false;
  for (auto it = c.leased.lower_bound(offset); it != c.leased.end() && it->first < end; ++it)
    shares |= it->second.populating;
  for (auto it = c.leased.lower_bound(offset); it != c.leased.begin();) {
    --it;
    if (it->first + it->second.bytes <= begin) break;
    shares |= it->second.populating;
  }
  const bool cold = bytes_ > before || shares;
  AddLeased(c, offset, {bytes, client, cold});
  leased_bytes_ += bytes;
  return {.space = {chunk->first, offset, bytes},
          .new_chunk = false,
          .chunk_bytes = c.size,
          .cold = cold};
}

ClientId ChunkSpace::Populated(const Location& space) {
  const auto chunk = chunks_.find(space.chunk);
  TROUPE_CHECK(chunk != chunks_.end(), "a lease was populated in a chunk that does not exist");
  const auto lease = chunk->second.leased.find(space.offset);
  TROUPE_CHECK(lease != chunk->second.leased.end() && lease->second.populating &&
                   lease->second.bytes == space.size,
               "a lease was populated that was not waiting for it");
  const LeasedExtent extent = lease->second;
  chunk->second.leased.erase(lease);
  if (extent.client != ClientId::kNone) {
    AddLeased(chunk->second, space.offset, {extent.bytes, extent.client, false});
    return extent.client;
  }
  leased_bytes_ -= extent.bytes;
  AddFree(chunk, space.offset, extent.bytes);
  return ClientId::kNone;
}

ClientId ChunkSpace::PopulateFailed(const Location& space) {
  const auto chunk = chunks_.find(space.chunk);
  TROUPE_CHECK(chunk != chunks_.end(), "a lease was populated in a chunk that does not exist");
  const auto lease = chunk->second.leased.find(space.offset);
  TROUPE_CHECK(lease != chunk->second.leased.end() && lease->second.populating,
               "a lease was populated that was not waiting for it");
  const LeasedExtent extent = lease->second;
  leased_bytes_ -= extent.bytes;
  chunk->second.leased.erase(lease);
  AddFree(chunk, space.offset, extent.bytes);
  const ClientId client = extent.client;
  Punch(chunk, std::prev(chunk->second.free.upper_bound(space.offset))->first);
  return client;
}

// Leases that touch are one lease: the client carves over the seam.
void ChunkSpace::AddLeased(Chunk& chunk, uint64_t offset, LeasedExtent extent) {
  auto& leased = chunk.leased;
  const auto joins = [&](const LeasedExtent& other) {
    return !extent.populating && !other.populating && other.client == extent.client;
  };
  auto next = leased.lower_bound(offset);
  if (next != leased.end() && offset + extent.bytes == next->first && joins(next->second)) {
    extent.bytes += next->second.bytes;
    next = leased.erase(next);
  }
  if (next != leased.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second.bytes == offset && joins(before->second)) {
      before->second.bytes += extent.bytes;
      return;
    }
  }
  leased.emplace(offset, extent);
}

void ChunkSpace::TakeOut(Chunk& chunk, std::map<uint64_t, LeasedExtent>::iterator range,
                         uint64_t offset, uint64_t bytes) {
  const uint64_t begin = range->first;
  const LeasedExtent extent = range->second;
  chunk.leased.erase(range);
  leased_bytes_ -= bytes;
  if (offset > begin)
    chunk.leased.emplace(begin, LeasedExtent{offset - begin, extent.client, false});
  if (begin + extent.bytes > offset + bytes) {
    chunk.leased.emplace(offset + bytes,
                         LeasedExtent{begin + extent.bytes - offset - bytes, extent.client, false});
  }
}

ChunkSpace::Chunk* ChunkSpace::FindLeased(ClientId client, const Location& extent,
                                          std::map<uint64_t, LeasedExtent>::iterator* range) {
  const auto chunk = chunks_.find(extent.chunk);
  if (chunk == chunks_.end() || client == ClientId::kNone) return nullptr;
  if (extent.size == 0 || extent.size > chunk->second.size || extent.offset > chunk->second.size ||
      extent.offset % Limits::kObjectAlignmentBytes != 0) {
    return nullptr;
  }
  auto& leased = chunk->second.leased;
  auto it = leased.upper_bound(extent.offset);
  if (it == leased.begin()) return nullptr;
  --it;
  if (it->second.client != client || it->second.populating) return nullptr;
  const uint64_t end = extent.offset + RoundUp(extent.size, Limits::kObjectAlignmentBytes);
  if (end > it->first + it->second.bytes) return nullptr;
  *range = it;
  return &chunk->second;
}

absl::Status ChunkSpace::Seal(ClientId client, const Location& object) {
  std::map<uint64_t, LeasedExtent>::iterator range;
  Chunk* chunk = FindLeased(client, object, &range);
  if (chunk == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " seals ", object.size, " bytes at ", object.offset, " of chunk ",
        static_cast<uint32_t>(object.chunk), ", which it has not leased"));
  }
  const uint64_t bytes = RoundUp(object.size, Limits::kObjectAlignmentBytes);
  TakeOut(*chunk, range, object.offset, bytes);
  chunk->sealed.emplace(object.offset, bytes);
  sealed_bytes_ += bytes;
  return absl::OkStatus();
}

absl::Status ChunkSpace::ReturnLease(ClientId client, const Location& unused) {
  std::map<uint64_t, LeasedExtent>::iterator range;
  Chunk* chunk = FindLeased(client, unused, &range);
  if (chunk == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " gives back ", unused.size, " bytes at ", unused.offset, " of chunk ",
        static_cast<uint32_t>(unused.chunk), ", which it has not leased"));
  }
  const uint64_t bytes = RoundUp(unused.size, Limits::kObjectAlignmentBytes);
  TakeOut(*chunk, range, unused.offset, bytes);
  AddFree(chunks_.find(unused.chunk), unused.offset, bytes);
  return absl::OkStatus();
}

void ChunkSpace::Free(const Location& object) {
  const auto chunk = chunks_.find(object.chunk);
  TROUPE_CHECK(chunk != chunks_.end(), "an object is freed in a chunk that does not exist");
  const auto sealed = chunk->second.sealed.find(object.offset);
  TROUPE_CHECK(sealed != chunk->second.sealed.end(), "an object is freed that was not sealed");
  const uint64_t bytes = sealed->second;
  chunk->second.sealed.erase(sealed);
  sealed_bytes_ -= bytes;
  AddFree(chunk, object.offset, bytes);
}

void ChunkSpace::DropClient(ClientId client) {
  if (client == ClientId::kNone) return;
  next_lease_bytes_.erase(client);
  for (auto chunk = chunks_.begin(); chunk != chunks_.end(); ++chunk) {
    auto& leased = chunk->second.leased;
    for (auto it = leased.begin(); it != leased.end();) {
      if (it->second.client != client) {
        ++it;
      } else if (it->second.populating) {
        it->second.client = ClientId::kNone;  // it is free when its memory has come
        ++it;
      } else {
        const auto [offset, extent] = *it;
        it = leased.erase(it);
        leased_bytes_ -= extent.bytes;
        AddFree(chunk, offset, extent.bytes);
      }
    }
    if (chunk->second.home == client) chunk->second.home = ClientId::kNone;
  }
  // What was its own is nobody's now.
  if (const auto own = free_by_size_.find(client); own != free_by_size_.end()) {
    BySize extents = std::move(own->second);
    free_by_size_.erase(own);
    free_by_size_[ClientId::kNone].merge(extents);
  }
}

std::vector<ClientId> ChunkSpace::ClientsWithLeases() const {
  std::set<ClientId> clients;
  for (const auto& [id, chunk] : chunks_) {
    for (const auto& [offset, extent] : chunk.leased) {
      if (!extent.populating) clients.insert(extent.client);
    }
  }
  return {clients.begin(), clients.end()};
}

void ChunkSpace::AddFree(Chunks::iterator chunk, uint64_t offset, uint64_t bytes) {
  auto& free = chunk->second.free;
  auto next = free.lower_bound(offset);
  if (next != free.end() && offset + bytes == next->first) {
    bytes += next->second.bytes;
    next = EraseFree(chunk, next);
  }
  if (next != free.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second.bytes == offset) {
      offset = before->first;
      bytes += before->second.bytes;
      EraseFree(chunk, before);
    }
  }
  InsertFree(chunk, offset, bytes);
}

void ChunkSpace::InsertFree(Chunks::iterator chunk, uint64_t offset, uint64_t bytes) {
  const uint64_t begin = RoundUp(offset, kPageBytes);
  const uint64_t end = RoundDown(offset + bytes, kPageBytes);
  const uint64_t warm = begin < end ? end - begin - ColdIn(chunk->second, begin, end) : 0;
  chunk->second.free.emplace(offset, FreeExtent{bytes, warm});
  free_by_size_[chunk->second.home].insert({bytes, chunk->first, offset});
  if (warm > 0) warm_by_size_.insert({warm, chunk->first, offset});
  warm_bytes_ += warm;
}

std::map<uint64_t, ChunkSpace::FreeExtent>::iterator ChunkSpace::EraseFree(
    Chunks::iterator chunk, std::map<uint64_t, FreeExtent>::iterator e) {
  const auto own = free_by_size_.find(chunk->second.home);
  own->second.erase({e->second.bytes, chunk->first, e->first});
  if (e->second.warm > 0) warm_by_size_.erase({e->second.warm, chunk->first, e->first});
  warm_bytes_ -= e->second.warm;
  return chunk->second.free.erase(e);
}

uint64_t ChunkSpace::ColdIn(const Chunk& chunk, uint64_t begin, uint64_t end) {
  uint64_t sum = 0;
  auto it = chunk.cold.upper_bound(begin);
  if (it != chunk.cold.begin()) --it;
  for (; it != chunk.cold.end() && it->first < end; ++it) {
    const uint64_t from = std::max(begin, it->first);
    const uint64_t to = std::min(end, it->first + it->second);
    if (from < to) sum += to - from;
  }
  return sum;
}

void ChunkSpace::MakeWarm(Chunk& chunk, uint64_t begin, uint64_t end) {
  auto it = chunk.cold.upper_bound(begin);
  if (it != chunk.cold.begin()) --it;
  while (it != chunk.cold.end() && it->first < end) {
    const auto [offset, bytes] = *it;
    if (offset + bytes <= begin) {
      ++it;
      continue;
    }
    it = chunk.cold.erase(it);
    if (offset < begin) chunk.cold.emplace(offset, begin - offset);
    if (offset + bytes > end) it = chunk.cold.emplace(end, offset + bytes - end).first;
    const uint64_t warmed = std::min(end, offset + bytes) - std::max(begin, offset);
    chunk.cold_bytes -= warmed;
    bytes_ += warmed;
  }
}

void ChunkSpace::Punch(Chunks::iterator chunk, uint64_t offset) {
  Chunk& c = chunk->second;
  const auto extent = c.free.find(offset);
  const uint64_t bytes = extent->second.bytes;
  EraseFree(chunk, extent);
  if (bytes == c.size) {
    bytes_ -= c.size - c.cold_bytes;
    dropped_.push_back(chunk->first);
    chunks_.erase(chunk);
    return;
  }
  const uint64_t begin = RoundUp(offset, kPageBytes);
  const uint64_t end = RoundDown(offset + bytes, kPageBytes);
  if (begin < end) {
    const uint64_t warm = end - begin - ColdIn(c, begin, end);
    if (warm > 0) {
      c.cold.erase(c.cold.lower_bound(begin), c.cold.lower_bound(end));
      c.cold.emplace(begin, end - begin);
      c.cold_bytes += warm;
      bytes_ -= warm;
      holes_.push_back({chunk->first, begin, end - begin});
    }
  }
  InsertFree(chunk, offset, bytes);
}

// The largest first: the fewest system calls.
void ChunkSpace::MakeRoom(uint64_t bytes) {
  while (bytes_ + bytes > cap_ && !warm_by_size_.empty()) {
    const auto [warm, id, offset] = *warm_by_size_.rbegin();
    Punch(chunks_.find(id), offset);
  }
}

void ChunkSpace::Trim() {
  next_lease_bytes_.clear();
  while (!warm_by_size_.empty()) {
    const auto [warm, id, offset] = *warm_by_size_.begin();
    Punch(chunks_.find(id), offset);
  }
}

void ChunkSpace::CheckInvariants() const {
  for (const auto& [client, next] : next_lease_bytes_)
    TROUPE_CHECK(next > 0 && next <= lease_bytes_, "a lease larger than leases are");
  uint64_t bytes = 0, sealed = 0, leased = 0, warm = 0;
  size_t free_extents = 0, warm_extents = 0;
  for (const auto& [id, chunk] : chunks_) {
    std::map<uint64_t, uint64_t> all = chunk.sealed;
    for (const auto& [offset, size] : chunk.sealed) sealed += size;
    for (const auto& [offset, extent] : chunk.leased) {
      TROUPE_CHECK(all.emplace(offset, extent.bytes).second, "two extents at one place");
      TROUPE_CHECK(extent.populating || extent.client != ClientId::kNone, "nobody's lease");
      leased += extent.bytes;
    }
    for (const auto& [offset, extent] : chunk.free) {
      TROUPE_CHECK(all.emplace(offset, extent.bytes).second, "two extents at one place");
      TROUPE_CHECK(free_by_size_.at(chunk.home).contains({extent.bytes, id, offset}),
                   "a free extent that cannot be found");
      TROUPE_CHECK(extent.warm == 0 || warm_by_size_.contains({extent.warm, id, offset}),
                   "warm memory that cannot be found");
      const uint64_t begin = RoundUp(offset, kPageBytes);
      const uint64_t end = std::max(begin, RoundDown(offset + extent.bytes, kPageBytes));
      TROUPE_CHECK(extent.warm == end - begin - ColdIn(chunk, begin, end),
                   "warm pages that do not add up");
      warm += extent.warm;
      ++free_extents;
      if (extent.warm > 0) ++warm_extents;
    }
    uint64_t end = 0;
    for (const auto& [offset, size] : all) {
      TROUPE_CHECK(offset == end && size > 0, "extents that overlap or leave a gap");
      end += size;
    }
    TROUPE_CHECK(end == chunk.size, "extents that do not fill their chunk");
    uint64_t cold = 0;
    for (const auto& [offset, size] : chunk.cold) {
      TROUPE_CHECK(offset % kPageBytes == 0 && size % kPageBytes == 0 && size > 0,
                   "a cold range that is not made of pages");
      const auto extent = chunk.free.upper_bound(offset);
      TROUPE_CHECK(extent != chunk.free.begin(), "a cold page in use");
      const auto& [at, free] = *std::prev(extent);
      TROUPE_CHECK(offset + size <= at + free.bytes, "a cold page in use");
      cold += size;
    }
    TROUPE_CHECK(cold == chunk.cold_bytes, "cold pages that do not add up");
    bytes += chunk.size - cold;
  }
  size_t by_size = 0;
  for (const auto& [home, extents] : free_by_size_) by_size += extents.size();
  TROUPE_CHECK(by_size == free_extents && warm_by_size_.size() == warm_extents,
               "free extents that are listed and do not exist");
  TROUPE_CHECK(bytes == bytes_ && bytes_ <= cap_, "chunks that exceed the cap");
  TROUPE_CHECK(sealed == sealed_bytes_ && leased == leased_bytes_ && warm == warm_bytes_,
               "bytes that do not add up");
}

}  // namespace troupe::objectstore
