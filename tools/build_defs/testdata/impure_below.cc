#include "tools/build_defs/testdata/two_sided.h"

namespace troupe::testdata {

bool IsLate(int64_t deadline) { return Clock() > deadline; }

}  // namespace troupe::testdata
