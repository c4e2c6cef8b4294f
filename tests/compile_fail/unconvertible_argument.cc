// An argument is converted as by a call.
#include <string>

#include "sdk/troupe.h"

int Add(int a, int b);

#ifndef TROUPE_COMPILE_OK
auto Wrong() { return troupe::Task(Add).Remote(1, std::string("two")); }
#else
auto Right() { return troupe::Task(Add).Remote(1, 2.0f); }
#endif
