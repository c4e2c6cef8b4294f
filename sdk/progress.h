// Progress shows on a terminal how far a long loop has come: "squares  45 %  1,234/s  3 s left".
//
//   troupe::Progress progress("squares", 10'000);
//   for (...) progress.Add(1);
//
// It writes to standard error, at most ten times a second, and nothing where that is no terminal.
// Without a total it shows the count. The line ends when it goes.   Not thread-safe.
#ifndef TROUPE_SDK_PROGRESS_H_
#define TROUPE_SDK_PROGRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

class Progress {
 public:
  // An empty label shows nothing; a total of 0 is unknown.
  explicit Progress(std::string label, uint64_t total = 0);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void Add(uint64_t count);
  uint64_t done() const { return done_; }

  // The line as it is shown.
  static std::string Line(std::string_view label, uint64_t done, uint64_t total, double seconds);

 private:
  void Show(bool last);

  std::string label_;
  uint64_t total_;
  bool shown_;
  uint64_t done_ = 0;
  int64_t started_nanos_;
  int64_t next_show_nanos_ = 0;
  size_t width_ = 0;  // of what stands there
};

}  // namespace troupe

#endif  // TROUPE_SDK_PROGRESS_H_
