// ChunkSpace divides the store's memory: chunks, the leases in which clients write, the extents of
// sealed objects.
//
// Problem: a Put must not need a round trip, and warm pages are worth ten times fresh ones. So a
// client leases a piece of a chunk and carves its objects from it alone; freed space is leased
// first to the client that wrote there, since it has the pages mapped; an object too large for a
// lease gets a chunk of its own, which is kept, warm, for the next such object.
//
// Pure; the server makes and drops the memory that this describes. Cap: the sum of all chunks never
// exceeds it.
// Invariants: (1) a chunk is divided into free, leased and sealed extents without gap or overlap;
// (2) at most one client has leases in a chunk; (3) the sizes of all chunks add up to bytes() ≤
// cap. Units: bytes; offsets and extents are multiples of Limits::kObjectAlignmentBytes. Errors:
// PermissionDenied where a client seals or returns what it has not leased; ResourceExhausted beyond
// the cap. Not thread-safe.   After Plasma's store, which has one heap and a round trip per object
// instead.
#ifndef TROUPE_OBJECTSTORE_TABLE_CHUNK_SPACE_H_
#define TROUPE_OBJECTSTORE_TABLE_CHUNK_SPACE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "core/base/location.h"

namespace troupe::objectstore {

class ChunkSpace {
 public:
  explicit ChunkSpace(uint64_t cap_bytes);

  struct Grant {
    Location space;
    bool new_chunk = false;    // to be made first,
    uint64_t chunk_bytes = 0;  // with this size
  };
  // Space for at least `min_bytes` in one piece; none where the client must wait for memory.
  // Errors: ResourceExhausted where it could never be had.
  absl::StatusOr<std::optional<Grant>> Lease(ClientId client, uint64_t min_bytes);
  // An object was written there. Errors: PermissionDenied unless it lies in a lease of that client.
  absl::Status Seal(ClientId client, const Location& object);
  // The client gives back what it has not used. Errors: PermissionDenied.
  absl::Status ReturnLease(ClientId client, const Location& unused);
  // A sealed object's extent is free again. REQUIRES: it was sealed with this location.
  void Free(const Location& object);
  // The client's leases are free again; what it has sealed stays.
  void DropClient(ClientId client);

  // Chunks that were given up for others since the last call.
  std::vector<ChunkId> TakeDroppedChunks() { return std::exchange(dropped_, {}); }

  uint64_t cap() const { return cap_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t lease_bytes() const { return lease_bytes_; }
  size_t chunk_count() const { return chunks_.size(); }

  void CheckInvariants() const;

 private:
  struct Chunk {
    uint64_t size = 0;
    ClientId writer =
        ClientId::kNone;  // the last one to have leased here; others may when it has no lease
    std::map<uint64_t, uint64_t> free;    // offset → bytes
    std::map<uint64_t, uint64_t> leased;  // to `writer`
    std::map<uint64_t, uint64_t> sealed;
  };
  using Chunks = std::map<ChunkId, Chunk>;

  Grant Take(Chunks::iterator chunk, ClientId client, uint64_t offset, uint64_t bytes);
  std::optional<Grant> TakeFree(ClientId client, uint64_t min_bytes, uint64_t want_bytes, bool own);
  Chunk* FindLeased(ClientId client, const Location& extent,
                    std::map<uint64_t, uint64_t>::iterator* range);
  void TakeOut(std::map<uint64_t, uint64_t>& ranges, std::map<uint64_t, uint64_t>::iterator range,
               uint64_t offset, uint64_t bytes);
  void AddFree(Chunk& chunk, uint64_t offset, uint64_t bytes);
  // Gives up wholly free chunks until `bytes` more would fit under the cap.
  void MakeRoom(uint64_t bytes);

  uint64_t cap_;
  uint64_t lease_bytes_;
  uint64_t bytes_ = 0;
  Chunks chunks_;
  uint32_t next_chunk_ = 1;
  std::vector<ChunkId> dropped_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_TABLE_CHUNK_SPACE_H_
