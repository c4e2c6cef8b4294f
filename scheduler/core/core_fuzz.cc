// Random events for the scheduler core: see core_fuzz_world.h.
//
// Input: FuzzEvents, of which core_events.h says what they mean; the first one chooses the machine.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/fuzz_events.h"
#include "scheduler/core/core_fuzz_world.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<troupe::FuzzEvent> events = troupe::FuzzEvents(data, size);
  if (events.empty()) return 0;
  troupe::scheduler::fuzz::World world(events[0]);
  for (size_t i = 1; i < events.size(); ++i) world.Perform(events[i]);
  world.End();
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return troupe::MutateFuzzEvents(data, size, max_size, seed);
}
