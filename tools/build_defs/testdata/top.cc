#include "tools/build_defs/testdata/top.h"

#include "tools/build_defs/testdata/middle.h"

namespace troupe::testdata {

int Top() { return kMiddle + 1; }

}  // namespace troupe::testdata
