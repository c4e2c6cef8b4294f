// StreamChannel is a Channel over a stream socket: messages with a length before each.
//
// It has no shared memory, so no state words, and its bell is the socket itself. Tools use it on
// one machine; between machines the same frames will travel over TCP. Bounds: those of
// ControlSocket, which are narrower than a ShmChannel's. The owner waits for the socket to be
// writable, too, where outbox_bytes() is not 0.
#ifndef TROUPE_CORE_CHANNEL_STREAM_CHANNEL_H_
#define TROUPE_CORE_CHANNEL_STREAM_CHANNEL_H_

#include <vector>

#include "core/channel/channel.h"
#include "core/channel/control_socket.h"

namespace troupe::channel {

class StreamChannel final : public Channel {
 public:
  // `socket` carries the channel's messages alone; it stays the caller's and must outlive this.
  explicit StreamChannel(ControlSocket* socket) : socket_(socket) {}

  absl::Status Send(Bytes message) override;
  std::span<std::byte> TryReserve(size_t bytes) override;
  absl::Status Commit(size_t used_bytes) override;
  bool Flush() override;
  size_t outbox_bytes() const override { return socket_->queued_bytes(); }
  void RingPeer() override {}
  bool PeerWaitsForThisCpu() const override { return false; }
  // A system call, unless a message is here already.
  bool HasInput() const override;
  absl::StatusOr<size_t> Receive(size_t max_messages,
                                 absl::FunctionRef<absl::Status(Bytes)> handle) override;
  bool PrepareToSleep(Sleeper) override { return !socket_->has_message(); }
  void WokeUp(Sleeper) override {}
  void StayAwake() override {}
  int bell_fd(Sleeper) const override { return socket_->fd(); }
  size_t max_inline_bytes() const override;
  bool has_task_words() const override { return false; }
  TaskWord& task_word(uint32_t slot) override;

 private:
  ControlSocket* socket_;
  std::vector<uint64_t> scratch_;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_STREAM_CHANNEL_H_
