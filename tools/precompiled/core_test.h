// What the scheduler core's tests include.
#ifndef TROUPE_TOOLS_PRECOMPILED_CORE_TEST_H_
#define TROUPE_TOOLS_PRECOMPILED_CORE_TEST_H_

#include <gtest/gtest.h>

#include "scheduler/core/core_fixture.h"

#endif  // TROUPE_TOOLS_PRECOMPILED_CORE_TEST_H_
