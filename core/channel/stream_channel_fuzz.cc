// A hostile peer on a stream channel (socket_fuzz.h): whatever it sends, each message is of whole
// words and without descriptors, an honest one arrives as it was sent, and no descriptor stays
// open.
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "core/channel/control_socket.h"
#include "core/channel/socket_fuzz.h"
#include "core/channel/stream_channel.h"

namespace {

using troupe::channel::Bytes;
using troupe::channel::ControlSocket;
using troupe::channel::HostilePeer;
using troupe::channel::NoDescriptorStays;
using troupe::channel::SocketStep;
using troupe::channel::StreamChannel;
using troupe::channel::TakeStep;

void Run(std::span<const uint8_t> input) {
  auto pair = ControlSocket::Pair();
  TROUPE_CHECK(pair.ok(), "no sockets");
  HostilePeer peer(std::move(pair->first), /*with_descriptors=*/false);
  ControlSocket socket(std::move(pair->second));
  StreamChannel channel(&socket);
  bool answers = true;  // while the peer's own buffers take them
  for (auto step = TakeStep(&input); step.has_value(); step = TakeStep(&input)) {
    const std::vector<uint64_t> words(1 + step->bytes.size() / 8 * step->times(), step->what);
    peer.Take(*step, std::as_bytes(std::span(words)));
    if ((step->what & SocketStep::kReceive) == 0) continue;
    const size_t most = 1 + step->bytes.size() % 4;
    size_t messages = 0;
    const absl::StatusOr<size_t> received = channel.Receive(most, [&](Bytes message) {
      TROUPE_CHECK(!message.empty() && message.size() % 8 == 0, "no message at all");
      peer.Check(message, 0);
      ++messages;
      const std::span<std::byte> room = channel.TryReserve(8 * most);
      if (!room.empty()) answers &= channel.Commit(messages % 2 == 0 ? 0 : 8).ok();
      return absl::OkStatus();
    });
    peer.Flush();
    TROUPE_CHECK(messages <= most, "more messages than were asked for");
    TROUPE_CHECK(received.ok() || !peer.is_honest(), "an honest peer was cut off");
    if (!received.ok()) return;
    TROUPE_CHECK(*received == messages, "a wrong count");
    TROUPE_CHECK(answers, "an answer was refused, with no more than a few words in the way");
    (void)channel.HasInput();
    (void)channel.Flush();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const NoDescriptorStays check;
  Run({data, size});
  return 0;
}
