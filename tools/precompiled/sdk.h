// What a program that uses the SDK includes.
#ifndef TROUPE_TOOLS_PRECOMPILED_SDK_H_
#define TROUPE_TOOLS_PRECOMPILED_SDK_H_

#include "sdk/troupe.h"

#endif  // TROUPE_TOOLS_PRECOMPILED_SDK_H_
