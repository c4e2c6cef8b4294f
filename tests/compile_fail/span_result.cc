// A view as a result would look into the worker's memory.
#include <span>
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
std::span<const float> Pixels();
auto Wrong() { return troupe::Task(Pixels).Remote(); }
#else
std::vector<float> Pixels();
auto Right() { return troupe::Task(Pixels).Remote(); }
#endif
