// What the simulation's files include.
#ifndef TROUPE_TOOLS_PRECOMPILED_SIMULATION_H_
#define TROUPE_TOOLS_PRECOMPILED_SIMULATION_H_

#include "absl/strings/str_cat.h"
#include "scheduler/core/core.h"

#endif  // TROUPE_TOOLS_PRECOMPILED_SIMULATION_H_
