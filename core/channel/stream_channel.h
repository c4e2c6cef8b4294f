// StreamChannel is a Channel over a stream socket: messages with a length before each.
//
// It has no shared memory, so no state words, and its bell is the socket itself. Tools use it on
// one machine; between machines the same frames will travel over TCP.
#ifndef TROUPE_CORE_CHANNEL_STREAM_CHANNEL_H_
#define TROUPE_CORE_CHANNEL_STREAM_CHANNEL_H_

#include <deque>
#include <vector>

#include "core/channel/channel.h"
#include "core/channel/control_socket.h"

namespace troupe::channel {

class StreamChannel final : public Channel {
 public:
  // `socket` carries the channel's messages alone; it stays the caller's and must outlive this.
  explicit StreamChannel(ControlSocket* socket) : socket_(socket) {}

  absl::Status Send(Bytes message) override;
  bool Flush() override;
  size_t outbox_bytes() const override { return 0; }
  void RingPeer() override {}
  bool HasInput() const override { return true; }
  absl::StatusOr<size_t> Receive(size_t max_messages,
                                 absl::FunctionRef<absl::Status(Bytes)> handle) override;
  bool PrepareToSleep(Sleeper) override { return true; }
  void WokeUp(Sleeper) override {}
  void StayAwake() override {}
  int bell_fd(Sleeper) const override { return socket_->fd(); }
  size_t max_inline_bytes() const override;
  bool has_task_words() const override { return false; }
  TaskWord& task_word(uint32_t slot) override;

 private:
  ControlSocket* socket_;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_STREAM_CHANNEL_H_
