#ifndef TROUPE_TOOLS_BUILD_DEFS_TESTDATA_LAYERING_VIOLATION_IN_HEADER_H_
#define TROUPE_TOOLS_BUILD_DEFS_TESTDATA_LAYERING_VIOLATION_IN_HEADER_H_

#include "tools/build_defs/testdata/bottom.h"
#include "tools/build_defs/testdata/middle.h"

namespace troupe::testdata {

inline int LayeringViolationInHeader() { return kBottom + kMiddle; }

}  // namespace troupe::testdata

#endif  // TROUPE_TOOLS_BUILD_DEFS_TESTDATA_LAYERING_VIOLATION_IN_HEADER_H_
