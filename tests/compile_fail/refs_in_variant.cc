// Not every template is a container.
#include <variant>

#include "sdk/troupe.h"

int Level(const std::variant<int, bool>& level);

#ifndef TROUPE_COMPILE_OK
auto Wrong(const std::variant<troupe::ObjectRef<int>, bool>& level) {
  return troupe::Task(Level).Remote(level);
}
#else
auto Right(const std::variant<int, bool>& level) { return troupe::Task(Level).Remote(level); }
#endif
