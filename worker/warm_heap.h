// What the heap of a worker's process does with memory that tasks have freed: it stays for the next
// task while there are any, and goes back to the system when the worker is idle.
//
// Problem: of glibc's malloc, blocks of more than 32 MiB are memory of their own, which is unmapped
// when they are freed. A task that decodes a vector of 50 MB into such a block spends four fifths
// of its time on pages that the kernel clears, and the next one again. Affects the whole process:
// for processes that are workers alone, and not for a user's own. Where malloc is another one, or
// the environment tunes it, nothing changes.   Source: mallopt(3), malloc_trim(3).
#ifndef TROUPE_WORKER_WARM_HEAP_H_
#define TROUPE_WORKER_WARM_HEAP_H_

#include <cstdint>

namespace troupe::worker {

// Blocks up to this size, and as much free memory in a row, are kept.
inline constexpr int kWarmHeapBytes = 128 << 20;
// Who has had nothing to do for so long is idle.
inline constexpr int64_t kWarmHeapNanos = 1'000'000'000;

// From now on memory is kept. To be called once, before there are threads.
void KeepHeapWarm();

// Free memory goes back to the system. Thread-safe; may take milliseconds.
void GiveBackHeap();

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_WARM_HEAP_H_
