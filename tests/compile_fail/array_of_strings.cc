// Only numbers lie in the store as they lie in memory.
#include <string>
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong(const troupe::ObjectRef<troupe::Array<std::string>>& words) {
  return troupe::Get(words);
}
#else
auto Right(const troupe::ObjectRef<std::vector<std::string>>& words) { return troupe::Get(words); }
#endif
