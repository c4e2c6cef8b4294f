// SpecCodec packs the messages of tasks that wait behind many others, and reads them again.
//
// The core knows messages by their structs alone; how they are written as bytes is told it from
// outside, as functions without effects. WireSpecCodec is the one of Cap'n Proto's messages.
#ifndef TROUPE_SCHEDULER_CORE_SPEC_CODEC_H_
#define TROUPE_SCHEDULER_CORE_SPEC_CODEC_H_

#include <cstdint>
#include <span>

#include "core/wire/messages.h"

namespace troupe::scheduler {

class SpecCodec {
 public:
  virtual ~SpecCodec() = default;
  // Valid until the next call.
  virtual wire::Bytes Pack(wire::Bytes message) = 0;
  // REQUIRES: `packed` is of Pack, and `message` as large as what was packed.
  virtual void Unpack(wire::Bytes packed, std::span<uint64_t> message) const = 0;
  // A view of `message`. REQUIRES: it is what submitted a task.
  virtual wire::TaskSpec Read(wire::Bytes message) const = 0;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_SPEC_CODEC_H_
