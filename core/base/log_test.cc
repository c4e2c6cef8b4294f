// The log's bounds: lines a second, bytes a line, bytes a file.
#include "core/base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "core/base/limits.h"

namespace troupe {
namespace {

// Standard error goes to a file, in append mode, while this lives.
class ErrorFile {
 public:
  ErrorFile() : path_(testing::TempDir() + "/log"), before_(dup(STDERR_FILENO)) {
    const int file = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    std::fflush(stderr);
    dup2(file, STDERR_FILENO);
    close(file);
  }
  ~ErrorFile() {
    std::fflush(stderr);
    dup2(before_, STDERR_FILENO);
    close(before_);
  }
  std::string Text() const {
    std::ifstream file(path_);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  int64_t Size() const {
    struct stat info {};
    return stat(path_.c_str(), &info) == 0 ? info.st_size : -1;
  }

 private:
  std::string path_;
  int before_;
};

TEST(Log, BoundsLinesASecondAndBytesALine) {
  const ErrorFile file;
  const std::string long_line(10 * Limits::kMaxLogLineBytes, 'x');
  for (int i = 0; i < 100 * Limits::kMaxLogLinesPerSecond; ++i) Log(LogLevel::kWarning, long_line);
  const std::string text = file.Text();
  const size_t lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  EXPECT_GE(lines, static_cast<size_t>(Limits::kMaxLogLinesPerSecond));
  // However slowly the loop ran, most of its lines fell into a second that was full.
  EXPECT_LT(lines, 50u * Limits::kMaxLogLinesPerSecond);
  EXPECT_LT(text.size(), lines * (Limits::kMaxLogLineBytes + 128));
}

TEST(Log, AFileBeginsAnewWhereItIsFull) {
  const ErrorFile file;
  constexpr int64_t kMost = 4000;
  KeepLogBelow(kMost);
  // More than one second's lines may be needed.
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (file.Text().find("begins anew") == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    Log(LogLevel::kError, std::string(300, '.'));
    ASSERT_LE(file.Size(), kMost);
  }
  KeepLogBelow(0);
  EXPECT_EQ(file.Text().find("troupe: the log was full, and begins anew here\n"), 0u)
      << file.Text();
}

}  // namespace
}  // namespace troupe
