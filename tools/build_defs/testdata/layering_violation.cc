#include "tools/build_defs/testdata/bottom.h"
#include "tools/build_defs/testdata/middle.h"

namespace troupe::testdata {

int LayeringViolation() { return kBottom + kMiddle; }

}  // namespace troupe::testdata
