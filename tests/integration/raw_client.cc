#include "tests/integration/raw_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "worker/address.h"

namespace troupe::testing {
namespace {

constexpr int kPatienceMs = 60'000;

}  // namespace

RawClient::RawClient(const std::string& socket_path) {
  auto connected = worker::ConnectToPath(socket_path);
  if (!connected.ok()) {
    why_ = std::string(ToStd(connected.status().message()));
    return;
  }
  fd_ = connected->get();
  socket_ = std::make_unique<channel::ControlSocket>(*std::move(connected));
}

RawClient::RawClient(UniqueFd socket) : fd_(socket.get()) {
  socket_ = std::make_unique<channel::ControlSocket>(std::move(socket));
}

bool RawClient::WaitForSocket() {
  pollfd p{fd_, POLLIN, 0};
  return poll(&p, 1, kPatienceMs) == 1;
}

bool RawClient::SendBytes(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      pollfd p{fd_, POLLOUT, 0};
      if (poll(&p, 1, kPatienceMs) != 1) return false;
      continue;
    }
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(sent));
  }
  return true;
}

bool RawClient::SendControl(const wire::ControlMessage& message, std::span<const int> descriptors) {
  return socket_->Send(wire::Encode(message, buffer_), descriptors).ok();
}

bool RawClient::Join(wire::Hello hello, const std::string& executable) {
  const UniqueFd program(open(executable.c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  const UniqueFd directory(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int descriptors[] = {program.get(), self.get(), directory.get(), STDOUT_FILENO,
                             STDERR_FILENO};
  hello.role = wire::Role::kDriver;
  hello.pid = getpid();
  return Greet(hello, descriptors);
}

bool RawClient::JoinAsWorker(uint64_t nonce) {
  wire::Hello hello;
  hello.role = wire::Role::kWorker;
  hello.nonce = nonce;
  hello.pid = getpid();
  return Greet(hello, {});
}

bool RawClient::Greet(const wire::Hello& hello, std::span<const int> descriptors) {
  if (!SendControl(hello, descriptors)) return false;
  while (memory_ == nullptr && why_.empty()) {
    if (!WaitForSocket()) why_ = "no answer";
    ReadSocket();
  }
  if (memory_ == nullptr) return false;
  producer_ = std::make_unique<channel::RingProducer>(memory_->up_control(), memory_->up_data(),
                                                      memory_->ring_bytes());
  consumer_ = std::make_unique<channel::RingConsumer>(
      memory_->down_control(), memory_->down_data(), memory_->ring_bytes(),
      channel::RingConsumer::Trust::kInPlace, Limits::kMaxMessageBytes);
  return true;
}

bool RawClient::ReadSocket() {
  bool any = false;
  const absl::Status status =
      socket_->Receive([&](wire::Bytes bytes, std::vector<UniqueFd> received) -> absl::Status {
        any = true;
        absl::StatusOr<wire::ControlMessage> message = wire::DecodeControlMessage(bytes);
        if (!message.ok()) return message.status();
        return Handle(*message, std::move(received));
      });
  if (!status.ok() && why_.empty()) why_ = std::string(ToStd(status.message()));
  return any;
}

absl::Status RawClient::Handle(const wire::ControlMessage& message,
                               std::vector<UniqueFd> received) {
  if (const auto* refused = std::get_if<wire::Refused>(&message)) {
    why_ = std::string(refused->reason);
  } else if (const auto* chunk = std::get_if<wire::ChunkNotice>(&message)) {
    if (received.size() != 1) return absl::InvalidArgumentError("not one descriptor");
    chunks_[chunk->chunk] = std::move(received[0]);
  } else if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    if (received.size() != 4) return absl::InvalidArgumentError("not four descriptors");
    auto memory = channel::ChannelMemory::Open(std::move(received[0]));
    if (!memory.ok()) return memory.status();
    memory_ = std::make_unique<channel::ChannelMemory>(*std::move(memory));
    bell_ = std::make_unique<channel::Doorbell>(std::move(received[1]));
    kept_.push_back(std::move(received[2]));
    kept_.push_back(std::move(received[3]));
    id_ = welcome->client;
  }
  return absl::OkStatus();
}

int RawClient::Chunk(ChunkId chunk) {
  while (!chunks_.contains(chunk)) {
    if (!WaitForSocket() || !ReadSocket()) return -1;
  }
  return chunks_.at(chunk).get();
}

bool RawClient::WriteMessage(std::span<const std::byte> message) {
  const int64_t end = MonotonicNanos() + int64_t{kPatienceMs} * 1'000'000;
  for (size_t progress = 0; !producer_->Write(message, &progress);) {
    RingNode();
    if (MonotonicNanos() > end) return false;
  }
  RingNode();
  return true;
}

bool RawClient::Receive(absl::FunctionRef<void(const wire::NodeMessage&)> handle) {
  const int64_t end = MonotonicNanos() + int64_t{kPatienceMs} * 1'000'000;
  while (MonotonicNanos() < end) {
    bool want_bell = false;
    const absl::StatusOr<size_t> received = consumer_->Receive(
        1,
        [&](wire::Bytes bytes) -> absl::Status {
          absl::StatusOr<wire::NodeMessage> message = wire::DecodeNodeMessage(bytes);
          if (!message.ok()) return message.status();
          handle(*message);
          return absl::OkStatus();
        },
        &want_bell);
    if (want_bell) RingNode();
    if (!received.ok()) return false;
    if (*received > 0) return true;
    pollfd p{fd_, POLLIN, 0};
    if (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0) return false;
  }
  return false;
}

bool RawClient::WaitForEnd() {
  const int64_t end = MonotonicNanos() + int64_t{kPatienceMs} * 1'000'000;
  char buffer[4096];
  while (MonotonicNanos() < end) {
    if (!WaitForSocket()) return false;
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return true;
  }
  return false;
}

}  // namespace troupe::testing
