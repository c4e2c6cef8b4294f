// ControlSocket sends framed messages with descriptors over a Unix-domain stream socket: the
// handshake, the descriptors of chunks, and, by its end-of-file, the sign of life of a channel.
//
// A message is {u32 bytes, u32 descriptors} and the bytes. What does not fit into the socket is
// queued; the caller flushes when the socket is writable. Received descriptors are close-on-exec
// and are closed where nobody takes them. Bounds: kMaxBytes a message, kMaxDescriptors with it.
// Errors: Unavailable at end-of-file; InvalidArgument for garbage. Not thread-safe.
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

  // Makes the socket non-blocking.
  explicit ControlSocket(UniqueFd socket);
  // A connected pair.
  static absl::StatusOr<std::pair<UniqueFd, UniqueFd>> Pair();

  int fd() const { return socket_.get(); }

  // Sends, or queues what does not fit now. The descriptors are duplicated where they must wait.
  absl::Status Send(std::span<const std::byte> message, std::span<const int> descriptors = {});
  // Sends what is queued; true when nothing is left.
  absl::StatusOr<bool> Flush();
  bool has_queued() const { return !queue_.empty(); }

  // Hands each message that has come whole to `handle`, 8-aligned and valid during the call. Does
  // not wait.
  using Handler =
      absl::FunctionRef<absl::Status(std::span<const std::byte>, std::vector<UniqueFd>)>;
  absl::Status Receive(Handler handle);

 private:
  struct Queued {
    std::vector<std::byte> bytes;
    size_t sent = 0;
    std::vector<UniqueFd> descriptors;
  };
  absl::Status Fill(bool* end);

  UniqueFd socket_;
  std::deque<Queued> queue_;
  std::vector<std::byte> input_;
  std::deque<UniqueFd> input_descriptors_;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_CONTROL_SOCKET_H_
