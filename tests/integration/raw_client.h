// RawClient speaks to a node byte by byte, and may lie: what a hostile, foreign or broken program
// would do.
//
//   RawClient client(node.socket_path());
//   client.SendBytes(garbage);
//   EXPECT_TRUE(client.WaitForEnd());        // the node has cut it off
//
//   RawClient driver(node.socket_path());
//   ASSERT_TRUE(driver.Join());              // an honest handshake as a driver
//   driver.WriteMessage(bytes);              // any bytes as a message in the ring up
//
// Not thread-safe.
#ifndef TROUPE_TESTS_INTEGRATION_RAW_CLIENT_H_
#define TROUPE_TESTS_INTEGRATION_RAW_CLIENT_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/unique_fd.h"
#include "core/channel/channel_memory.h"
#include "core/channel/control_socket.h"
#include "core/channel/doorbell.h"
#include "core/channel/ring.h"
#include "core/wire/handshake.h"
#include "core/wire/messages.h"

namespace troupe::testing {

class RawClient {
 public:
  explicit RawClient(const std::string& socket_path);
  // Of a process that a node has started.
  explicit RawClient(UniqueFd socket);

  bool connected() const { return socket_ != nullptr; }
  // Bytes as they are, with no frame around them; false where the node has closed the socket.
  bool SendBytes(std::span<const std::byte> bytes);
  bool SendControl(const wire::ControlMessage& message, std::span<const int> descriptors = {});

  // The handshake of a driver, whose workers are the executable. False where the node did not
  // welcome it; why() says why.
  bool Join(wire::Hello hello = {}, const std::string& executable = "/proc/self/exe");
  bool JoinAsWorker(uint64_t nonce);
  const std::string& why() const { return why_; }
  ClientId id() const { return id_; }
  channel::ChannelMemory& memory() { return *memory_; }

  // A frame in the ring up, as an honest writer makes it, around any bytes (whole words).
  bool WriteMessage(std::span<const std::byte> message);
  bool Send(const wire::ClientMessage& message) {
    return WriteMessage(wire::Encode(message, buffer_));
  }
  void RingNode() { bell_->Ring(); }
  // The next message from the node, handed to `handle`; false where the connection has ended.
  bool Receive(absl::FunctionRef<void(const wire::NodeMessage&)> handle);

  // The memory of a chunk, which belongs to this client still; -1 where the node does not send it.
  int Chunk(ChunkId chunk);

  // True when the node has closed the connection.
  bool WaitForEnd();

 private:
  bool WaitForSocket();
  bool Greet(const wire::Hello& hello, std::span<const int> descriptors);
  // Takes what has come over the socket; true where there was something.
  bool ReadSocket();
  absl::Status Handle(const wire::ControlMessage& message, std::vector<UniqueFd> received);

  int fd_ = -1;
  std::unique_ptr<channel::ControlSocket> socket_;
  std::string why_;
  ClientId id_ = ClientId::kNone;
  std::unique_ptr<channel::ChannelMemory> memory_;
  std::unique_ptr<channel::RingProducer> producer_;
  std::unique_ptr<channel::RingConsumer> consumer_;
  std::unique_ptr<channel::Doorbell> bell_;
  std::vector<UniqueFd> kept_;
  std::map<ChunkId, UniqueFd> chunks_;
  wire::MessageBuffer buffer_;
};

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_RAW_CLIENT_H_
