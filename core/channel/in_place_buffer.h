// InPlaceBuffer is where the messages of a channel are built: the usual ones in the ring itself,
// where the peer reads them; others, and those for which the ring has no room, beside it.
//
// What is built in the ring is only written there, never read: the peer has the same memory, and
// need not be trusted (MessageBuffer::Room). Not thread-safe: as the channel's sending.
//
//   InPlaceBuffer buffer(&channel);
//   absl::Status status = buffer.Send(wire::Encode(message, buffer));
//   channel.RingPeer();  // after the batch
#ifndef TROUPE_CORE_CHANNEL_IN_PLACE_BUFFER_H_
#define TROUPE_CORE_CHANNEL_IN_PLACE_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "core/channel/channel.h"
#include "core/wire/messages.h"

namespace troupe::channel {

class InPlaceBuffer final : public wire::MessageBuffer {
 public:
  // The channel outlives it.
  explicit InPlaceBuffer(Channel* channel) : channel_(channel) {}

  std::span<uint64_t> Room(size_t words) override {
    const std::span<std::byte> room = channel_->TryReserve(words * sizeof(uint64_t));
    in_ring_ = room.data();
    if (room.empty()) return Zeroed(words);
    return {reinterpret_cast<uint64_t*>(room.data()), words};
  }

  // What was encoded into it last. Errors: as Channel::Send.
  absl::Status Send(Bytes message) {
    return message.data() == in_ring_ ? channel_->Commit(message.size()) : channel_->Send(message);
  }

 private:
  Channel* channel_;
  const std::byte* in_ring_ = nullptr;  // where Room was last, if it was there
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_IN_PLACE_BUFFER_H_
