#include "objectstore/spill/spill_file.h"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/fault/fault.h"
#include "core/fault/probe.h"

namespace troupe::objectstore {
namespace {

constinit const fault::Point create_point("spill.create");
constinit const fault::Point write_point("spill.write");
constinit const fault::Point read_point("spill.read");
constinit const fault::Point take_point("store.read");  // the store's side of the two
constinit const fault::Point give_point("store.write");

// Stays in the second-level cache between the hash and the copy.
constexpr size_t kBufferBytes = size_t{512} << 10;

// All of it, or errno.
bool ReadAll(int fd, std::byte* to, size_t size, uint64_t at, bool* end,
             const fault::Point& point) {
  *end = false;
  while (size > 0) {
    const size_t part = point.Truncate(size);
    const ssize_t n = point.Call([&] { return pread(fd, to, part, static_cast<off_t>(at)); });
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) {
      *end = true;
      return false;
    }
    to += n;
    size -= static_cast<size_t>(n);
    at += static_cast<uint64_t>(n);
  }
  return true;
}

bool WriteAll(int fd, const std::byte* from, size_t size, uint64_t at, const fault::Point& point) {
  while (size > 0) {
    const size_t part = point.Truncate(size);
    const ssize_t n = point.Call([&] { return pwrite(fd, from, part, static_cast<off_t>(at)); });
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    from += n;
    size -= static_cast<size_t>(n);
    at += static_cast<uint64_t>(n);
  }
  return true;
}

class Hash {
 public:
  Hash() : state_(XXH3_createState()) { XXH3_64bits_reset(state_.get()); }
  void Add(const std::byte* bytes, size_t size) { XXH3_64bits_update(state_.get(), bytes, size); }
  uint64_t Sum() const { return XXH3_64bits_digest(state_.get()); }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

}  // namespace

absl::Status SpillFile::Failure(const char* what) const {
  return absl::UnavailableError(
      absl::StrCat("cannot ", what, " ", directory_, ": ", strerror(errno)));
}

absl::StatusOr<SpillFile> SpillFile::Create(const std::string& directory) {
  UniqueFd fd(create_point.Call(
      [&] { return open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }));
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    std::string path = directory + "/troupe-spill-XXXXXX";
    fd = UniqueFd(mkostemp(path.data(), O_CLOEXEC));
    if (fd) unlink(path.c_str());
  }
  if (!fd) {
    return absl::UnavailableError(
        absl::StrCat("cannot make a file in ", directory, ": ", strerror(errno)));
  }
  return SpillFile(directory, std::move(fd));
}

absl::StatusOr<uint64_t> SpillFile::Write(int from_fd, uint64_t from, uint64_t size,
                                          uint64_t at) const {
  std::vector<std::byte> buffer(std::min<uint64_t>(size, kBufferBytes));
  Hash hash;
  for (uint64_t done = 0; done < size;) {
    const size_t part = std::min<uint64_t>(buffer.size(), size - done);
    bool end = false;
    if (!ReadAll(from_fd, buffer.data(), part, from + done, &end, take_point))
      return absl::InternalError(absl::StrCat("cannot read the object store: ", strerror(errno)));
    hash.Add(buffer.data(), part);
    if (!WriteAll(fd_.get(), buffer.data(), part, at + done, write_point)) {
      TROUPE_PROBE("spill: a write failed");
      return Failure("write to");
    }
    done += part;
  }
  return hash.Sum();
}

absl::Status SpillFile::Read(int to_fd, uint64_t to, uint64_t size, uint64_t at,
                             uint64_t checksum) const {
  std::vector<std::byte> buffer(std::min<uint64_t>(size, kBufferBytes));
  Hash hash;
  for (uint64_t done = 0; done < size;) {
    const size_t part = std::min<uint64_t>(buffer.size(), size - done);
    bool end = false;
    if (!ReadAll(fd_.get(), buffer.data(), part, at + done, &end, read_point)) {
      if (end) {
        TROUPE_PROBE("spill: the file was cut off");
        return absl::DataLossError(
            absl::StrCat("what was spilled to ", directory_, " was cut off"));
      }
      TROUPE_PROBE("spill: a read failed");
      return absl::DataLossError(
          absl::StrCat("what was spilled to ", directory_, " cannot be read: ", strerror(errno)));
    }
    hash.Add(buffer.data(), part);
    if (!WriteAll(to_fd, buffer.data(), part, to + done, give_point))
      return absl::ResourceExhaustedError(strerror(errno));
    done += part;
  }
  if (hash.Sum() != checksum) {
    TROUPE_PROBE("spill: what was read is damaged");
    return absl::DataLossError(absl::StrCat("what was spilled to ", directory_,
                                            " is damaged: its checksum is another one"));
  }
  return absl::OkStatus();
}

void SpillFile::Punch(uint64_t at, uint64_t bytes) const {
  // A file system without holes gives the blocks back with the file.
  (void)fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
                  static_cast<off_t>(bytes));
}

}  // namespace troupe::objectstore
