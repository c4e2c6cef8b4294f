#include <cstddef>
#include <cstdint>

#include "tools/build_defs/testdata/top.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  unsigned sum = static_cast<unsigned>(troupe::testdata::Top());
  for (size_t i = 0; i < size; ++i) sum += data[i];
  return sum == 0 ? -1 : 0;
}
