// What was stored is read back by another process: a sample, the first among it.
#ifndef TROUPE_BENCH_READ_BACK_H_
#define TROUPE_BENCH_READ_BACK_H_

#include <cstdint>
#include <vector>

#include "sdk/object_ref.h"

namespace bench {

// Has a worker read one in a hundred of the references, the i-th of which refers to i. Ends the
// program where one does not.
void ExpectReadBack(const std::vector<troupe::ObjectRef<int64_t>>& refs, const char* what);

}  // namespace bench

#endif  // TROUPE_BENCH_READ_BACK_H_
