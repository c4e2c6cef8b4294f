// Only numbers lie in the store as they lie in memory.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
size_t Count(std::span<const std::string> words);
auto Wrong(const std::vector<std::string>& words) { return troupe::Task(Count).Remote(words); }
#else
size_t Count(const std::vector<std::string>& words);
auto Right(const std::vector<std::string>& words) { return troupe::Task(Count).Remote(words); }
#endif
