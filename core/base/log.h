// Log lines of the node and of the runtime inside drivers and workers: one line each, to stderr.
//
// Bounded: at most Limits::max_log_lines_per_second lines a second leave a process; what was left
// out is counted in the next line that gets through, so that a peer that sends garbage cannot fill
// a disk. Level: TROUPE_LOG_LEVEL=error|warning|info|debug (default: warning).  Thread-safe.
//
//   Log(LogLevel::kWarning, absl::StrCat("client ", id, " was cut off: ", status.message()));
#ifndef TROUPE_CORE_BASE_LOG_H_
#define TROUPE_CORE_BASE_LOG_H_

#include <cstdint>
#include <string_view>

namespace troupe {

enum class LogLevel { kError, kWarning, kInfo, kDebug };

void Log(LogLevel level, std::string_view line);

// True where a line of this level would be printed: for lines that are costly to compose.
bool LogEnabled(LogLevel level);

// From now on the log's file, which is standard error, begins anew where it would grow beyond
// `bytes`. For a file of our own: a daemon's. Its descriptor must be in append mode.
void KeepLogBelow(int64_t bytes);

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_LOG_H_
