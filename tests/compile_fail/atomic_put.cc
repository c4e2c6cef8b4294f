// An atomic belongs to one process.
#include <atomic>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Progress {
  std::atomic<int> done = 0;
};
auto Wrong(const Progress& progress) { return troupe::Put(progress); }
#else
auto Right(const std::atomic<int>& done) { return troupe::Put(done.load()); }
#endif
