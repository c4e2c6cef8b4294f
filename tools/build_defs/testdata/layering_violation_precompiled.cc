#include "scheduler/core/core.h"

namespace troupe::testdata {

int LayeringViolation() { return sizeof(scheduler::Core); }

}  // namespace troupe::testdata
