// A stored view would look into memory of this process.
#include <span>
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong(std::span<const float> xs) { return troupe::Put(xs); }
#else
auto Right(std::span<const float> xs) {
  return troupe::Put(std::vector<float>(xs.begin(), xs.end()));
}
#endif
