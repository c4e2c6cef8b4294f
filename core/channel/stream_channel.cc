#include "core/channel/stream_channel.h"

#include <poll.h>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/limits.h"

namespace troupe::channel {

absl::Status StreamChannel::Send(Bytes message) {
  TROUPE_CHECK(!message.empty() && message.size() % 8 == 0,
               "a message that is not made of whole words");
  return socket_->Send(message);
}

std::span<std::byte> StreamChannel::TryReserve(size_t bytes) {
  TROUPE_CHECK(bytes != 0 && bytes % 8 == 0, "a message that is not made of whole words");
  scratch_.clear();
  if (bytes > ControlSocket::kMaxBytes || !Flush()) return {};
  scratch_.resize(bytes / 8);
  return std::as_writable_bytes(std::span(scratch_));
}

absl::Status StreamChannel::Commit(size_t used_bytes) {
  TROUPE_CHECK(used_bytes <= scratch_.size() * 8, "more is committed than was reserved");
  if (used_bytes == 0) return absl::OkStatus();
  return Send(std::as_bytes(std::span(scratch_)).first(used_bytes));
}

bool StreamChannel::Flush() {
  const absl::StatusOr<bool> flushed = socket_->Flush();
  return flushed.ok() && *flushed;
}

bool StreamChannel::HasInput() const {
  if (socket_->has_message()) return true;
  pollfd p{socket_->fd(), POLLIN, 0};
  return poll(&p, 1, 0) > 0;
}

absl::StatusOr<size_t> StreamChannel::Receive(size_t max_messages,
                                              absl::FunctionRef<absl::Status(Bytes)> handle) {
  size_t messages = 0;
  absl::Status handled;
  const auto take = [&](Bytes message, std::vector<UniqueFd> descriptors) -> absl::Status {
    if (message.empty() || message.size() % 8 != 0 || !descriptors.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("no message of a channel: ", message.size(),
                                                     " bytes, ", descriptors.size(),
                                                     " descriptors"));
    }
    ++messages;
    handled = handle(message);
    return handled;
  };
  const absl::Status status = socket_->Receive(take, max_messages);
  // What came before the end counts; the end is told the next time.
  if (!handled.ok()) return handled;
  if (!status.ok() && (messages == 0 || !absl::IsUnavailable(status))) return status;
  return messages;
}

size_t StreamChannel::max_inline_bytes() const { return Limits::kMaxInlineBytesPerMessage; }

TaskWord& StreamChannel::task_word(uint32_t) {
  TROUPE_CHECK(false, "a stream has no state words");
  __builtin_unreachable();
}

}  // namespace troupe::channel
