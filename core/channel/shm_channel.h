// ShmChannel is a Channel of two rings in shared memory and three doorbells.
//
// The node makes the memory and the bells (Endpoints), sends their descriptors in the handshake,
// and both sides build their end. The node's end copies each message out before it is looked at;
// the client's reads in place.
#ifndef TROUPE_CORE_CHANNEL_SHM_CHANNEL_H_
#define TROUPE_CORE_CHANNEL_SHM_CHANNEL_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"
#include "core/channel/channel.h"
#include "core/channel/channel_memory.h"
#include "core/channel/outbox.h"

namespace troupe::channel {

class ShmChannel final : public Channel {
 public:
  enum class Side { kNode, kClient };

  // The node's end. `node_bell` is shared by all channels of the node.
  static absl::StatusOr<std::unique_ptr<ShmChannel>> CreateNodeEnd(size_t ring_bytes,
                                                                   UniqueFd node_bell);
  // What the handshake sends: memory, the node's bell, the client's two bells.
  static constexpr size_t kDescriptors = 4;
  std::vector<int> descriptors() const;
  // The client's end from these descriptors. Errors: InvalidArgument.
  static absl::StatusOr<std::unique_ptr<ShmChannel>> OpenClientEnd(
      std::vector<UniqueFd> descriptors);

  absl::Status Send(Bytes message) override;
  std::span<std::byte> TryReserve(size_t bytes) override;
  absl::Status Commit(size_t used_bytes) override;
  bool Flush() override;
  size_t outbox_bytes() const override { return outbox_.bytes(); }
  void RingPeer() override;
  bool PeerWaitsForThisCpu() const override;
  bool HasInput() const override { return consumer_.HasInput(); }
  absl::StatusOr<size_t> Receive(size_t max_messages,
                                 absl::FunctionRef<absl::Status(Bytes)> handle) override;
  bool PrepareToSleep(Sleeper who) override;
  void WokeUp(Sleeper who) override;
  void StayAwake() override { SayAwake(own_->sleeping); }
  int bell_fd(Sleeper who) const override;
  size_t max_inline_bytes() const override;
  bool has_task_words() const override { return true; }
  TaskWord& task_word(uint32_t slot) override { return memory_.task_word(slot); }

 private:
  ShmChannel(Side side, ChannelMemory memory, Doorbell node_bell, Doorbell io_bell,
             Doorbell waiter_bell);
  void Ring(uint32_t sleeper);

  Side side_;
  ChannelMemory memory_;
  Doorbell node_bell_;
  Doorbell io_bell_;
  Doorbell waiter_bell_;
  RingControl* own_;   // of the ring that we read
  RingControl* peer_;  // of the ring that the peer reads
  std::atomic<uint32_t> owes_bell_{0};
  std::atomic<int32_t> rung_on_{-1};  // where the peer slept when it was last rung
  RingProducer producer_;
  RingConsumer consumer_;
  Outbox outbox_;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_SHM_CHANNEL_H_
