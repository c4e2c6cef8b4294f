// A result lives on when the worker's memory is gone.
#include <optional>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
const int* Find(int key);
auto Wrong() { return troupe::Task(Find).Remote(7); }
#else
std::optional<int> Find(int key);
auto Right() { return troupe::Task(Find).Remote(7); }
#endif
