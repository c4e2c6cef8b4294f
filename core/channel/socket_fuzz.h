// What the fuzz targets of sockets share: a peer whose every step is in the input.
//
// A step is {u8 what, u8 length} and `length` bytes. Bits of `what`: 1, the bytes are written as
// they are, with (what >> 5) descriptors; 2, an honest message of that size and content is sent; 4,
// the other side receives; 8, the peer closes its end; 16, the honest message is kManyTimes as
// large. A few of those fill the peer's socket, and some more its queue: both are small, so that an
// input that fills them takes no longer than others.
#ifndef TROUPE_CORE_CHANNEL_SOCKET_FUZZ_H_
#define TROUPE_CORE_CHANNEL_SOCKET_FUZZ_H_

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/unique_fd.h"
#include "core/channel/control_socket.h"

namespace troupe::channel {

struct SocketStep {
  static constexpr uint8_t kRaw = 1, kHonest = 2, kReceive = 4, kClose = 8, kLarge = 16;
  static constexpr size_t kManyTimes = 64;
  uint8_t what = 0;
  std::span<const std::byte> bytes;
  size_t descriptors() const { return what >> 5; }
  size_t times() const { return (what & kLarge) != 0 ? kManyTimes : 1; }
};

// Takes the next step from the input; nothing where it is used up.
inline std::optional<SocketStep> TakeStep(std::span<const uint8_t>* input) {
  if (input->size() < 2) return std::nullopt;
  const size_t length = std::min<size_t>((*input)[1], input->size() - 2);
  SocketStep step{(*input)[0], std::as_bytes(input->subspan(2, length))};
  *input = input->subspan(2 + length);
  return step;
}

class HostilePeer {
 public:
  struct Sent {
    std::vector<std::byte> bytes;
    size_t descriptors;
  };

  // `with_descriptors`: an honest message has the descriptors of its step; else none.
  HostilePeer(UniqueFd socket, bool with_descriptors)
      : raw_(socket.get()),
        honest_(std::move(socket), kQueuedBytes, kQueuedDescriptors),
        with_descriptors_(with_descriptors) {
    const int least = 0;  // the system makes it the least that there is, some KiB
    TROUPE_CHECK(setsockopt(raw_, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)) == 0,
                 "the size of a socket cannot be set");
  }

  // `message`: what an honest peer makes of the step's bytes.
  void Take(const SocketStep& step, std::span<const std::byte> message) {
    if (closed_) return;
    const std::vector<int> descriptors(step.descriptors(), STDERR_FILENO);
    if ((step.what & SocketStep::kRaw) != 0) WriteRaw(step.bytes, descriptors);
    const std::span<const int> with =
        with_descriptors_ ? std::span(descriptors) : std::span<const int>();
    if ((step.what & SocketStep::kHonest) != 0 && honest_.Send(message, with).ok())
      expected_.push_back({{message.begin(), message.end()}, with.size()});
    if ((step.what & SocketStep::kClose) != 0) {
      shutdown(raw_, SHUT_WR);
      closed_ = true;
    }
  }
  // To be called for each message that has come: while the peer is honest, it is what was sent.
  void Check(std::span<const std::byte> message, size_t descriptors) {
    TROUPE_CHECK(reinterpret_cast<uintptr_t>(message.data()) % 8 == 0, "a message amid a word");
    TROUPE_CHECK(message.size() <= ControlSocket::kMaxBytes, "a message that is too large");
    TROUPE_CHECK(descriptors <= ControlSocket::kMaxDescriptors, "too many descriptors");
    if (lied_) return;
    TROUPE_CHECK(!expected_.empty(), "a message that nobody sent");
    const Sent& sent = expected_.front();
    TROUPE_CHECK(message.size() == sent.bytes.size() && descriptors == sent.descriptors,
                 "another message than was sent");
    TROUPE_CHECK(
        message.empty() || std::memcmp(message.data(), sent.bytes.data(), message.size()) == 0,
        "another message than was sent");
    expected_.pop_front();
  }
  // What the full socket did not take, now that the other side has received.
  void Flush() { (void)honest_.Flush(); }
  bool is_honest() const { return !lied_ && !closed_; }

 private:
  static constexpr size_t kQueuedBytes = size_t{64} << 10;
  static constexpr size_t kQueuedDescriptors = 32;

  void WriteRaw(std::span<const std::byte> bytes, const std::vector<int>& descriptors) {
    if (bytes.empty()) return;
    lied_ = true;
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
    if (!descriptors.empty()) {
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
      cmsghdr* c = CMSG_FIRSTHDR(&header);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
      std::memcpy(CMSG_DATA(c), descriptors.data(), descriptors.size() * sizeof(int));
    }
    (void)sendmsg(raw_, &header, MSG_NOSIGNAL | MSG_DONTWAIT);  // a full socket takes less
  }

  int raw_;
  ControlSocket honest_;
  const bool with_descriptors_;
  std::deque<Sent> expected_;
  bool lied_ = false;
  bool closed_ = false;
};

// Stops the process where descriptors that were open in its life are open at its end.
class NoDescriptorStays {
 public:
  NoDescriptorStays() : free_(LowestFree()) {}
  ~NoDescriptorStays() { TROUPE_CHECK(LowestFree() == free_, "a descriptor was left open"); }
  NoDescriptorStays(const NoDescriptorStays&) = delete;
  NoDescriptorStays& operator=(const NoDescriptorStays&) = delete;

 private:
  static int LowestFree() { return UniqueFd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)).get(); }
  const int free_;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_SOCKET_FUZZ_H_
