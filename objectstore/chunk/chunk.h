// Chunk is the memory behind a piece of the store: a memfd that the node owns, sealed against
// shrinking and growing, so that no access to it can ever fault. Mapping is one process's view of
// it.
//
// Readers get a read-only descriptor and map it read-only; the writer of a lease maps it writable.
// This guards against accidents, not against a hostile process of the same user. The memory
// vanishes with its last user. Errors: ResourceExhausted naming the size; InvalidArgument where a
// descriptor is not such a chunk. Thread-safety: values with one owner.
#ifndef TROUPE_OBJECTSTORE_CHUNK_CHUNK_H_
#define TROUPE_OBJECTSTORE_CHUNK_CHUNK_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"

namespace troupe::objectstore {

class Chunk {
 public:
  // `bytes`: a multiple of the page size.
  static absl::StatusOr<Chunk> Create(uint64_t bytes);

  uint64_t bytes() const { return bytes_; }
  // Pages get memory now, so that no later access to them can fail. Errors: ResourceExhausted.
  absl::Status Populate(uint64_t offset, uint64_t bytes) const;
  // Pages lose their memory: they are zero when they are written again. Whoever has them mapped is
  // not hurt. REQUIRES: whole pages.
  void Punch(uint64_t offset, uint64_t bytes) const;

  int writable_fd() const { return writable_.get(); }
  int read_only_fd() const { return read_only_.get(); }

 private:
  Chunk(UniqueFd writable, UniqueFd read_only, uint64_t bytes)
      : writable_(std::move(writable)), read_only_(std::move(read_only)), bytes_(bytes) {}

  UniqueFd writable_;
  UniqueFd read_only_;
  uint64_t bytes_;
};

class Mapping {
 public:
  enum class Access { kRead, kWrite };
  // Checks that the descriptor is a sealed chunk of `bytes`.
  static absl::StatusOr<Mapping> Map(int fd, uint64_t bytes, Access access);

  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping();

  // Gives this process's page table the pages of a part that is about to be written: one call
  // instead of a fault for each.
  void Prepare(uint64_t offset, uint64_t bytes) const;

  std::byte* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }

 private:
  Mapping(std::byte* data, uint64_t bytes) : data_(data), bytes_(bytes) {}

  std::byte* data_;
  uint64_t bytes_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CHUNK_CHUNK_H_
