// Connection is the node's end of one client: its socket, its channel once the handshake is done,
// and what it has been told.
//
// It moves bytes and decides nothing. Not thread-safe.
#ifndef TROUPE_SCHEDULER_SERVER_CONNECTION_H_
#define TROUPE_SCHEDULER_SERVER_CONNECTION_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/ids.h"
#include "core/channel/channel.h"
#include "core/channel/control_socket.h"
#include "core/channel/in_place_buffer.h"
#include "core/loop/event_loop.h"
#include "core/wire/handshake.h"
#include "core/wire/messages.h"
#include "objectstore/chunk/chunk.h"
#include "scheduler/core/worker_pool.h"

namespace troupe::scheduler {

class Connection {
 public:
  enum class State { kHandshake, kActive, kClosed };

  explicit Connection(UniqueFd socket) : socket(std::move(socket)) {}

  // The handshake is done: its messages go through `opened`.
  void Open(std::unique_ptr<channel::Channel> opened);
  // Encodes and sends. A failure is kept in `failure`; the node then closes the connection.
  void Send(const wire::NodeMessage& message) { SendEncoded(message); }
  void Send(const wire::Dispatch& message) { SendEncoded(message); }
  void SendControl(const wire::ControlMessage& message, const std::vector<int>& descriptors);
  // Sends the chunk's descriptor where this client has not had it.
  void Introduce(ChunkId id, const objectstore::Chunk& chunk, objectstore::Mapping::Access access);
  // Watches for room in the socket where something waits for it.
  void WatchSocket();
  // Forgets what it was told about a chunk; true where it had been told.
  bool Forget(ChunkId id);

  channel::ControlSocket socket;
  std::unique_ptr<channel::Channel> channel;  // null during the handshake
  std::unique_ptr<loop::Watcher> watcher;     // of the socket
  State state = State::kHandshake;
  wire::Role role = wire::Role::kTool;
  ClientId client = ClientId::kNone;
  int pid = 0;
  uid_t user = 0;  // where it was accepted
  bool embedded_driver = false;
  bool accepted = false;          // by the listener; else it is of a process that we started
  int64_t greet_until_nanos = 0;  // 0: greeted, or it need not be
  bool sent_something = false;    // since the peer was last rung
  absl::Status failure;

  // Workers: the process that was started, and what it must show.
  ProcessId process = ProcessId::kNone;
  uint64_t nonce = 0;
  JobId job = JobId::kNone;

  // Drivers: readable when the process has died.
  UniqueFd pidfd;
  std::unique_ptr<loop::Watcher> pid_watcher;

  std::vector<ObjectId> ready;  // to be told at the end of this turn

 private:
  struct Known {
    bool read = false;
    bool write = false;
  };
  template <typename Message>
  void SendEncoded(const Message& message);

  absl::flat_hash_map<ChunkId, Known> chunks_;
  bool watching_for_room_ = false;
  wire::MessageBuffer buffer_;  // of the socket's messages
  std::optional<channel::InPlaceBuffer> channel_buffer_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_CONNECTION_H_
