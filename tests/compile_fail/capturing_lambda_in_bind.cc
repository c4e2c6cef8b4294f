// Bind gives a function its first arguments; it does not make captures travel.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong(int factor) {
  return troupe::Bind([factor](int x) { return factor * x; });
}
#else
auto Right(int factor) {
  return troupe::Bind([](int k, int x) { return k * x; }, factor);
}
#endif
