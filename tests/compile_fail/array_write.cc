// An Array's elements lie in memory that others read.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
void Wrong(troupe::Array<float>& pixels) { pixels[0] = 1; }
#else
void Right(troupe::Builder<float>& pixels) { pixels[0] = 1; }
#endif
