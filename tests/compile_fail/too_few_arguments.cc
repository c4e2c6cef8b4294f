// Remote takes the function's arguments, all of them.
#include "sdk/troupe.h"

int Add(int a, int b);

#ifndef TROUPE_COMPILE_OK
auto Wrong() { return troupe::Task(Add).Remote(1); }
#else
auto Right() { return troupe::Task(Add).Remote(1, 2); }
#endif
