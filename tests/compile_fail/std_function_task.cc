// A std::function hides what it captured.
#include <functional>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong(const std::function<int(int)>& f) { return troupe::Task(f).Remote(7); }
#else
auto Right(int (*f)(int)) { return troupe::Task(f).Remote(7); }
#endif
