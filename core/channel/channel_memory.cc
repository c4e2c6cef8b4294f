#include "core/channel/channel_memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/fault/fault.h"

namespace troupe::channel {
namespace {

constinit const fault::Point memory_point("channel.memory");

constexpr uint64_t kMagic = 0x004c4e4843505254;  // "TRPCHNL"
constexpr uint32_t kLayoutVersion = 2;           // to be raised with any change of what follows
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

struct Header {
  uint64_t magic;
  uint32_t layout_version;
  uint32_t state_words;
  uint64_t ring_bytes;  // of each of the two
  RingControl up;
  RingControl down;
  TaskWord words[Limits::kStateWords];
};
constexpr size_t kHeaderBytes = 4096;
static_assert(sizeof(Header) <= kHeaderBytes);

size_t TotalBytes(size_t ring_bytes) { return kHeaderBytes + 2 * ring_bytes; }

absl::StatusOr<std::byte*> Map(int fd, size_t bytes) {
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot map ", bytes, " bytes of a channel: ", strerror(errno)));
  }
  if (madvise(base, bytes, MADV_DONTFORK) != 0) {
    const int error = errno;
    munmap(base, bytes);
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot keep a channel from forked children: ", strerror(error)));
  }
  return static_cast<std::byte*>(base);
}

}  // namespace

absl::StatusOr<ChannelMemory> ChannelMemory::Create(size_t ring_bytes) {
  ring_bytes = std::bit_ceil(std::clamp(ring_bytes, Limits::kMinRingBytes, Limits::kMaxRingBytes));
  UniqueFd fd(memory_point.Call(
      [] { return memfd_create("troupe-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING); }));
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(TotalBytes(ring_bytes))) != 0 ||
      fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot make a channel of ", TotalBytes(ring_bytes), " bytes: ", strerror(errno)));
  }
  absl::StatusOr<std::byte*> base = Map(fd.get(), TotalBytes(ring_bytes));
  if (!base.ok()) return base.status();
  Header* header = new (*base) Header{};
  header->magic = kMagic;
  header->layout_version = kLayoutVersion;
  header->state_words = Limits::kStateWords;
  header->ring_bytes = ring_bytes;
  return ChannelMemory(std::move(fd), *base, ring_bytes);
}

absl::StatusOr<ChannelMemory> ChannelMemory::Open(UniqueFd fd) {
  struct stat info {};
  const auto error = [](const auto&... what) {
    return absl::InvalidArgumentError(
        absl::StrCat("this is not the memory of a channel: ", what...));
  };
  if (fstat(fd.get(), &info) != 0) return error(strerror(errno));
  // Below 0 for what cannot be sealed at all: a file, a pipe.
  const int seals = fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) return error("it is not sealed");
  if (info.st_size < static_cast<off_t>(kHeaderBytes) ||
      info.st_size > static_cast<off_t>(TotalBytes(Limits::kMaxRingBytes))) {
    return error("it has ", info.st_size, " bytes");
  }
  absl::StatusOr<std::byte*> base = Map(fd.get(), static_cast<size_t>(info.st_size));
  if (!base.ok()) return base.status();
  const Header* header = reinterpret_cast<const Header*>(*base);
  const uint64_t ring_bytes = header->ring_bytes;
  absl::Status status;
  if (header->magic != kMagic) {
    status = error("it does not begin as one");
  } else if (header->layout_version != kLayoutVersion ||
             header->state_words != static_cast<uint32_t>(Limits::kStateWords)) {
    status = error("its layout is version ", header->layout_version, " with ", header->state_words,
                   " state words, not ", kLayoutVersion, " with ", Limits::kStateWords,
                   "; build both sides from the same version of Troupe");
  } else if (ring_bytes < Limits::kMinRingBytes || ring_bytes > Limits::kMaxRingBytes ||
             !std::has_single_bit(ring_bytes) ||
             TotalBytes(ring_bytes) != static_cast<size_t>(info.st_size)) {
    status = error("rings of ", ring_bytes, " bytes in a memory of ", info.st_size);
  }
  if (!status.ok()) {
    munmap(*base, static_cast<size_t>(info.st_size));
    return status;
  }
  return ChannelMemory(std::move(fd), *base, ring_bytes);
}

ChannelMemory::ChannelMemory(UniqueFd fd, std::byte* base, size_t ring_bytes)
    : fd_(std::move(fd)), base_(base), ring_bytes_(ring_bytes) {}

ChannelMemory::ChannelMemory(ChannelMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      base_(std::exchange(other.base_, nullptr)),
      ring_bytes_(other.ring_bytes_) {}

ChannelMemory::~ChannelMemory() {
  if (base_ != nullptr) munmap(base_, TotalBytes(ring_bytes_));
}

RingControl* ChannelMemory::up_control() { return &reinterpret_cast<Header*>(base_)->up; }
RingControl* ChannelMemory::down_control() { return &reinterpret_cast<Header*>(base_)->down; }
std::byte* ChannelMemory::up_data() { return base_ + kHeaderBytes; }
std::byte* ChannelMemory::down_data() { return base_ + kHeaderBytes + ring_bytes_; }

TaskWord& ChannelMemory::task_word(uint32_t slot) {
  TROUPE_CHECK(slot < static_cast<uint32_t>(Limits::kStateWords),
               "a state word that does not exist");
  return reinterpret_cast<Header*>(base_)->words[slot];
}

}  // namespace troupe::channel
