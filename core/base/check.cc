#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace troupe::internal {

void CheckFailed(const char* file, int line, const char* condition, const char* message) {
  std::fprintf(stderr, "troupe: %s:%d: check failed: %s: %s (this is a bug in Troupe)\n", file,
               line, condition, message);
  std::fflush(stderr);
  std::abort();
}

}  // namespace troupe::internal
