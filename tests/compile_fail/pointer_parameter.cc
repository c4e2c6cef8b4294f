// A pointer means nothing in another process.
#include <cstddef>
#include <span>
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
double Sum(const double* xs, size_t n);
auto Wrong(const std::vector<double>& xs) { return troupe::Task(Sum).Remote(xs.data(), xs.size()); }
#else
double Sum(std::span<const double> xs);
auto Right(const std::vector<double>& xs) { return troupe::Task(Sum).Remote(xs); }
#endif
