#include "worker/warm_heap.h"

#ifdef __GLIBC__
#include <malloc.h>

#include <cstdlib>
#include <initializer_list>
#endif

namespace troupe::worker {

#ifdef __GLIBC__

void KeepHeapWarm() {
  for (const char* tuned : {"GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"}) {
    if (std::getenv(tuned) != nullptr) return;
  }
  // Refused by versions that allow no more than 32 MiB, which then is what is kept.
  (void)mallopt(M_MMAP_THRESHOLD, kWarmHeapBytes);
  (void)mallopt(M_TRIM_THRESHOLD, kWarmHeapBytes);
}

void GiveBackHeap() { malloc_trim(0); }

#else

void KeepHeapWarm() {}
void GiveBackHeap() {}

#endif

}  // namespace troupe::worker
