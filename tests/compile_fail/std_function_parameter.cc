// A std::function hides what it captured.
#include <functional>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
int Apply(const std::function<int(int)>& f);
auto Wrong(const std::function<int(int)>& f) { return troupe::Task(Apply).Remote(f); }
#else
struct Add {
  int n = 0;
  int operator()(int x) const { return n + x; }
};
int Apply(Add f);
auto Right() { return troupe::Task(Apply).Remote(Add{2}); }
#endif
