#include "scheduler/core/wire_spec_codec.h"

#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "core/wire/packing.h"

namespace troupe::scheduler {

wire::Bytes WireSpecCodec::Pack(wire::Bytes message) { return wire::Pack(message, buffer_); }

void WireSpecCodec::Unpack(wire::Bytes packed, std::span<uint64_t> message) const {
  wire::Unpack(packed, message);
}

wire::TaskSpec WireSpecCodec::Read(wire::Bytes message) const {
  absl::StatusOr<wire::ClientMessage> read = wire::DecodeClientMessage(message);
  TROUPE_CHECK(read.ok(), "a task's message that was read before, and cannot be read again");
  return std::get<wire::TaskSpec>(*std::move(read));
}

}  // namespace troupe::scheduler
