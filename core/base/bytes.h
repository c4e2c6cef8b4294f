// Sizes as people write them: "512MiB", "7.0 GiB".
//
//   absl::StatusOr<int64_t> size = ParseBytes("1.5GiB");   // 1610612736
//   FormatBytes(1610612736);                               // "1.5 GiB"
#ifndef TROUPE_CORE_BASE_BYTES_H_
#define TROUPE_CORE_BASE_BYTES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace troupe {

// Accepts a plain number of bytes or one with the unit B, K, KB, KiB, M, ..., T (all of 1024).
// Errors: InvalidArgument for anything else, negative and overflowing sizes included.
absl::StatusOr<int64_t> ParseBytes(std::string_view text);

std::string FormatBytes(int64_t bytes);

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_BYTES_H_
