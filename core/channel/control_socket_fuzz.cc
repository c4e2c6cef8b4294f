// A hostile peer on a control socket (socket_fuzz.h): whatever it sends, each message is whole and
// within the bounds, an honest one arrives as it was sent, and no descriptor stays open.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/check.h"
#include "core/base/unique_fd.h"
#include "core/channel/control_socket.h"
#include "core/channel/socket_fuzz.h"

namespace {

using troupe::UniqueFd;
using troupe::channel::ControlSocket;
using troupe::channel::HostilePeer;
using troupe::channel::NoDescriptorStays;
using troupe::channel::SocketStep;
using troupe::channel::TakeStep;

void Run(std::span<const uint8_t> input) {
  auto pair = ControlSocket::Pair();
  TROUPE_CHECK(pair.ok(), "no sockets");
  HostilePeer peer(std::move(pair->first), /*with_descriptors=*/true);
  ControlSocket socket(std::move(pair->second));
  for (auto step = TakeStep(&input); step.has_value(); step = TakeStep(&input)) {
    std::vector<std::byte> message(step->bytes.size() * step->times());
    for (size_t i = 0; i < message.size(); i += step->bytes.size())
      std::memcpy(&message[i], step->bytes.data(), step->bytes.size());
    peer.Take(*step, message);
    if ((step->what & SocketStep::kReceive) == 0) continue;
    const size_t most = 1 + step->bytes.size() % 4;
    size_t messages = 0;
    const absl::Status status = socket.Receive(
        [&](std::span<const std::byte> received, std::vector<UniqueFd> descriptors) {
          peer.Check(received, descriptors.size());
          for (const UniqueFd& fd : descriptors)
            TROUPE_CHECK(static_cast<bool>(fd), "no descriptor");
          ++messages;
          return absl::OkStatus();
        },
        most);
    peer.Flush();
    TROUPE_CHECK(messages <= most, "more messages than were asked for");
    TROUPE_CHECK(status.ok() || !peer.is_honest(), "an honest peer was cut off");
    if (!status.ok()) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const NoDescriptorStays check;
  Run({data, size});
  return 0;
}
