// A std::string_view would look into another process's memory.
#include <cstddef>
#include <string>
#include <string_view>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
size_t Length(std::string_view text);
auto Wrong() { return troupe::Task(Length).Remote("abc"); }
#else
size_t Length(const std::string& text);
auto Right() { return troupe::Task(Length).Remote("abc"); }
#endif
