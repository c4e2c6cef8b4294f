// Only numbers that have a fixed size lie in the store as they lie in memory.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong() { return troupe::Create<bool>(10); }
#else
auto Right() { return troupe::Create<unsigned char>(10); }
#endif
