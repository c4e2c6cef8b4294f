// What Task returns is sent by Remote; the function itself is called where it runs.
#include "sdk/troupe.h"

int Square(int x);

#ifndef TROUPE_COMPILE_OK
troupe::ObjectRef<int> Wrong() { return troupe::Task(Square)(3); }
#else
troupe::ObjectRef<int> Right() { return troupe::Task(Square).Remote(3); }
#endif
