// The object store's memory is read-only: a span of it is one of const elements.
#include <span>
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
void Clear(std::span<float> xs);
auto Wrong(const std::vector<float>& xs) { return troupe::Task(Clear).Remote(xs); }
#else
float First(std::span<const float> xs);
auto Right(const std::vector<float>& xs) { return troupe::Task(First).Remote(xs); }
#endif
