// Bound values are arguments, too.
#include "sdk/troupe.h"

int Add(int a, int b);

#ifndef TROUPE_COMPILE_OK
auto Wrong() { return troupe::Task(troupe::Bind(Add, 1, 2)).Remote(3); }
#else
auto Right() { return troupe::Task(troupe::Bind(Add, 1)).Remote(2); }
#endif
