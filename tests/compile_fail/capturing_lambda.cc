// A lambda's captures cannot be seen from outside it: Bind's values can. It is refused where it is
// named, whether it is called or not.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong(int factor) {
  return troupe::Task([factor](int x) { return factor * x; });
}
#else
auto Right(int factor) {
  return troupe::Task(troupe::Bind([](int k, int x) { return k * x; }, factor));
}
#endif
