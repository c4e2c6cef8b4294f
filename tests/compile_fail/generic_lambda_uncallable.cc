// A generic lambda must take what it is given.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong() {
  return troupe::Task([](auto a, auto b) { return a + b; }).Remote(1);
}
#else
auto Right() {
  return troupe::Task([](auto a, auto b) { return a + b; }).Remote(1, 2);
}
#endif
