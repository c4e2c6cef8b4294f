// What the scheduler core's files include.
#ifndef TROUPE_TOOLS_PRECOMPILED_CORE_H_
#define TROUPE_TOOLS_PRECOMPILED_CORE_H_

#include "absl/strings/str_cat.h"
#include "scheduler/core/core.h"

#endif  // TROUPE_TOOLS_PRECOMPILED_CORE_H_
