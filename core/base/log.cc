#include "core/base/log.h"

#include <unistd.h>

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
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace troupe
