// Options that are numbers, held against what they may be. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_OPTION_RANGE_H_
#define TROUPE_SDK_INTERNAL_OPTION_RANGE_H_

#include <cstdint>

namespace troupe::internal {

// Throws InvalidArgument: "Options: max_retries = -5: it is at least -1". `where`: "Options".
void CheckOption(const char* where, const char* option, int64_t value, int64_t least,
                 int64_t most = INT64_MAX);

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_OPTION_RANGE_H_
