#ifndef TROUPE_TOOLS_BUILD_DEFS_TESTDATA_TWO_SIDED_H_
#define TROUPE_TOOLS_BUILD_DEFS_TESTDATA_TWO_SIDED_H_

#include <cstdint>
#include <vector>

namespace troupe::testdata {

int Sum(const std::vector<int>& numbers);
int64_t Clock();

}  // namespace troupe::testdata

#endif  // TROUPE_TOOLS_BUILD_DEFS_TESTDATA_TWO_SIDED_H_
