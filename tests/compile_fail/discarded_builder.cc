// A call that is put together and not made does nothing.
#include "sdk/troupe.h"

int Add(int a, int b);

#ifndef TROUPE_COMPILE_OK
void Wrong() { troupe::Task(Add); }
#else
void Right() { (void)troupe::Task(Add).Remote(1, 2); }
#endif
