// PrivateMemory is what this process and its node have of memory that nobody shares: their heaps
// and stacks, without the object store.
//
//   const int64_t before = PrivateMemory::Now().node;
#ifndef TROUPE_BENCH_PRIVATE_MEMORY_H_
#define TROUPE_BENCH_PRIVATE_MEMORY_H_

#include <cstdint>

namespace bench {

struct PrivateMemory {
  int64_t driver = 0;  // bytes
  int64_t node = 0;

  int64_t sum() const { return driver + node; }
  // What this process has freed and keeps goes back to the system first, or what came before would
  // be taken for room that is used again. REQUIRES: a cluster is running that it has started.
  static PrivateMemory Now();
};

}  // namespace bench

#endif  // TROUPE_BENCH_PRIVATE_MEMORY_H_
