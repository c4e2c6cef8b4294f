// What the tests of the SDK include.
#ifndef TROUPE_TOOLS_PRECOMPILED_SDK_TEST_H_
#define TROUPE_TOOLS_PRECOMPILED_SDK_TEST_H_

#include <gtest/gtest.h>

#include "sdk/troupe.h"

#endif  // TROUPE_TOOLS_PRECOMPILED_SDK_TEST_H_
