// Messages in fewer bytes, for those that are kept for long: Cap'n Proto's packed encoding, in
// which zeros take hardly any room.
//
//   MessageBuffer buffer;
//   Bytes packed = Pack(message, buffer);  // to be kept, with message.size()
//   Unpack(packed, words);                 // std::span<uint64_t>, as large as the message was
//
// For the process's own messages: packed bytes are not looked at as a stranger's are.
// Thread-safety: one buffer a thread.
#ifndef TROUPE_CORE_WIRE_PACKING_H_
#define TROUPE_CORE_WIRE_PACKING_H_

#include <cstdint>
#include <span>

#include "core/wire/messages.h"

namespace troupe::wire {

// Valid until the buffer is used again. REQUIRES: a message as Encode gives it, of whole words.
Bytes Pack(Bytes message, MessageBuffer& buffer);

// REQUIRES: `packed` is of Pack, and `message` as large as what was packed.
void Unpack(Bytes packed, std::span<uint64_t> message);

}  // namespace troupe::wire

#endif  // TROUPE_CORE_WIRE_PACKING_H_
