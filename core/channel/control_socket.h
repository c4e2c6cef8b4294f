// ControlSocket sends framed messages with descriptors over a Unix-domain stream socket: the
// handshake, the descriptors of chunks, and, by its end-of-file, the sign of life of a channel.
//
// A message is {u32 bytes, u32 descriptors} and the bytes. What does not fit into the socket is
// queued; the caller flushes when the socket is writable. Received descriptors are close-on-exec
// and are closed where nobody takes them. Bounds: kMaxBytes a message, kMaxDescriptors with it;
// kMaxQueuedBytes and kMaxQueuedDescriptors for a peer that does not read. Errors: Unavailable at
// end-of-file; InvalidArgument for garbage; ResourceExhausted past a bound. Not thread-safe.
#ifndef TROUPE_CORE_CHANNEL_CONTROL_SOCKET_H_
#define TROUPE_CORE_CHANNEL_CONTROL_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"

namespace troupe::channel {

class ControlSocket {
 public:
  static constexpr size_t kMaxBytes = size_t{4} << 20;
  static constexpr size_t kMaxDescriptors = 8;
  static constexpr size_t kMaxQueuedBytes = 4 * kMaxBytes;
  static constexpr size_t kMaxQueuedDescriptors = 1024;

  // Makes the socket non-blocking.
  explicit ControlSocket(UniqueFd socket, size_t max_queued_bytes = kMaxQueuedBytes,
                         size_t max_queued_descriptors = kMaxQueuedDescriptors);
  // A connected pair.
  static absl::StatusOr<std::pair<UniqueFd, UniqueFd>> Pair();

  int fd() const { return socket_.get(); }

  // Sends, or queues what does not fit now. The descriptors are duplicated, and stay the caller's.
  // Where it fails with ResourceExhausted or InvalidArgument, nothing of the message was sent.
  absl::Status Send(std::span<const std::byte> message, std::span<const int> descriptors = {});
  // Sends what is queued; true when nothing is left.
  absl::StatusOr<bool> Flush();
  bool has_queued() const { return !queue_.empty(); }
  size_t queued_bytes() const { return queued_bytes_; }

  // Hands each message that has come whole, at most `max_messages`, to `handle`, 8-aligned and
  // valid during the call. Does not wait. Takes a bounded amount from the socket, so that a peer
  // that goes on sending does not keep the caller here: what is left makes the socket readable
  // again, unless has_message(). What came before the end of the connection is handed over before
  // the error. REQUIRES: not called by `handle`.
  using Handler =
      absl::FunctionRef<absl::Status(std::span<const std::byte>, std::vector<UniqueFd>)>;
  absl::Status Receive(Handler handle, size_t max_messages = SIZE_MAX);
  // True where Receive has something to hand over, or an error, that the socket need not be asked
  // for.
  bool has_message() const;

 private:
  struct Queued {
    std::vector<std::byte> bytes;
    size_t sent = 0;
    std::vector<UniqueFd> descriptors;
  };
  // Sends from where the message is, with the descriptors; false where the peer has no room now.
  absl::StatusOr<bool> SendSome(Queued* message, std::span<const int> descriptors);
  // How much the message that begins at `at` takes with its header; 0 where it is not here yet.
  absl::StatusOr<size_t> MessageAt(size_t at) const;
  absl::Status HandOver(Handler handle, size_t* max_messages);
  // Reads once. *drained is set where there is no more for now.
  absl::Status Fill(bool* drained);

  UniqueFd socket_;
  const size_t max_queued_bytes_;
  const size_t max_queued_descriptors_;
  std::deque<Queued> queue_;
  size_t queued_bytes_ = 0;
  size_t queued_descriptors_ = 0;
  std::vector<std::byte> input_;
  std::deque<UniqueFd> input_descriptors_;
  absl::Status input_end_;  // why nothing more comes; told when `input_` has been handed over
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_CONTROL_SOCKET_H_
