#include "core/channel/stream_channel.h"

#include "core/base/check.h"
#include "core/base/limits.h"

namespace troupe::channel {

absl::Status StreamChannel::Send(Bytes message) { return socket_->Send(message); }

bool StreamChannel::Flush() {
  const absl::StatusOr<bool> flushed = socket_->Flush();
  return flushed.ok() && *flushed;
}

absl::StatusOr<size_t> StreamChannel::Receive(size_t,
                                              absl::FunctionRef<absl::Status(Bytes)> handle) {
  size_t messages = 0;
  const absl::Status status = socket_->Receive([&](Bytes message, std::vector<UniqueFd>) {
    ++messages;
    return handle(message);
  });
  if (!status.ok()) return status;
  return messages;
}

size_t StreamChannel::max_inline_bytes() const { return Limits::kMaxInlineBytesPerMessage; }

TaskWord& StreamChannel::task_word(uint32_t) {
  TROUPE_CHECK(false, "a stream has no state words");
  __builtin_unreachable();
}

}  // namespace troupe::channel
