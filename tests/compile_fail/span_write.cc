// A span's elements lie in memory that others read.
#include <span>
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
void Wrong(std::span<const float> pixels) { pixels[0] = 1; }
auto Use(const std::vector<float>& xs) { return troupe::Task(Wrong).Remote(xs); }
#else
void Right(std::vector<float> pixels) { pixels[0] = 1; }
auto Use(const std::vector<float>& xs) { return troupe::Task(Right).Remote(xs); }
#endif
