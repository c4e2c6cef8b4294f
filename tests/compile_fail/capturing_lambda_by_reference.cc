// A lambda that captures by reference refers to this process's stack.
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong(std::vector<int>& sums) {
  return troupe::Task([&sums](int x) { return sums.at(0) + x; }).Remote(7);
}
#else
auto Right(const std::vector<int>& sums) {
  const auto first = [](const std::vector<int>& s, int x) { return s.at(0) + x; };
  return troupe::Task(troupe::Bind(first, sums)).Remote(7);
}
#endif
