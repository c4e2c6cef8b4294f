// A shared object that needs what no program has.
#include "sdk/troupe.h"

int NowhereToBeFound(int x);

namespace {

int Call(int x) { return NowhereToBeFound(x); }
[[maybe_unused]] const bool registered = troupe::RegisterFunction("misfit.call", Call);

}  // namespace
