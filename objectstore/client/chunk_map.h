// ChunkMap holds the descriptors and mappings of the store's chunks in this process: each mapped
// once, on first use, for reading, and once more for writing where this process has had a lease in
// it.
//
// Not thread-safe; a mapping stays where it is until the node gives the chunk up, which it does
// only when nobody has a reference to anything in it. The one for writing stays, too: a chunk is
// mostly leased to one process again and again, and its page table is what makes that fast. So a
// process could still write to what it has sealed itself, by an address that it had kept; what
// others have sealed elsewhere it can only read.
#ifndef TROUPE_OBJECTSTORE_CLIENT_CHUNK_MAP_H_
#define TROUPE_OBJECTSTORE_CLIENT_CHUNK_MAP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/base/limits.h"
#include "core/base/location.h"
#include "core/base/unique_fd.h"
#include "objectstore/chunk/chunk.h"

namespace troupe::objectstore {

class ChunkMap {
 public:
  // A descriptor has come from the node.
  void Add(ChunkId chunk, uint64_t bytes, Mapping::Access access, UniqueFd fd);
  void Drop(ChunkId chunk) { chunks_.erase(chunk); }
  bool Has(ChunkId chunk, Mapping::Access access) const;

  // The bytes there. Errors: NotFound where no descriptor has come; InvalidArgument for a place
  // outside the chunk.
  absl::StatusOr<std::span<const std::byte>> Read(const Location& location);
  absl::StatusOr<std::span<std::byte>> Write(const Location& location);
  // This place is about to be written: the pages of it that this process has not written to get
  // into its page table. For the others that would cost a quarter of writing them.
  void Prepare(const Location& location);
  // The node may have taken memory back, and its pages out of all page tables.
  void ForgetPrepared();

 private:
  struct View {
    UniqueFd fd;
    std::optional<Mapping> mapping;
  };
  struct Known {
    uint64_t bytes = 0;
    View read;
    View write;
    std::vector<bool> prepared;  // for writing, by blocks of kBlockBytes
  };
  static constexpr uint64_t kBlockBytes = Limits::kMinLeaseBytes;

  absl::StatusOr<std::span<std::byte>> Map(const Location& location, Mapping::Access access);

  absl::flat_hash_map<ChunkId, Known> chunks_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CLIENT_CHUNK_MAP_H_
