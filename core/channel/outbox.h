// Outbox keeps the messages that did not fit into a channel yet, in order, bounded by the owner.
#ifndef TROUPE_CORE_CHANNEL_OUTBOX_H_
#define TROUPE_CORE_CHANNEL_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

#include "core/channel/ring.h"

namespace troupe::channel {

class Outbox {
 public:
  bool empty() const { return messages_.empty(); }
  size_t bytes() const { return bytes_; }

  // `progress` bytes of it are on their way already.
  void Push(Bytes message, size_t progress) {
    Message kept{std::vector<uint64_t>(message.size() / 8), progress};
    std::memcpy(kept.words.data(), message.data(), message.size());
    bytes_ += message.size();
    messages_.push_back(std::move(kept));
  }
  // The first message; write(Bytes, size_t* progress) returns true when it has gone whole. True
  // when nothing is left.
  template <typename Write>
  bool Drain(Write write) {
    while (!messages_.empty()) {
      Message& front = messages_.front();
      const Bytes bytes = std::as_bytes(std::span(front.words));
      if (!write(bytes, &front.progress)) return false;
      bytes_ -= bytes.size();
      messages_.pop_front();
    }
    return true;
  }
  // What the first message still has to send.
  size_t front_bytes_left() const {
    return messages_.front().words.size() * 8 - messages_.front().progress;
  }

 private:
  struct Message {
    std::vector<uint64_t> words;
    size_t progress;
  };
  std::deque<Message> messages_;
  size_t bytes_ = 0;
};

}  // namespace troupe::channel

#endif  // TROUPE_CORE_CHANNEL_OUTBOX_H_
