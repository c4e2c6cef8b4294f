// What returns nothing has no value to pass on.
#include "sdk/troupe.h"

int Add(int a, int b);

#ifndef TROUPE_COMPILE_OK
auto Wrong(const troupe::ObjectRef<void>& done) { return troupe::Task(Add).Remote(1, done); }
#else
auto Right(const troupe::ObjectRef<int>& x) { return troupe::Task(Add).Remote(1, x); }
#endif
