#include "worker/greeting.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/string_view.h"

namespace troupe::worker {

absl::Status Greet(
    channel::ControlSocket& socket, const wire::Hello& hello, std::span<const int> descriptors,
    int64_t deadline_nanos,
    absl::FunctionRef<absl::Status(const wire::ControlMessage&, std::vector<UniqueFd>)> handle) {
  const int64_t begin = MonotonicNanos();
  wire::MessageBuffer buffer;
  // A node that refuses may have closed its end before it has read everything: its answer, which
  // says why, counts more than that sending failed.
  bool can_send = socket.Send(wire::Encode(wire::ControlMessage(hello), buffer), descriptors).ok();
  bool welcome = false;
  while (!welcome) {
    const int64_t left = deadline_nanos - MonotonicNanos();
    if (left <= 0) {
      return absl::UnavailableError(absl::StrCat(
          "the node did not answer within ", (deadline_nanos - begin + 500'000'000) / 1'000'000'000,
          " s: it is stopped, or its machine is overloaded"));
    }
    if (can_send && socket.has_queued()) can_send = socket.Flush().ok();
    const int events = POLLIN | (can_send && socket.has_queued() ? POLLOUT : 0);
    pollfd p{socket.fd(), static_cast<int16_t>(events), 0};
    poll(&p, 1, static_cast<int>(std::min<int64_t>(left / 1'000'000 + 1, 1'000)));
    absl::Status answer;  // the node's, or the caller's own
    const absl::Status status =
        socket.Receive([&](wire::Bytes bytes, std::vector<UniqueFd> received) -> absl::Status {
          const absl::StatusOr<wire::ControlMessage> message = wire::DecodeControlMessage(bytes);
          if (!message.ok()) return message.status();
          if (const auto* refused = std::get_if<wire::Refused>(&*message)) {
            return answer = absl::FailedPreconditionError(ToAbsl(refused->reason));
          }
          if (!welcome && !std::holds_alternative<wire::Welcome>(*message))
            return absl::InvalidArgumentError("its answer is no welcome");
          welcome = true;
          return answer = handle(*message, std::move(received));
        });
    if (!answer.ok()) return answer;
    if (status.ok() || welcome) continue;
    if (absl::IsInvalidArgument(status)) {
      return absl::UnavailableError(
          absl::StrCat("who answers there is no node of Troupe, or one of another version (",
                       ToAbsl(ToStd(status.message())), "): start one with `troupe up`"));
    }
    return absl::UnavailableError(
        "the node has closed the connection: it has died or is stopping; start it again with "
        "`troupe up`");
  }
  return absl::OkStatus();
}

}  // namespace troupe::worker
