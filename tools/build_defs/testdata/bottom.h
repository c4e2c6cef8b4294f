#ifndef TROUPE_TOOLS_BUILD_DEFS_TESTDATA_BOTTOM_H_
#define TROUPE_TOOLS_BUILD_DEFS_TESTDATA_BOTTOM_H_

namespace troupe::testdata {

inline constexpr int kBottom = 1;

}  // namespace troupe::testdata

#endif  // TROUPE_TOOLS_BUILD_DEFS_TESTDATA_BOTTOM_H_
