// ObjectRefs are resolved as what they refer to: there is no conversion.
#include <vector>

#include "sdk/troupe.h"

double Mean(const std::vector<double>& xs);

#ifndef TROUPE_COMPILE_OK
auto Wrong(const std::vector<troupe::ObjectRef<int>>& xs) { return troupe::Task(Mean).Remote(xs); }
#else
auto Right(const std::vector<troupe::ObjectRef<double>>& xs) {
  return troupe::Task(Mean).Remote(xs);
}
#endif
