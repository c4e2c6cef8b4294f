// For tests: both ends of a ShmChannel in one process, each with a mapping of its own. (So that
// ThreadSanitizer sees no races between them: ring_test.cc looks for those on one mapping.)
#ifndef TROUPE_CORE_CHANNEL_CONNECTED_PAIR_H_
#define TROUPE_CORE_CHANNEL_CONNECTED_PAIR_H_

#include <fcntl.h>

#include <memory>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/unique_fd.h"
#include "core/channel/doorbell.h"
#include "core/channel/shm_channel.h"

namespace troupe::channel {

struct ConnectedPair {
  std::unique_ptr<ShmChannel> node, client;
};

inline UniqueFd Duplicate(int fd) { return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 3)); }

// What the handshake would send to the client.
inline std::vector<UniqueFd> DescriptorsFor(const ShmChannel& node) {
  std::vector<UniqueFd> descriptors;
  for (const int fd : node.descriptors()) descriptors.push_back(Duplicate(fd));
  return descriptors;
}

inline std::unique_ptr<ShmChannel> MakeNodeEnd(size_t ring_bytes) {
  absl::StatusOr<Doorbell> bell = Doorbell::Create();
  TROUPE_CHECK(bell.ok(), "no doorbell for a test");
  auto node = ShmChannel::CreateNodeEnd(ring_bytes, Duplicate(bell->fd()));
  TROUPE_CHECK(node.ok(), "no channel for a test");
  return *std::move(node);
}

inline ConnectedPair Connect(size_t ring_bytes) {
  ConnectedPair pair;
  pair.node = MakeNodeEnd(ring_bytes);
  auto client = ShmChannel::OpenClientEnd(DescriptorsFor(*pair.node));
  TROUPE_CHECK(client.ok(), "no client's end for a test");
  pair.client = *std::move(client);
  return pair;
}

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_CONNECTED_PAIR_H_
