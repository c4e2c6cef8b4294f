// Containers of references are resolved as the same containers of what they refer to.
#include <map>
#include <string>

#include "sdk/troupe.h"

double Mean(const std::map<std::string, double>& xs);

#ifndef TROUPE_COMPILE_OK
auto Wrong(const std::map<std::string, troupe::ObjectRef<int>>& xs) {
  return troupe::Task(Mean).Remote(xs);
}
#else
auto Right(const std::map<std::string, troupe::ObjectRef<double>>& xs) {
  return troupe::Task(Mean).Remote(xs);
}
#endif
