// ChannelMemory is the shared memory of one channel: two rings and the state words of dispatched
// tasks, in a memfd that is sealed against shrinking and growing, so that no access can ever fault.
//
// The node creates it, sends the descriptor in the handshake, and keeps a mapping; the client opens
// it. Layout: one page of header (magic, version, ring sizes, controls, words), the data of the
// ring up, the data of the ring down. A forked child does not inherit the mapping.
#ifndef TROUPE_CORE_CHANNEL_CHANNEL_MEMORY_H_
#define TROUPE_CORE_CHANNEL_CHANNEL_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "core/base/limits.h"
#include "core/base/unique_fd.h"
#include "core/channel/ring.h"
#include "core/channel/task_word.h"

namespace troupe::channel {

class ChannelMemory {
 public:
  // `ring_bytes` of each ring: rounded up to a power of two and clamped to the limits.
  // Errors: ResourceExhausted naming the size.
  static absl::StatusOr<ChannelMemory> Create(size_t ring_bytes);
  // Errors: InvalidArgument where the descriptor is not such a memory of this version, or is not
  // sealed.
  static absl::StatusOr<ChannelMemory> Open(UniqueFd fd);

  ChannelMemory(ChannelMemory&& other) noexcept;
  ChannelMemory& operator=(ChannelMemory&&) = delete;
  ~ChannelMemory();

  int fd() const { return fd_.get(); }
  size_t ring_bytes() const { return ring_bytes_; }
  RingControl* up_control();
  RingControl* down_control();
  std::byte* up_data();
  std::byte* down_data();
  // REQUIRES: slot < Limits::kStateWords.
  TaskWord& task_word(uint32_t slot);

 private:
  ChannelMemory(UniqueFd fd, std::byte* base, size_t ring_bytes);

  UniqueFd fd_;
  std::byte* base_;
  size_t ring_bytes_;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_CHANNEL_MEMORY_H_
