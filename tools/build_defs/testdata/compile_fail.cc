#include "tools/build_defs/testdata/top.h"

namespace troupe::testdata {

#ifndef TROUPE_COMPILE_OK
int Wrong() { return TopOf<-1>(); }
#else
int Right() { return TopOf<1>(); }
#endif

}  // namespace troupe::testdata
