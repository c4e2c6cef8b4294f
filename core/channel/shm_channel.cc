#include "core/channel/shm_channel.h"

#include <sched.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/fault/probe.h"

namespace troupe::channel {

absl::StatusOr<std::unique_ptr<ShmChannel>> ShmChannel::CreateNodeEnd(size_t ring_bytes,
                                                                      UniqueFd node_bell) {
  absl::StatusOr<ChannelMemory> memory = ChannelMemory::Create(ring_bytes);
  if (!memory.ok()) return memory.status();
  absl::StatusOr<Doorbell> io_bell = Doorbell::Create();
  if (!io_bell.ok()) return io_bell.status();
  absl::StatusOr<Doorbell> waiter_bell = Doorbell::Create();
  if (!waiter_bell.ok()) return waiter_bell.status();
  return std::unique_ptr<ShmChannel>(new ShmChannel(Side::kNode, *std::move(memory),
                                                    Doorbell(std::move(node_bell)),
                                                    *std::move(io_bell), *std::move(waiter_bell)));
}

std::vector<int> ShmChannel::descriptors() const {
  return {memory_.fd(), node_bell_.fd(), io_bell_.fd(), waiter_bell_.fd()};
}

absl::StatusOr<std::unique_ptr<ShmChannel>> ShmChannel::OpenClientEnd(
    std::vector<UniqueFd> descriptors) {
  if (descriptors.size() != kDescriptors) {
    return absl::InvalidArgumentError(
        absl::StrCat("a channel has ", kDescriptors, " descriptors, not ", descriptors.size()));
  }
  absl::StatusOr<ChannelMemory> memory = ChannelMemory::Open(std::move(descriptors[0]));
  if (!memory.ok()) return memory.status();
  return std::unique_ptr<ShmChannel>(
      new ShmChannel(Side::kClient, *std::move(memory), Doorbell(std::move(descriptors[1])),
                     Doorbell(std::move(descriptors[2])), Doorbell(std::move(descriptors[3]))));
}

ShmChannel::ShmChannel(Side side, ChannelMemory memory, Doorbell node_bell, Doorbell io_bell,
                       Doorbell waiter_bell)
    : side_(side),
      memory_(std::move(memory)),
      node_bell_(std::move(node_bell)),
      io_bell_(std::move(io_bell)),
      waiter_bell_(std::move(waiter_bell)),
      own_(side == Side::kNode ? memory_.up_control() : memory_.down_control()),
      peer_(side == Side::kNode ? memory_.down_control() : memory_.up_control()),
      producer_(peer_, side == Side::kNode ? memory_.down_data() : memory_.up_data(),
                memory_.ring_bytes()),
      consumer_(own_, side == Side::kNode ? memory_.up_data() : memory_.down_data(),
                memory_.ring_bytes(),
                side == Side::kNode ? RingConsumer::Trust::kCopy : RingConsumer::Trust::kInPlace,
                Limits::kMaxMessageBytes) {}

absl::Status ShmChannel::Send(Bytes message) {
  TROUPE_CHECK(!message.empty() && message.size() % 8 == 0,
               "a message that is not made of whole words");
  if (message.size() > Limits::kMaxMessageBytes) {
    return absl::ResourceExhaustedError(absl::StrCat("a message of ", message.size(),
                                                     " bytes; at most ", Limits::kMaxMessageBytes,
                                                     " can be sent"));
  }
  size_t progress = 0;
  if (Flush()) {
    const bool written = producer_.Write(message, &progress);
    OweBell(owes_bell_);
    if (written) return absl::OkStatus();
  } else if (outbox_.bytes() + message.size() > Limits::kMaxOutboxBytes) {
    TROUPE_PROBE("channel: the outbox is full");
    // Refused whole: nothing of it is on its way, so that the channel stays usable.
    return absl::ResourceExhaustedError(absl::StrCat("the peer does not read: ", outbox_.bytes(),
                                                     " bytes wait for it, and a message of ",
                                                     message.size(), " more cannot"));
  }
  TROUPE_PROBE("channel: the ring is full");
  outbox_.Push(message, progress);
  // Room that came after we looked must not go unnoticed.
  Flush();
  return absl::OkStatus();
}

std::span<std::byte> ShmChannel::TryReserve(size_t bytes) {
  // What waits in the outbox goes first.
  if (!Flush()) return {};
  return producer_.TryReserve(bytes);
}

absl::Status ShmChannel::Commit(size_t used_bytes) {
  producer_.Commit(used_bytes);
  OweBell(owes_bell_);
  return absl::OkStatus();
}

bool ShmChannel::Flush() {
  if (outbox_.empty()) return true;
  const auto write = [&](Bytes bytes, size_t* progress) {
    const bool written = producer_.Write(bytes, progress);
    OweBell(owes_bell_);
    return written;
  };
  if (outbox_.Drain(write)) return true;
  producer_.AnnounceWaiting();
  return outbox_.Drain(write);
}

void ShmChannel::RingPeer() {
  // Whoever owes it later rings later, too.
  if (owes_bell_.load(std::memory_order_relaxed) == 0) return;
  Ring(TakeOwedSleeper(peer_->sleeping, owes_bell_, [this] { producer_.OrderPublished(); }));
}

void ShmChannel::Ring(uint32_t sleeper) {
  if (sleeper == 0) return;
  rung_on_.store(peer_->slept_on.load(std::memory_order_relaxed), std::memory_order_relaxed);
  if (side_ == Side::kClient) {
    node_bell_.Ring();
  } else {
    (sleeper == static_cast<uint32_t>(Sleeper::kWaiter) ? waiter_bell_ : io_bell_).Ring();
  }
}

bool ShmChannel::PeerWaitsForThisCpu() const {
  return rung_on_.load(std::memory_order_relaxed) == sched_getcpu() && producer_.HasUnread();
}

absl::StatusOr<size_t> ShmChannel::Receive(size_t max_messages,
                                           absl::FunctionRef<absl::Status(Bytes)> handle) {
  bool want_bell = false;
  absl::StatusOr<size_t> received = consumer_.Receive(max_messages, handle, &want_bell);
  if (want_bell) Ring(TakeSleeper(peer_->sleeping));
  return received;
}

bool ShmChannel::PrepareToSleep(Sleeper who) {
  own_->slept_on.store(sched_getcpu(), std::memory_order_relaxed);
  return TryToSleep(own_->sleeping, who, [this] {
    if (consumer_.HasInput()) return true;
    if (outbox_.empty()) return false;
    // Again: the consumer may have made less room than is needed, and told us while we were awake.
    producer_.AnnounceWaiting();
    return producer_.HasRoomFor(outbox_.front_bytes_left());
  });
}

void ShmChannel::WokeUp(Sleeper who) {
  SayAwake(own_->sleeping);
  // The node's bell is shared by its channels: whoever waits on it silences it, once for all.
  if (side_ == Side::kClient) (who == Sleeper::kWaiter ? waiter_bell_ : io_bell_).Silence();
}

int ShmChannel::bell_fd(Sleeper who) const {
  if (side_ == Side::kNode) return node_bell_.fd();
  return who == Sleeper::kWaiter ? waiter_bell_.fd() : io_bell_.fd();
}

size_t ShmChannel::max_inline_bytes() const {
  return std::min(Limits::kMaxInlineBytesPerMessage, memory_.ring_bytes() / 8);
}

}  // namespace troupe::channel
