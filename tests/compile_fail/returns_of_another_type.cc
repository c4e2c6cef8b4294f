// Returns<...> names what the tuple is made of.
#include <string>
#include <tuple>

#include "sdk/troupe.h"

std::tuple<int, std::string> Split(int x) { return {x, "text"}; }

void Program() {
#ifndef TROUPE_COMPILE_OK
  (void)troupe::Task(Split).Returns<int, double>().Remote(1);
#else
  (void)troupe::Task(Split).Returns<int, std::string>().Remote(1);
#endif
}
