// The handshake, and what else goes over the socket beside the rings: descriptors.
//
// A client sends Hello (a driver with the descriptor of its own executable), the node answers
// Welcome (with the descriptors of the channel's memory and doorbells) or Refused, then a
// ChunkNotice with each chunk's descriptor. Decoded structs are views, as in messages.h.
#ifndef TROUPE_CORE_WIRE_HANDSHAKE_H_
#define TROUPE_CORE_WIRE_HANDSHAKE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "core/wire/messages.h"

namespace troupe::wire {

// Grows when an old peer could not understand a new one.
inline constexpr uint32_t kVersion = 1;

enum class Role : uint16_t { kDriver = 0, kWorker = 1, kTool = 2 };

struct Hello {
  uint32_t version = kVersion;
  Role role = Role::kDriver;
  uint64_t nonce = 0;
  int32_t pid = 0;
  uint32_t ring_bytes = 0;  // wanted; 0: the node's default
  Bytes build_id;
  std::string_view executable;
  std::vector<std::string_view> environment;  // "NAME=value"
  std::vector<std::pair<std::string_view, std::string_view>> flags;
  std::string_view job_name;
  int64_t job_weight = 0;  // 1/10000
  uint32_t window = 0;     // of unfinished tasks
};

struct Welcome {
  uint32_t version = kVersion;
  ClientId client = ClientId::kNone;
  JobId job = JobId::kNone;
  uint32_t cpus = 0;
  uint64_t store_bytes = 0;
  std::vector<std::pair<std::string_view, std::string_view>> flags;
};

struct Refused {
  std::string_view reason;
};

struct ChunkNotice {
  ChunkId chunk = ChunkId::kNone;
  uint64_t bytes = 0;
  bool writable = false;
};

using ControlMessage = std::variant<Hello, Welcome, Refused, ChunkNotice>;

Bytes Encode(const ControlMessage& message, MessageBuffer& buffer);
absl::StatusOr<ControlMessage> DecodeControlMessage(Bytes bytes);

}  // namespace troupe::wire

#endif  // TROUPE_CORE_WIRE_HANDSHAKE_H_
