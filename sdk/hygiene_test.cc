// What a program includes brings neither libuv nor Cap'n Proto: their macros would be here.
#include <gtest/gtest.h>

#include "sdk/troupe.h"

#if defined(UV_VERSION_MAJOR) || defined(UV_EXTERN)
#error "sdk/troupe.h includes libuv"
#endif
#if defined(CAPNP_VERSION) || defined(CAPNP_VERSION_MAJOR) || defined(KJ_LIKELY)
#error "sdk/troupe.h includes Cap'n Proto"
#endif

namespace {

TEST(HygieneTest, TheHeaderStandsByItself) { EXPECT_FALSE(troupe::IsInitialized()); }

}  // namespace
