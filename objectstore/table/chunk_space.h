// ChunkSpace divides the store's memory: chunks, the leases in which clients write, the extents of
// sealed objects, and which free pages still have memory behind them.
//
// Problem: a Put must not need a round trip, and warm pages are worth ten times fresh ones. So a
// client leases a piece of a chunk and carves its objects from it alone; freed space is leased
// first to the client that wrote there, since it has the pages mapped; an object too large for a
// lease gets a chunk of its own, which is kept, warm, for the next such object. A client's leases
// begin small and double, so that who writes one small object neither takes much memory nor waits
// until it is populated.
// And one small survivor must not hold a chunk for ever: free pages are *warm* (with memory) or
// *cold* (punched: without). The cap counts memory, not addresses, so where space is needed the
// free pages around any survivor are made cold and their memory is used elsewhere. Nothing is ever
// moved for that, and no reader is asked.
//
// Pure; the server makes, populates, punches and drops the memory that this describes.
// Invariants: (1) a chunk is divided into free, leased and sealed extents without gap or overlap;
// (2) a leased extent belongs to one client; (3) cold pages lie in free extents; (4) the pages of
// all chunks that are not cold add up to bytes() ≤ cap. Units: bytes; offsets and extents are
// multiples of Limits::kObjectAlignmentBytes, cold ranges of pages. Errors: PermissionDenied where
// a client seals or returns what it has not leased; ResourceExhausted beyond the cap.
// Cost: O(log extents) per operation, but for MakeRoom. Not thread-safe.   After Plasma's store,
// which has one heap and a round trip per object instead.
#ifndef TROUPE_OBJECTSTORE_TABLE_CHUNK_SPACE_H_
#define TROUPE_OBJECTSTORE_TABLE_CHUNK_SPACE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
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
    // Some of its pages have no memory: the lease is populating until Populated is called.
    bool cold = false;
  };
  // Space for at least `min_bytes` in one piece, mostly for twice as much as the time before; none
  // where the client must wait for memory.
  // Errors: ResourceExhausted where it could never be had.
  absl::StatusOr<std::optional<Grant>> Lease(ClientId client, uint64_t min_bytes);
  // The same for exactly this much: nobody carves a second object from it.
  absl::StatusOr<std::optional<Grant>> LeaseExactly(ClientId client, uint64_t bytes);
  // A cold lease has its memory now. Whose it is: none where its client has gone meanwhile, and it
  // is free again.
  ClientId Populated(const Location& space);
  // It could not be had: free again, and cold. Whose it was.
  ClientId PopulateFailed(const Location& space);
  // An object was written there. Errors: PermissionDenied unless it lies in a lease of that client.
  absl::Status Seal(ClientId client, const Location& object);
  // The client gives back what it has not used. Errors: PermissionDenied.
  absl::Status ReturnLease(ClientId client, const Location& unused);
  // A sealed object's extent is free again. REQUIRES: it was sealed with this location.
  void Free(const Location& object);
  // The client's leases are free again; what it has sealed stays.
  void DropClient(ClientId client);
  // All free memory goes back to the system.
  void Trim();

  // Chunks that were given up since the last call; their memory is to be given back before more is
  // made.
  std::vector<ChunkId> TakeDroppedChunks() { return std::exchange(dropped_, {}); }
  // Pages that were made cold since the last call: their memory is to be given back before more is
  // made.
  std::vector<Location> TakeHoles() { return std::exchange(holes_, {}); }
  // Whether either has something to give back.
  bool gives_back() const { return !dropped_.empty() || !holes_.empty(); }

  uint64_t cap() const { return cap_; }
  // With memory: ≤ cap.
  uint64_t bytes() const { return bytes_; }
  uint64_t sealed_bytes() const { return sealed_bytes_; }
  uint64_t leased_bytes() const { return leased_bytes_; }
  // Free pages that have memory.
  uint64_t warm_bytes() const { return warm_bytes_; }
  // A lease is at most as large, but for a larger object.
  uint64_t lease_bytes() const { return lease_bytes_; }
  size_t chunk_count() const { return chunks_.size(); }
  // Of unused leases, in the order of their ids.
  std::vector<ClientId> ClientsWithLeases() const;

  void CheckInvariants() const;

 private:
  struct FreeExtent {
    uint64_t bytes = 0;
    uint64_t warm = 0;  // whole pages in it that have memory
  };
  struct LeasedExtent {
    uint64_t bytes = 0;
    ClientId client = ClientId::kNone;  // none: it died while its lease was populating
    bool populating = false;
  };
  struct Chunk {
    uint64_t size = 0;
    ClientId home = ClientId::kNone;  // who has its pages mapped, most likely: whom it was made for
    uint64_t cold_bytes = 0;
    std::map<uint64_t, FreeExtent> free;  // by offset, as all of these
    std::map<uint64_t, LeasedExtent> leased;
    std::map<uint64_t, uint64_t> sealed;  // offset → bytes
    std::map<uint64_t, uint64_t> cold;
  };
  using Chunks = std::map<ChunkId, Chunk>;
  using BySize = std::set<std::tuple<uint64_t, ChunkId, uint64_t>>;  // bytes, chunk, offset

  absl::StatusOr<std::optional<Grant>> Lease(ClientId client, uint64_t min_bytes,
                                             uint64_t want_bytes);
  std::optional<Grant> TakeFree(const BySize& extents, ClientId client, uint64_t min_bytes,
                                uint64_t want_bytes);
  std::optional<Grant> TakeFreeAnywhere(ClientId client, uint64_t min_bytes, uint64_t want_bytes);
  Grant Take(Chunks::iterator chunk, ClientId client, uint64_t offset, uint64_t bytes);
  std::optional<Grant> NewChunk(ClientId client, uint64_t chunk_bytes, uint64_t bytes);
  Chunk* FindLeased(ClientId client, const Location& extent,
                    std::map<uint64_t, LeasedExtent>::iterator* range);
  // Takes [offset, offset + bytes) out of the leased extent.
  void TakeOut(Chunk& chunk, std::map<uint64_t, LeasedExtent>::iterator range, uint64_t offset,
               uint64_t bytes);
  void AddLeased(Chunk& chunk, uint64_t offset, LeasedExtent extent);
  void AddFree(Chunks::iterator chunk, uint64_t offset, uint64_t bytes);
  void InsertFree(Chunks::iterator chunk, uint64_t offset, uint64_t bytes);
  std::map<uint64_t, FreeExtent>::iterator EraseFree(Chunks::iterator chunk,
                                                     std::map<uint64_t, FreeExtent>::iterator e);
  static uint64_t ColdIn(const Chunk& chunk, uint64_t begin, uint64_t end);
  void MakeWarm(Chunk& chunk, uint64_t begin, uint64_t end);
  // Gives up the memory of a free extent, and the chunk where that is all there is in it.
  void Punch(Chunks::iterator chunk, uint64_t offset);
  // Gives up free memory until `bytes` more would fit under the cap.
  void MakeRoom(uint64_t bytes);

  uint64_t cap_;
  uint64_t lease_bytes_;
  std::map<ClientId, uint64_t> next_lease_bytes_;  // of those that had one
  uint64_t bytes_ = 0;
  uint64_t sealed_bytes_ = 0;
  uint64_t leased_bytes_ = 0;
  uint64_t warm_bytes_ = 0;
  Chunks chunks_;
  std::map<ClientId, BySize> free_by_size_;  // by home
  BySize warm_by_size_;                      // free extents with whole warm pages, by those
  uint32_t next_chunk_ = 1;
  std::vector<ChunkId> dropped_;
  std::vector<Location> holes_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_TABLE_CHUNK_SPACE_H_
