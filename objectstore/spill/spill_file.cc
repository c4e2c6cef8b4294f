#include "objectstore/spill/spill_file.h"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <lz4.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
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
// So much is tried before an object is compressed, in so many places.
constexpr size_t kSampleBytes = size_t{16} << 10;
constexpr uint64_t kSamples = 4;

// An eighth less, at least.
bool Pays(uint64_t stored, uint64_t size) { return stored <= size - size / 8 && stored < size; }

// Bytes that may be read back; `to` has room for one less than `size`. 0: they do not become fewer.
size_t Compress(const std::byte* from, size_t size, std::byte* to) {
  return static_cast<size_t>(
      LZ4_compress_default(reinterpret_cast<const char*>(from), reinterpret_cast<char*>(to),
                           static_cast<int>(size), static_cast<int>(size) - 1));
}

bool Decompress(std::span<const std::byte> from, std::span<std::byte> to) {
  return LZ4_decompress_safe(reinterpret_cast<const char*>(from.data()),
                             reinterpret_cast<char*>(to.data()), static_cast<int>(from.size()),
                             static_cast<int>(to.size())) == static_cast<int>(to.size());
}

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

// Of the object store, which is always there.
absl::Status ReadStore(int fd, std::byte* to, size_t size, uint64_t at) {
  bool end = false;
  if (ReadAll(fd, to, size, at, &end, take_point)) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("cannot read the object store: ", end ? "it ends before" : strerror(errno)));
}

// Before each block of what is compressed.
using BlockSize = uint32_t;

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

namespace {

absl::Status CannotMakeAFile(const std::string& directory, const std::string& why) {
  return absl::UnavailableError(absl::StrCat("cannot make a file in ", directory, ": ", why));
}

// Whose owner could make it something else, or take away what is in it: refused unless it is ours,
// or root's (/tmp, a mounted disk). So is a symbolic link that somebody else has made.
absl::StatusOr<UniqueFd> OpenDirectory(const std::string& directory) {
  const auto is_trusted = [](const struct stat& info) {
    return info.st_uid == geteuid() || info.st_uid == 0;
  };
  struct stat link {};
  if (lstat(directory.c_str(), &link) == 0 && !is_trusted(link)) {
    return CannotMakeAFile(directory, absl::StrCat("it belongs to user ", link.st_uid));
  }
  UniqueFd place(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat info {};
  if (!place || fstat(place.get(), &info) != 0) return CannotMakeAFile(directory, strerror(errno));
  if (!is_trusted(info))
    return CannotMakeAFile(directory, absl::StrCat("it belongs to user ", info.st_uid));
  return place;
}

}  // namespace

absl::StatusOr<SpillFile> SpillFile::Create(const std::string& directory) {
  absl::StatusOr<UniqueFd> place = OpenDirectory(directory);
  if (!place.ok()) return place.status();
  // From here on the directory is the one that was looked at, whatever its name comes to mean.
  const std::string looked_at = absl::StrCat("/proc/self/fd/", place->get());
  UniqueFd fd(create_point.Call(
      [&] { return open(looked_at.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }));
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    std::string path = looked_at + "/troupe-spill-XXXXXX";
    fd = UniqueFd(mkostemp(path.data(), O_CLOEXEC));
    if (fd) unlink(path.c_str());
  }
  if (!fd) return CannotMakeAFile(directory, strerror(errno));
  return SpillFile(directory, std::move(fd));
}

absl::Status SpillFile::Lost(const char* how) const {
  return absl::DataLossError(absl::StrCat("what was spilled to ", directory_, " ", how));
}

absl::StatusOr<SpillFile::Copy> SpillFile::Write(int from_fd, uint64_t from, uint64_t size,
                                                 uint64_t at) const {
  const absl::StatusOr<std::optional<Copy>> compressed = WriteCompressed(from_fd, from, size, at);
  if (!compressed.ok()) return compressed.status();
  if (compressed->has_value()) return **compressed;
  return WritePlain(from_fd, from, size, at);
}

absl::StatusOr<SpillFile::Copy> SpillFile::WritePlain(int from_fd, uint64_t from, uint64_t size,
                                                      uint64_t at) const {
  std::vector<std::byte> buffer(std::min<uint64_t>(size, kBufferBytes));
  Hash hash;
  for (uint64_t done = 0; done < size;) {
    const size_t part = std::min<uint64_t>(buffer.size(), size - done);
    if (absl::Status read = ReadStore(from_fd, buffer.data(), part, from + done); !read.ok())
      return read;
    hash.Add(buffer.data(), part);
    if (!WriteAll(fd_.get(), buffer.data(), part, at + done, write_point)) {
      TROUPE_PROBE("spill: a write failed");
      return Failure("write to");
    }
    done += part;
  }
  return Copy{size, hash.Sum()};
}

absl::StatusOr<std::optional<SpillFile::Copy>> SpillFile::WriteCompressed(int from_fd,
                                                                          uint64_t from,
                                                                          uint64_t size,
                                                                          uint64_t at) const {
  const size_t block = std::min<uint64_t>(size, kBufferBytes);
  std::vector<std::byte> plain(block);
  std::vector<std::byte> packed(sizeof(BlockSize) + block);

  const uint64_t samples = std::min(kSamples, size / kSampleBytes + 1);
  uint64_t tried = 0, packed_to = 0;
  for (uint64_t i = 0; i < samples; ++i) {
    const uint64_t offset = size / samples * i;
    const size_t part = std::min<uint64_t>(kSampleBytes, size - offset);
    if (absl::Status read = ReadStore(from_fd, plain.data(), part, from + offset); !read.ok())
      return read;
    const size_t bytes = Compress(plain.data(), part, packed.data());
    tried += part;
    packed_to += bytes == 0 ? part : bytes;
  }
  if (!Pays(packed_to, tried)) return std::nullopt;

  Hash hash;
  uint64_t stored = 0;
  for (uint64_t done = 0; done < size;) {
    const size_t part = std::min<uint64_t>(block, size - done);
    if (absl::Status read = ReadStore(from_fd, plain.data(), part, from + done); !read.ok())
      return read;
    size_t bytes = Compress(plain.data(), part, packed.data() + sizeof(BlockSize));
    if (bytes == 0) {
      bytes = part;
      std::copy_n(plain.begin(), part, packed.begin() + sizeof(BlockSize));
    }
    const BlockSize header = static_cast<BlockSize>(bytes);
    std::memcpy(packed.data(), &header, sizeof(header));
    bytes += sizeof(header);
    if (!Pays(stored + bytes, size)) return std::nullopt;
    hash.Add(packed.data(), bytes);
    if (!WriteAll(fd_.get(), packed.data(), bytes, at + stored, write_point)) {
      TROUPE_PROBE("spill: a compressed write failed");
      return Failure("write to");
    }
    done += part;
    stored += bytes;
  }
  return Copy{stored, hash.Sum()};
}

absl::Status SpillFile::Read(int to_fd, uint64_t to, uint64_t size, uint64_t at,
                             const Copy& copy) const {
  const bool compressed = copy.size < size;
  const size_t block = std::min<uint64_t>(size, kBufferBytes);
  std::vector<std::byte> plain(block);
  std::vector<std::byte> packed(compressed ? block : 0);
  Hash hash;
  uint64_t read = 0;
  // The next bytes of the copy.
  const auto next = [&](std::byte* bytes, size_t count) {
    if (count > copy.size - read) return Lost("is damaged: a block ends behind it");
    bool end = false;
    if (!ReadAll(fd_.get(), bytes, count, at + read, &end, read_point)) {
      if (end) {
        TROUPE_PROBE("spill: the file was cut off");
        return Lost("was cut off");
      }
      TROUPE_PROBE("spill: a read failed");
      return Lost(absl::StrCat("cannot be read: ", strerror(errno)).c_str());
    }
    hash.Add(bytes, count);
    read += count;
    return absl::OkStatus();
  };
  for (uint64_t done = 0; done < size;) {
    const size_t part = std::min<uint64_t>(block, size - done);
    BlockSize bytes = static_cast<BlockSize>(part);
    if (compressed) {
      std::byte header[sizeof(bytes)];
      if (absl::Status status = next(header, sizeof(header)); !status.ok()) return status;
      std::memcpy(&bytes, header, sizeof(bytes));
      if (bytes > part) return Lost("is damaged: a block is larger than what it was made of");
    }
    const bool packs = bytes < part;
    if (absl::Status status = next(packs ? packed.data() : plain.data(), bytes); !status.ok())
      return status;
    if (packs && !Decompress(std::span(packed).first(bytes), std::span(plain).first(part)))
      return Lost("is damaged: it cannot be decompressed");
    if (!WriteAll(to_fd, plain.data(), part, to + done, give_point))
      return absl::ResourceExhaustedError(strerror(errno));
    done += part;
  }
  if (read != copy.size || hash.Sum() != copy.checksum) {
    TROUPE_PROBE("spill: what was read is damaged");
    return Lost("is damaged: its checksum is another one");
  }
  return absl::OkStatus();
}

void SpillFile::Punch(uint64_t at, uint64_t bytes) const {
  // A file system without holes gives the blocks back with the file.
  (void)fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
                  static_cast<off_t>(bytes));
}

}  // namespace troupe::objectstore
