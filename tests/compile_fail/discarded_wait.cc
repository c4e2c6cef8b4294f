// What was waited for is not thrown away unseen.
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
void Wrong(const troupe::ObjectRef<int>& ref) { troupe::Wait(std::vector{ref}); }
#else
void Right(const troupe::ObjectRef<int>& ref) { (void)troupe::Wait(std::vector{ref}); }
#endif
