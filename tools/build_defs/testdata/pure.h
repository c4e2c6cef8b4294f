#ifndef TROUPE_TOOLS_BUILD_DEFS_TESTDATA_PURE_H_
#define TROUPE_TOOLS_BUILD_DEFS_TESTDATA_PURE_H_

#include <vector>

#include "absl/status/status.h"

namespace troupe::testdata {

absl::Status CheckSum(const std::vector<int>& numbers, int expected);

}  // namespace troupe::testdata

#endif  // TROUPE_TOOLS_BUILD_DEFS_TESTDATA_PURE_H_
