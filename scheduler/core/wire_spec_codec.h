// WireSpecCodec packs and reads the messages of core/wire for the scheduler's core.
#ifndef TROUPE_SCHEDULER_CORE_WIRE_SPEC_CODEC_H_
#define TROUPE_SCHEDULER_CORE_WIRE_SPEC_CODEC_H_

#include <cstdint>
#include <span>

#include "core/wire/messages.h"
#include "scheduler/core/spec_codec.h"

namespace troupe::scheduler {

class WireSpecCodec final : public SpecCodec {
 public:
  wire::Bytes Pack(wire::Bytes message) override;
  void Unpack(wire::Bytes packed, std::span<uint64_t> message) const override;
  wire::TaskSpec Read(wire::Bytes message) const override;

 private:
  wire::MessageBuffer buffer_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_WIRE_SPEC_CODEC_H_
