// Location says where in the object store a value's bytes lie. A value; meaningful within one node.
#ifndef TROUPE_CORE_BASE_LOCATION_H_
#define TROUPE_CORE_BASE_LOCATION_H_

#include <cstdint>

#include "core/base/ids.h"

namespace troupe {

struct Location {
  ChunkId chunk = ChunkId::kNone;
  uint64_t offset = 0;  // bytes from the chunk's start; a multiple of Limits::kObjectAlignmentBytes
  uint64_t size = 0;    // bytes

  friend bool operator==(const Location&, const Location&) = default;
};

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_LOCATION_H_
