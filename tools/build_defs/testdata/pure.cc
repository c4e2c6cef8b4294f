#include "tools/build_defs/testdata/pure.h"

#include "tools/build_defs/testdata/two_sided.h"

namespace troupe::testdata {

absl::Status CheckSum(const std::vector<int>& numbers, int expected) {
  if (Sum(numbers) == expected) return absl::OkStatus();
  return absl::InvalidArgumentError("another sum");
}

}  // namespace troupe::testdata
