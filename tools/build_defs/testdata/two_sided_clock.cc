#include <time.h>

#include "tools/build_defs/testdata/two_sided.h"

namespace troupe::testdata {

int64_t Clock() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

}  // namespace troupe::testdata
