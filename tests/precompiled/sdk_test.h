// What the tests of the SDK include, read once for all of them: see _precompiled in
// tools/build_defs/cc.bzl. They name it nowhere, and include what they need.
#ifndef TROUPE_TESTS_PRECOMPILED_SDK_TEST_H_
#define TROUPE_TESTS_PRECOMPILED_SDK_TEST_H_

#include <gtest/gtest.h>

#include "sdk/troupe.h"

#endif  // TROUPE_TESTS_PRECOMPILED_SDK_TEST_H_
