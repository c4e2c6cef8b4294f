// Remote takes the function's arguments, and no more.
#include "sdk/troupe.h"

int Add(int a, int b);

#ifndef TROUPE_COMPILE_OK
auto Wrong() { return troupe::Task(Add).Remote(1, 2, 3); }
#else
auto Right() { return troupe::Task(Add).Remote(1, 2); }
#endif
