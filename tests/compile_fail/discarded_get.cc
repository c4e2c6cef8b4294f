// What was waited for is not thrown away unseen.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
void Wrong(const troupe::ObjectRef<int>& ref) { troupe::Get(ref); }
#else
void Right(const troupe::ObjectRef<int>& ref) { (void)troupe::Get(ref); }
#endif
