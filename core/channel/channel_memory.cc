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

namespace troupe::channel {
namespace {

constexpr uint64_t kMagic = 0x314c4e4843505254;  // "TRPCHNL1"
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

struct Header {
  uint64_t magic;
  uint64_t ring_bytes;
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
  madvise(base, bytes, MADV_DONTFORK);
  return static_cast<std::byte*>(base);
}

}  // namespace

absl::StatusOr<ChannelMemory> ChannelMemory::Create(size_t ring_bytes) {
  ring_bytes = std::bit_ceil(std::clamp(ring_bytes, Limits::kMinRingBytes, Limits::kMaxRingBytes));
  UniqueFd fd(memfd_create("troupe-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(TotalBytes(ring_bytes))) != 0 ||
      fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot make a channel of ", TotalBytes(ring_bytes), " bytes: ", strerror(errno)));
  }
  absl::StatusOr<std::byte*> base = Map(fd.get(), TotalBytes(ring_bytes));
  if (!base.ok()) return base.status();
  Header* header = new (*base) Header{};
  header->magic = kMagic;
  header->ring_bytes = ring_bytes;
  return ChannelMemory(std::move(fd), *base, ring_bytes);
}

absl::StatusOr<ChannelMemory> ChannelMemory::Open(UniqueFd fd) {
  struct stat info {};
  const auto error = [](const char* what) {
    return absl::InvalidArgumentError(absl::StrCat("this is not the memory of a channel: ", what));
  };
  if (fstat(fd.get(), &info) != 0) return error(strerror(errno));
  if ((fcntl(fd.get(), F_GET_SEALS) & kSeals) != kSeals) return error("it is not sealed");
  if (static_cast<size_t>(info.st_size) < kHeaderBytes) return error("it is too short");
  absl::StatusOr<std::byte*> base = Map(fd.get(), static_cast<size_t>(info.st_size));
  if (!base.ok()) return base.status();
  const Header* header = reinterpret_cast<const Header*>(*base);
  const uint64_t ring_bytes = header->ring_bytes;
  const bool valid = header->magic == kMagic && ring_bytes >= Limits::kMinRingBytes &&
                     ring_bytes <= Limits::kMaxRingBytes && std::has_single_bit(ring_bytes) &&
                     TotalBytes(ring_bytes) == static_cast<size_t>(info.st_size);
  if (!valid) {
    munmap(*base, static_cast<size_t>(info.st_size));
    return error("its header is wrong");
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
