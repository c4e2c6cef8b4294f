// A string literal is an array that decays to a pointer.
#include <string>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong() { return troupe::Put("abc"); }
#else
auto Right() { return troupe::Put(std::string("abc")); }
#endif
