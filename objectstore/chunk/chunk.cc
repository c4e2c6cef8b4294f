#include "objectstore/chunk/chunk.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/fault/fault.h"

namespace troupe::objectstore {
namespace {

constinit const fault::Point chunk_point("store.chunk");
constinit const fault::Point populate_point("store.populate");
constinit const fault::Point map_point("store.map");

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

absl::Status Failure(const char* what, uint64_t bytes) {
  return absl::ResourceExhaustedError(absl::StrCat("cannot ", what, " a chunk of ",
                                                   FormatBytes(static_cast<int64_t>(bytes)), ": ",
                                                   strerror(errno)));
}

}  // namespace

absl::StatusOr<Chunk> Chunk::Create(uint64_t bytes) {
  UniqueFd writable(chunk_point.Call(
      [] { return memfd_create("troupe-chunk", MFD_CLOEXEC | MFD_ALLOW_SEALING); }));
  if (!writable || ftruncate(writable.get(), static_cast<off_t>(bytes)) != 0 ||
      fcntl(writable.get(), F_ADD_SEALS, kSeals) != 0) {
    return Failure("make", bytes);
  }
  const std::string path = absl::StrCat("/proc/self/fd/", writable.get());
  UniqueFd read_only(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!read_only) return Failure("open", bytes);
  return Chunk(std::move(writable), std::move(read_only), bytes);
}

absl::Status Chunk::Populate(uint64_t offset, uint64_t bytes) const {
  int rc;
  do {
    rc = populate_point.Call([&] {
      return fallocate(writable_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(bytes));
    });
  } while (rc != 0 && errno == EINTR);
  if (rc != 0) return Failure("find memory for", bytes);
  return absl::OkStatus();
}

void Chunk::Punch(uint64_t offset, uint64_t bytes) const {
  int rc;
  do {
    rc = fallocate(writable_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                   static_cast<off_t>(offset), static_cast<off_t>(bytes));
  } while (rc != 0 && errno == EINTR);
  TROUPE_CHECK(rc == 0, "memory of a chunk that cannot be given back");
}

absl::StatusOr<Mapping> Mapping::Map(int fd, uint64_t bytes, Access access) {
  struct stat info {};
  if (fstat(fd, &info) != 0 || static_cast<uint64_t>(info.st_size) != bytes ||
      (fcntl(fd, F_GET_SEALS) & kSeals) != kSeals) {
    return absl::InvalidArgumentError(
        "a descriptor that is not a sealed chunk of the announced size");
  }
  const int protection = access == Access::kWrite ? PROT_READ | PROT_WRITE : PROT_READ;
  errno = map_point.Fail();
  void* data = errno != 0 ? MAP_FAILED : mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return Failure("map", bytes);
  return Mapping(static_cast<std::byte*>(data), bytes);
}

void Mapping::Prepare(uint64_t offset, uint64_t bytes) const {
#ifdef MADV_POPULATE_WRITE
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t begin = offset / page * page;
  // A kernel without it faults page by page, as ever.
  (void)madvise(data_ + begin, offset + bytes - begin, MADV_POPULATE_WRITE);
#endif
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}

Mapping::~Mapping() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace troupe::objectstore
