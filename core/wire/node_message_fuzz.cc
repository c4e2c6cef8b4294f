#include <cstddef>
#include <cstdint>
#include <variant>

#include "core/base/check.h"
#include "core/wire/message_fuzz.h"
#include "core/wire/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const troupe::wire::FuzzInput input(data, size);
  const auto message = troupe::wire::FuzzMessage(input.bytes(), troupe::wire::DecodeNodeMessage);
  troupe::wire::FuzzRoads(input.bytes(), message, troupe::wire::DecodeDispatch);
  TROUPE_CHECK(!troupe::wire::LooksLikeDispatch(input.bytes()) || !message.ok() ||
                   std::holds_alternative<troupe::wire::Dispatch>(*message),
               "what looks like a dispatch is another message");
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return troupe::wire::MutateInput(data, size, max_size, seed);
}
