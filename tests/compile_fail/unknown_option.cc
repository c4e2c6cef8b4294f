// TaskOptions has the options that a task has.
#include "sdk/troupe.h"

int Add(int a, int b);

#ifndef TROUPE_COMPILE_OK
auto Wrong() { return troupe::Task(Add).Options({.retries = 1}).Remote(1, 2); }
#else
auto Right() { return troupe::Task(Add).Options({.max_retries = 1}).Remote(1, 2); }
#endif
