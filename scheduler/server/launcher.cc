#include "scheduler/server/launcher.h"

#include <sys/random.h>

#include "core/base/check.h"

namespace troupe::scheduler {

uint64_t RandomNonce() {
  uint64_t nonce = 0;
  TROUPE_CHECK(getrandom(&nonce, sizeof(nonce), 0) == sizeof(nonce), "getrandom");
  return nonce;
}

}  // namespace troupe::scheduler
