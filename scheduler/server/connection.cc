#include "scheduler/server/connection.h"

namespace troupe::scheduler {

void Connection::Open(std::unique_ptr<channel::Channel> opened) {
  channel = std::move(opened);
  channel_buffer_.emplace(channel.get());
}

template <typename Message>
void Connection::SendEncoded(const Message& message) {
  if (channel == nullptr || !failure.ok()) return;
  failure = channel_buffer_->Send(wire::Encode(message, *channel_buffer_));
  sent_something = true;
}
template void Connection::SendEncoded(const wire::NodeMessage& message);
template void Connection::SendEncoded(const wire::Dispatch& message);

void Connection::SendControl(const wire::ControlMessage& message,
                             const std::vector<int>& descriptors) {
  if (!failure.ok()) return;
  failure = socket.Send(wire::Encode(message, buffer_), descriptors);
}

void Connection::Introduce(ChunkId id, const objectstore::Chunk& chunk,
                           objectstore::Mapping::Access access) {
  Known& known = chunks_[id];
  const bool write = access == objectstore::Mapping::Access::kWrite;
  bool& told = write ? known.write : known.read;
  if (told) return;
  told = true;
  SendControl(wire::ChunkNotice{id, chunk.bytes(), write},
              {write ? chunk.writable_fd() : chunk.read_only_fd()});
}

void Connection::WatchSocket() {
  const bool wanted = socket.has_queued();
  if (watcher == nullptr || wanted == watching_for_room_) return;
  watching_for_room_ = wanted;
  watcher->SetEvents(loop::EventLoop::kReadable | (wanted ? loop::EventLoop::kWritable : 0));
}

bool Connection::Forget(ChunkId id) { return chunks_.erase(id) > 0; }

}  // namespace troupe::scheduler
