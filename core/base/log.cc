#include "core/base/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include "core/base/limits.h"

namespace troupe {
namespace {

LogLevel LevelFromEnvironment() {
  const char* text = std::getenv("TROUPE_LOG_LEVEL");
  const std::string_view level = text == nullptr ? "warning" : text;
  if (level == "error") return LogLevel::kError;
  if (level == "info") return LogLevel::kInfo;
  if (level == "debug") return LogLevel::kDebug;
  return LogLevel::kWarning;
}

LogLevel Threshold() {
  static const LogLevel level = LevelFromEnvironment();
  return level;
}

const char* Name(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "?";
}

std::atomic<int64_t> max_file_bytes{0};  // 0: without end

// Before a line of so many bytes is written.
void BeginAnewWhereFull(size_t line_bytes) {
  const int64_t most = max_file_bytes;
  struct stat info {};
  if (most == 0 || fstat(STDERR_FILENO, &info) != 0 || !S_ISREG(info.st_mode) ||
      info.st_size + static_cast<int64_t>(line_bytes) <= most) {
    return;
  }
  constexpr std::string_view kNote = "troupe: the log was full, and begins anew here\n";
  if (ftruncate(STDERR_FILENO, 0) == 0) std::fwrite(kNote.data(), 1, kNote.size(), stderr);
}

// Counts the lines of the current second.
struct Budget {
  std::mutex mutex;
  int64_t second = 0;
  int lines = 0;
  int64_t dropped = 0;
};

}  // namespace

bool LogEnabled(LogLevel level) { return level <= Threshold(); }

void Log(LogLevel level, std::string_view line) {
  if (!LogEnabled(level)) return;
  static Budget* const budget =
      new Budget;  // never destroyed: lines may come after exit() has begun
  const std::lock_guard<std::mutex> lock(budget->mutex);
  const int64_t second = std::chrono::duration_cast<std::chrono::seconds>(
                             std::chrono::steady_clock::now().time_since_epoch())
                             .count();
  if (second != budget->second) {
    budget->second = second;
    budget->lines = 0;
  }
  if (budget->lines++ >= Limits::kMaxLogLinesPerSecond) {
    ++budget->dropped;
    return;
  }
  std::string text = "troupe[" + std::to_string(getpid()) + "] " + Name(level) + ": ";
  if (budget->dropped > 0)
    text += "(" + std::to_string(budget->dropped) + " lines left out before this one) ";
  budget->dropped = 0;
  text.append(line.substr(0, Limits::kMaxLogLineBytes));
  text += '\n';
  BeginAnewWhereFull(text.size());
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void KeepLogBelow(int64_t bytes) { max_file_bytes = bytes; }

}  // namespace troupe
