// A stored view would look into memory of this process.
#include <string>
#include <string_view>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong(std::string_view text) { return troupe::Put(text); }
#else
auto Right(std::string_view text) { return troupe::Put(std::string(text)); }
#endif
