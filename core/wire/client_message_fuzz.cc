#include <cstddef>
#include <cstdint>

#include "core/wire/message_fuzz.h"
#include "core/wire/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  troupe::wire::FuzzMessage<troupe::wire::ClientMessage>(data, size,
                                                         troupe::wire::DecodeClientMessage);
  return 0;
}
