#include "objectstore/table/chunk_space.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/limits.h"

namespace troupe::objectstore {
namespace {

constexpr uint64_t kPageBytes = 4096;

constexpr uint64_t RoundUp(uint64_t bytes, uint64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

ChunkSpace::ChunkSpace(uint64_t cap_bytes)
    : cap_(cap_bytes / kPageBytes * kPageBytes),
      lease_bytes_(std::min<uint64_t>(
          cap_, std::clamp<uint64_t>(cap_ / 64 / kPageBytes * kPageBytes, Limits::kMinLeaseBytes,
                                     Limits::kMaxLeaseBytes))) {}

absl::StatusOr<std::optional<ChunkSpace::Grant>> ChunkSpace::Lease(ClientId client,
                                                                   uint64_t min_bytes) {
  if (min_bytes > cap_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "an object of ", FormatBytes(static_cast<int64_t>(min_bytes)),
        " does not fit into the object store of ", FormatBytes(static_cast<int64_t>(cap_)),
        ": start the cluster with a larger --object_store_memory, or split the object"));
  }
  min_bytes = RoundUp(min_bytes, Limits::kObjectAlignmentBytes);
  const uint64_t want = std::max(min_bytes, lease_bytes_);
  // Warm pages first, then fresh ones, then other clients' free space.
  if (std::optional<Grant> own = TakeFree(client, min_bytes, want, /*own=*/true)) return own;
  uint64_t fresh = RoundUp(want, kPageBytes);
  if (bytes_ + fresh > cap_) {
    if (std::optional<Grant> other = TakeFree(client, min_bytes, want, /*own=*/false)) return other;
    fresh = RoundUp(min_bytes, kPageBytes);
    MakeRoom(fresh);
  }
  if (bytes_ + fresh > cap_) return std::nullopt;
  const auto chunk = chunks_.emplace(ChunkId(next_chunk_++), Chunk{}).first;
  chunk->second.size = fresh;
  chunk->second.free.emplace(0, fresh);
  bytes_ += fresh;
  Grant grant = Take(chunk, client, 0, std::min(fresh, want));
  grant.new_chunk = true;
  grant.chunk_bytes = fresh;
  return grant;
}

std::optional<ChunkSpace::Grant> ChunkSpace::TakeFree(ClientId client, uint64_t min_bytes,
                                                      uint64_t want_bytes, bool own) {
  // Best fit: the smallest extent that has what is wanted, else the largest one that suffices.
  Chunks::iterator best = chunks_.end();
  uint64_t best_offset = 0;
  uint64_t best_bytes = 0;
  for (auto chunk = chunks_.begin(); chunk != chunks_.end(); ++chunk) {
    if ((chunk->second.writer == client) != own || (!own && !chunk->second.leased.empty()))
      continue;
    for (const auto& [offset, bytes] : chunk->second.free) {
      if (bytes < min_bytes) continue;
      const bool better =
          best_bytes == 0 || (best_bytes < want_bytes ? bytes > best_bytes
                                                      : bytes >= want_bytes && bytes < best_bytes);
      if (!better) continue;
      best = chunk;
      best_offset = offset;
      best_bytes = bytes;
    }
  }
  if (best == chunks_.end()) return std::nullopt;
  // A hole much smaller than a lease is taken only where fresh memory cannot be had: many tiny
  // leases cost round trips.
  if (own && best_bytes < want_bytes / 4 && bytes_ + want_bytes <= cap_) return std::nullopt;
  return Take(best, client, best_offset, std::min(best_bytes, want_bytes));
}

ChunkSpace::Grant ChunkSpace::Take(Chunks::iterator chunk, ClientId client, uint64_t offset,
                                   uint64_t bytes) {
  Chunk& c = chunk->second;
  TakeOut(c.free, c.free.find(offset), offset, bytes);
  c.leased.emplace(offset, bytes);
  c.writer = client;
  return {.space = {chunk->first, offset, bytes}, .new_chunk = false, .chunk_bytes = c.size};
}

void ChunkSpace::MakeRoom(uint64_t bytes) {
  for (auto chunk = chunks_.begin(); chunk != chunks_.end() && bytes_ + bytes > cap_;) {
    if (!chunk->second.leased.empty() || !chunk->second.sealed.empty()) {
      ++chunk;
      continue;
    }
    bytes_ -= chunk->second.size;
    dropped_.push_back(chunk->first);
    chunk = chunks_.erase(chunk);
  }
}

void ChunkSpace::TakeOut(std::map<uint64_t, uint64_t>& ranges,
                         std::map<uint64_t, uint64_t>::iterator range, uint64_t offset,
                         uint64_t bytes) {
  const auto [begin, size] = *range;
  ranges.erase(range);
  if (offset > begin) ranges.emplace(begin, offset - begin);
  if (begin + size > offset + bytes) ranges.emplace(offset + bytes, begin + size - offset - bytes);
}

ChunkSpace::Chunk* ChunkSpace::FindLeased(ClientId client, const Location& extent,
                                          std::map<uint64_t, uint64_t>::iterator* range) {
  const auto chunk = chunks_.find(extent.chunk);
  if (chunk == chunks_.end() || chunk->second.writer != client) return nullptr;
  if (extent.size == 0 || extent.size > chunk->second.size || extent.offset > chunk->second.size ||
      extent.offset % Limits::kObjectAlignmentBytes != 0) {
    return nullptr;
  }
  auto& leased = chunk->second.leased;
  auto it = leased.upper_bound(extent.offset);
  if (it == leased.begin()) return nullptr;
  --it;
  const uint64_t end = extent.offset + RoundUp(extent.size, Limits::kObjectAlignmentBytes);
  if (end > it->first + it->second) return nullptr;
  *range = it;
  return &chunk->second;
}

absl::Status ChunkSpace::Seal(ClientId client, const Location& object) {
  std::map<uint64_t, uint64_t>::iterator range;
  Chunk* chunk = FindLeased(client, object, &range);
  if (chunk == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " seals ", object.size, " bytes at ", object.offset, " of chunk ",
        static_cast<uint32_t>(object.chunk), ", which it has not leased"));
  }
  const uint64_t bytes = RoundUp(object.size, Limits::kObjectAlignmentBytes);
  TakeOut(chunk->leased, range, object.offset, bytes);
  chunk->sealed.emplace(object.offset, bytes);
  return absl::OkStatus();
}

absl::Status ChunkSpace::ReturnLease(ClientId client, const Location& unused) {
  std::map<uint64_t, uint64_t>::iterator range;
  Chunk* chunk = FindLeased(client, unused, &range);
  if (chunk == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " gives back ", unused.size, " bytes at ", unused.offset, " of chunk ",
        static_cast<uint32_t>(unused.chunk), ", which it has not leased"));
  }
  const uint64_t bytes = RoundUp(unused.size, Limits::kObjectAlignmentBytes);
  TakeOut(chunk->leased, range, unused.offset, bytes);
  AddFree(*chunk, unused.offset, bytes);
  return absl::OkStatus();
}

void ChunkSpace::Free(const Location& object) {
  const auto chunk = chunks_.find(object.chunk);
  TROUPE_CHECK(chunk != chunks_.end(), "an object is freed in a chunk that does not exist");
  const auto sealed = chunk->second.sealed.find(object.offset);
  TROUPE_CHECK(sealed != chunk->second.sealed.end(), "an object is freed that was not sealed");
  const uint64_t bytes = sealed->second;
  chunk->second.sealed.erase(sealed);
  AddFree(chunk->second, object.offset, bytes);
}

void ChunkSpace::DropClient(ClientId client) {
  for (auto& [id, chunk] : chunks_) {
    if (chunk.writer != client) continue;
    for (const auto& [offset, bytes] : std::exchange(chunk.leased, {}))
      AddFree(chunk, offset, bytes);
    chunk.writer = ClientId::kNone;
  }
}

void ChunkSpace::AddFree(Chunk& chunk, uint64_t offset, uint64_t bytes) {
  auto next = chunk.free.lower_bound(offset);
  if (next != chunk.free.end() && offset + bytes == next->first) {
    bytes += next->second;
    next = chunk.free.erase(next);
  }
  if (next != chunk.free.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += bytes;
      return;
    }
  }
  chunk.free.emplace(offset, bytes);
}

void ChunkSpace::CheckInvariants() const {
  uint64_t sum = 0;
  for (const auto& [id, chunk] : chunks_) {
    sum += chunk.size;
    std::map<uint64_t, uint64_t> all = chunk.free;
    const size_t extents = chunk.free.size() + chunk.leased.size() + chunk.sealed.size();
    all.insert(chunk.leased.begin(), chunk.leased.end());
    all.insert(chunk.sealed.begin(), chunk.sealed.end());
    TROUPE_CHECK(all.size() == extents, "two extents at one place");
    uint64_t end = 0;
    for (const auto& [offset, bytes] : all) {
      TROUPE_CHECK(offset == end && bytes > 0, "extents that overlap or leave a gap");
      end += bytes;
    }
    TROUPE_CHECK(end == chunk.size, "extents that do not fill their chunk");
  }
  TROUPE_CHECK(sum == bytes_ && bytes_ <= cap_, "chunks that exceed the cap");
}

}  // namespace troupe::objectstore
