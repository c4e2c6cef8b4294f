// What is given to Task must be something that can be called.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
auto Wrong() { return troupe::Task(42).Remote(); }
#else
auto Right() {
  return troupe::Task([] { return 42; }).Remote();
}
#endif
