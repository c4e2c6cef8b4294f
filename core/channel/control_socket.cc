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

namespace troupe::channel {
namespace {

constexpr size_t kHeaderBytes = 8;

}  // namespace

ControlSocket::ControlSocket(UniqueFd socket) : socket_(std::move(socket)) {
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
  Queued queued;
  queued.bytes.resize(kHeaderBytes + message.size());
  const uint32_t header[2] = {static_cast<uint32_t>(message.size()),
                              static_cast<uint32_t>(descriptors.size())};
  std::memcpy(queued.bytes.data(), header, kHeaderBytes);
  std::memcpy(queued.bytes.data() + kHeaderBytes, message.data(), message.size());
  for (const int fd : descriptors) {
    UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!copy)
      return absl::ResourceExhaustedError(
          absl::StrCat("duplicating a descriptor: ", strerror(errno)));
    queued.descriptors.push_back(std::move(copy));
  }
  queue_.push_back(std::move(queued));
  return Flush().status();
}

absl::StatusOr<bool> ControlSocket::Flush() {
  while (!queue_.empty()) {
    Queued& front = queue_.front();
    iovec part{front.bytes.data() + front.sent, front.bytes.size() - front.sent};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
    if (!front.descriptors.empty()) {
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(front.descriptors.size() * sizeof(int));
      cmsghdr* c = CMSG_FIRSTHDR(&header);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(front.descriptors.size() * sizeof(int));
      int numbers[kMaxDescriptors];
      for (size_t i = 0; i < front.descriptors.size(); ++i) numbers[i] = front.descriptors[i].get();
      std::memcpy(CMSG_DATA(c), numbers, front.descriptors.size() * sizeof(int));
    }
    const ssize_t sent = sendmsg(socket_.get(), &header, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
      return absl::UnavailableError(absl::StrCat("sending to the peer: ", strerror(errno)));
    }
    front.descriptors.clear();  // they went with the first byte
    front.sent += static_cast<size_t>(sent);
    if (front.sent == front.bytes.size()) queue_.pop_front();
  }
  return true;
}

absl::Status ControlSocket::Fill(bool* end) {
  const size_t before = input_.size();
  constexpr size_t kStep = 16384;
  input_.resize(before + kStep);
  iovec part{input_.data() + before, kStep};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t got;
  do {
    got = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  input_.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) {
    *end = true;
    if (error == EAGAIN || error == EWOULDBLOCK) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("receiving from the peer: ", strerror(error)));
  }
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
    return absl::ResourceExhaustedError(
        "descriptors were lost on the way: too many are open in this process");
  }
  if (input_descriptors_.size() > 64 * kMaxDescriptors) {
    return absl::InvalidArgumentError("descriptors that belong to no message");
  }
  if (got == 0) return absl::UnavailableError("the peer has closed the connection");
  return absl::OkStatus();
}

absl::Status ControlSocket::Receive(Handler handle) {
  for (bool end = false; !end;) {
    const absl::Status filled = Fill(&end);
    // What came before the end of the connection is still handed over.
    size_t at = 0;
    while (input_.size() - at >= kHeaderBytes) {
      uint32_t header[2];
      std::memcpy(header, input_.data() + at, kHeaderBytes);
      if (header[0] > kMaxBytes || header[1] > kMaxDescriptors) {
        return absl::InvalidArgumentError(
            absl::StrCat("a message of ", header[0], " bytes with ", header[1], " descriptors"));
      }
      if (input_.size() - at - kHeaderBytes < header[0]) break;
      if (input_descriptors_.size() < header[1]) {
        return absl::InvalidArgumentError("a message whose descriptors did not come with it");
      }
      std::vector<UniqueFd> descriptors;
      for (uint32_t i = 0; i < header[1]; ++i) {
        descriptors.push_back(std::move(input_descriptors_.front()));
        input_descriptors_.pop_front();
      }
      std::vector<uint64_t> aligned((header[0] + 7) / 8);
      std::memcpy(aligned.data(), input_.data() + at + kHeaderBytes, header[0]);
      at += kHeaderBytes + header[0];
      const std::span<const std::byte> message = std::as_bytes(std::span(aligned)).first(header[0]);
      if (absl::Status status = handle(message, std::move(descriptors)); !status.ok())
        return status;
    }
    input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(at));
    if (!filled.ok()) return filled;
  }
  return absl::OkStatus();
}

}  // namespace troupe::channel
