// An ObjectRef is resolved as what it refers to: there is no conversion.
#include "sdk/troupe.h"

int Add(int a, int b);

#ifndef TROUPE_COMPILE_OK
auto Wrong(const troupe::ObjectRef<double>& x) { return troupe::Task(Add).Remote(1, x); }
#else
auto Right(const troupe::ObjectRef<int>& x) { return troupe::Task(Add).Remote(1, x); }
#endif
