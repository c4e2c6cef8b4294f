#ifndef TROUPE_TOOLS_BUILD_DEFS_TESTDATA_MIDDLE_H_
#define TROUPE_TOOLS_BUILD_DEFS_TESTDATA_MIDDLE_H_

#include "tools/build_defs/testdata/bottom.h"

namespace troupe::testdata {

inline constexpr int kMiddle = kBottom + 1;

}  // namespace troupe::testdata

#endif  // TROUPE_TOOLS_BUILD_DEFS_TESTDATA_MIDDLE_H_
