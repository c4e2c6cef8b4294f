// A mutex belongs to one process.
#include <mutex>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong(const std::mutex& mutex) { return troupe::Put(mutex); }
#else
auto Right(int n) { return troupe::Put(n); }
#endif
