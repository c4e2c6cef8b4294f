// A parameter std::span<const T> takes ranges of T.
#include <span>
#include <vector>

#include "sdk/troupe.h"

float Mean(std::span<const float> xs);

#ifndef TROUPE_COMPILE_OK
auto Wrong(const std::vector<double>& xs) { return troupe::Task(Mean).Remote(xs); }
#else
auto Right(const std::vector<float>& xs) { return troupe::Task(Mean).Remote(xs); }
#endif
