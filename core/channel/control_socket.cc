#include "core/channel/control_socket.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/fault/fault.h"
#include "core/fault/probe.h"

namespace troupe::channel {
namespace {

constinit const fault::Point send_point("channel.send");
constinit const fault::Point receive_point("channel.receive");

constexpr size_t kHeaderBytes = 8;    // {u32 bytes, u32 descriptors}
constexpr size_t kStepBytes = 16384;  // read at a time
constexpr int kStepsPerReceive = 64;

struct MessageHeader {
  uint32_t bytes;
  uint32_t descriptors;
};
static_assert(sizeof(MessageHeader) == kHeaderBytes);

}  // namespace

ControlSocket::ControlSocket(UniqueFd socket, size_t max_queued_bytes,
                             size_t max_queued_descriptors)
    : socket_(std::move(socket)),
      max_queued_bytes_(max_queued_bytes),
      max_queued_descriptors_(max_queued_descriptors) {
  const int flags = fcntl(socket_.get(), F_GETFL);
  if (flags >= 0) fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
}

absl::StatusOr<std::pair<UniqueFd, UniqueFd>> ControlSocket::Pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("socketpair: ", strerror(errno)));
  }
  return std::pair(UniqueFd(fds[0]), UniqueFd(fds[1]));
}

absl::Status ControlSocket::Send(std::span<const std::byte> message,
                                 std::span<const int> descriptors) {
  TROUPE_CHECK(descriptors.size() <= kMaxDescriptors, "too many descriptors in a message");
  if (message.size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message of ", message.size(), " bytes; at most ", kMaxBytes));
  }
  if (queued_bytes_ + message.size() > max_queued_bytes_ ||
      queued_descriptors_ + descriptors.size() > max_queued_descriptors_) {
    TROUPE_PROBE("control socket: the peer does not read");
    return absl::ResourceExhaustedError(
        absl::StrCat("the peer does not read its socket: ", queued_bytes_, " bytes and ",
                     queued_descriptors_, " descriptors wait for it"));
  }
  Queued queued;
  queued.bytes.resize(kHeaderBytes + message.size());
  const MessageHeader header{static_cast<uint32_t>(message.size()),
                             static_cast<uint32_t>(descriptors.size())};
  std::memcpy(queued.bytes.data(), &header, kHeaderBytes);
  if (!message.empty())
    std::memcpy(queued.bytes.data() + kHeaderBytes, message.data(), message.size());
  // Mostly the peer has room, and nothing has to be kept.
  if (queue_.empty()) {
    const absl::StatusOr<bool> sent = SendSome(&queued, descriptors);
    if (!sent.ok()) return sent.status();
    if (queued.sent == queued.bytes.size()) return absl::OkStatus();
  }
  if (queued.sent == 0) {
    for (const int fd : descriptors) {
      UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
      if (!copy) {
        return absl::ResourceExhaustedError(
            absl::StrCat("duplicating a descriptor: ", strerror(errno)));
      }
      queued.descriptors.push_back(std::move(copy));
    }
  }
  queued_bytes_ += queued.bytes.size() - queued.sent;
  queued_descriptors_ += queued.descriptors.size();
  queue_.push_back(std::move(queued));
  return Flush().status();
}

absl::StatusOr<bool> ControlSocket::SendSome(Queued* message, std::span<const int> descriptors) {
  iovec part{message->bytes.data() + message->sent,
             send_point.Truncate(message->bytes.size() - message->sent)};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(c), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    const ssize_t sent =
        send_point.Call([&] { return sendmsg(socket_.get(), &header, MSG_NOSIGNAL); });
    if (sent >= 0) {
      message->sent += static_cast<size_t>(sent);
      if (message->sent < message->bytes.size())
        TROUPE_PROBE("control socket: a part of a message was sent");
      return true;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    // As many descriptors are under way as this user may have: some must be received first.
    if (errno == ETOOMANYREFS) {
      TROUPE_PROBE("control socket: too many descriptors under way");
      return false;
    }
    return absl::UnavailableError(absl::StrCat("sending to the peer: ", strerror(errno)));
  }
}

absl::StatusOr<bool> ControlSocket::Flush() {
  while (!queue_.empty()) {
    Queued& front = queue_.front();
    std::vector<int> numbers;
    for (const UniqueFd& descriptor : front.descriptors) numbers.push_back(descriptor.get());
    const size_t before = front.sent;
    const absl::StatusOr<bool> sent = SendSome(&front, numbers);
    if (!sent.ok() || !*sent) return sent;
    queued_descriptors_ -= front.descriptors.size();
    front.descriptors.clear();  // they went with the first byte
    queued_bytes_ -= front.sent - before;
    if (front.sent == front.bytes.size()) queue_.pop_front();
  }
  return true;
}

absl::Status ControlSocket::Fill(bool* drained) {
  const size_t before = input_.size();
  input_.resize(before + kStepBytes);
  iovec part{input_.data() + before, receive_point.Truncate(kStepBytes)};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t got;
  do {
    got = receive_point.Call(
        [&] { return recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); });
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  input_.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) {
    *drained = true;
    if (error == EAGAIN || error == EWOULDBLOCK) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("receiving from the peer: ", strerror(error)));
  }
  // First of all they get an owner.
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
      input_descriptors_.emplace_back(fd);
    }
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0) {
    TROUPE_PROBE("control socket: descriptors were lost on the way");
    return absl::ResourceExhaustedError(
        absl::StrCat("descriptors were lost on the way: more than ", kMaxDescriptors,
                     " came with a message, or too many are open in this process"));
  }
  if (input_descriptors_.size() > kStepsPerReceive * kMaxDescriptors) {
    return absl::InvalidArgumentError("descriptors that belong to no message");
  }
  if (got == 0) return absl::UnavailableError("the peer has closed the connection");
  return absl::OkStatus();
}

absl::StatusOr<size_t> ControlSocket::MessageAt(size_t at) const {
  if (input_.size() - at < kHeaderBytes) return size_t{0};
  MessageHeader header;
  std::memcpy(&header, input_.data() + at, kHeaderBytes);
  if (header.bytes > kMaxBytes || header.descriptors > kMaxDescriptors) {
    return absl::InvalidArgumentError(absl::StrCat("a message of ", header.bytes, " bytes with ",
                                                   header.descriptors, " descriptors"));
  }
  if (input_.size() - at - kHeaderBytes < header.bytes) return size_t{0};
  return kHeaderBytes + header.bytes;
}

bool ControlSocket::has_message() const {
  if (!input_end_.ok()) return true;
  const absl::StatusOr<size_t> size = MessageAt(0);
  return !size.ok() || *size != 0;
}

absl::Status ControlSocket::HandOver(Handler handle, size_t* max_messages) {
  size_t at = 0;
  absl::Status status;
  for (; status.ok() && *max_messages > 0; --*max_messages) {
    const absl::StatusOr<size_t> size = MessageAt(at);
    if (!size.ok()) status = size.status();
    if (!size.ok() || *size == 0) break;
    MessageHeader header;
    std::memcpy(&header, input_.data() + at, kHeaderBytes);
    if (input_descriptors_.size() < header.descriptors) {
      status = absl::InvalidArgumentError("a message whose descriptors did not come with it");
      break;
    }
    std::vector<UniqueFd> descriptors;
    for (uint32_t i = 0; i < header.descriptors; ++i) {
      descriptors.push_back(std::move(input_descriptors_.front()));
      input_descriptors_.pop_front();
    }
    std::vector<uint64_t> aligned((header.bytes + 7) / 8);
    if (header.bytes > 0)
      std::memcpy(aligned.data(), input_.data() + at + kHeaderBytes, header.bytes);
    at += *size;
    status = handle(std::as_bytes(std::span(aligned)).first(header.bytes), std::move(descriptors));
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(at));
  return status;
}

absl::Status ControlSocket::Receive(Handler handle, size_t max_messages) {
  bool drained = false;
  for (int step = 0;; ++step) {
    if (absl::Status status = HandOver(handle, &max_messages); !status.ok()) return status;
    // Left for the next time, with what may have come before the end of the connection.
    if (max_messages == 0) return absl::OkStatus();
    if (!input_end_.ok()) return input_end_;
    if (drained || step == kStepsPerReceive) return absl::OkStatus();
    input_end_ = Fill(&drained);
  }
}

}  // namespace troupe::channel
