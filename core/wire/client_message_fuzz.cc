#include <cstddef>
#include <cstdint>

#include "core/wire/message_fuzz.h"
#include "core/wire/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const troupe::wire::FuzzInput input(data, size);
  const auto message = troupe::wire::FuzzMessage(input.bytes(), troupe::wire::DecodeClientMessage);
  troupe::wire::FuzzRoads(input.bytes(), message, troupe::wire::DecodeTask);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return troupe::wire::MutateInput(data, size, max_size, seed);
}
