// Memory says what is in the object store: how its memory is used, and by which objects.
//
// Totals: object_bytes + leased_bytes + kept_bytes + free_bytes = cap_bytes. A leased byte belongs
// to a process that will write there; a kept one is free, and stays with the store for a while
// since warm memory is faster. Units: bytes. Throws Unavailable. Thread-safe.
//
//   for (const troupe::StoredObject& object : troupe::Memory(10).objects)
//     std::cout << object.id.ToString() << " " << object.size << " " << object.maker << "\n";
//
// After Ray's `ray memory`.
#ifndef TROUPE_SDK_MEMORY_H_
#define TROUPE_SDK_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/wire/messages.h"

namespace troupe {

using ObjectState = wire::ObjectState;

struct StoredObject {
  ObjectId id;
  uint64_t size = 0;
  ObjectState state = ObjectState::kPending;
  uint32_t holders = 0;  // processes that have references to it
  uint32_t holds = 0;    // tasks and containers that need it
  uint32_t pins = 0;     // processes that know its place in memory
  std::string maker;     // the task that made it, of values too large for a message
};

struct MemoryInfo {
  uint64_t cap_bytes = 0;
  uint64_t object_bytes = 0;
  uint64_t leased_bytes = 0;
  uint64_t kept_bytes = 0;
  uint64_t free_bytes = 0;
  uint64_t inline_bytes = 0;   // of small values, in the node beside the store
  uint64_t spilled_bytes = 0;  // on disk
  uint64_t object_count = 0;
  std::vector<StoredObject> objects;  // the largest first
};

// With the `limit` largest objects.
MemoryInfo Memory(size_t limit = 1000);

}  // namespace troupe

#endif  // TROUPE_SDK_MEMORY_H_
