// A view as a result would look into the worker's memory.
#include <string>
#include <string_view>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
std::string_view Name();
auto Wrong() { return troupe::Task(Name).Remote(); }
#else
std::string Name();
auto Right() { return troupe::Task(Name).Remote(); }
#endif
