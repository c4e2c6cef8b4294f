// Who is called by name knows only its own signature.
#include <array>
#include <vector>

#include "sdk/troupe.h"

void Program(const troupe::ObjectRef<int>& a) {
#ifndef TROUPE_COMPILE_OK
  (void)troupe::CallNamed<int(std::array<int, 1>)>("sum").Remote(std::array{a});
#else
  (void)troupe::CallNamed<int(std::vector<int>)>("sum").Remote(std::vector{a});
#endif
}
