#include <numeric>

#include "tools/build_defs/testdata/two_sided.h"

namespace troupe::testdata {

int Sum(const std::vector<int>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0);
}

}  // namespace troupe::testdata
