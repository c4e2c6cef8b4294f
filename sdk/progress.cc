#include "sdk/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/string_view.h"

namespace troupe {
namespace {

constexpr int64_t kShowEveryNanos = 100'000'000;

// "1,234,567".
std::string WithCommas(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string Duration(double seconds) {
  const auto whole = static_cast<uint64_t>(std::llround(seconds));
  if (whole < 60) return absl::StrCat(whole, " s");
  if (whole < 3600) return absl::StrCat(whole / 60, " min ", whole % 60, " s");
  return absl::StrCat(whole / 3600, " h ", whole % 3600 / 60, " min");
}

}  // namespace

Progress::Progress(std::string label, uint64_t total)
    : label_(std::move(label)),
      total_(total),
      shown_(!label_.empty() && isatty(STDERR_FILENO) == 1),
      started_nanos_(MonotonicNanos()) {}

Progress::~Progress() {
  if (shown_) Show(true);
}

void Progress::Add(uint64_t count) {
  done_ += count;
  if (shown_ && MonotonicNanos() >= next_show_nanos_) Show(false);
}

std::string Progress::Line(std::string_view label, uint64_t done, uint64_t total, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string line = absl::StrCat(ToAbsl(label), "  ");
  if (total > 0) {
    absl::StrAppend(&line, std::min<uint64_t>(100, done * 100 / total), " %");
  } else {
    absl::StrAppend(&line, WithCommas(done));
  }
  const bool per_second = rate >= 10 || rate == 0;
  absl::StrAppend(&line, "  ",
                  per_second ? WithCommas(static_cast<uint64_t>(std::llround(rate)))
                             : absl::StrCat(std::round(rate * 10) / 10),
                  "/s");
  if (total > 0 && rate > 0 && done < total)
    absl::StrAppend(&line, "  ", Duration(static_cast<double>(total - done) / rate), " left");
  if (total == 0 || done >= total) absl::StrAppend(&line, "  ", Duration(seconds));
  return line;
}

void Progress::Show(bool last) {
  const int64_t now = MonotonicNanos();
  next_show_nanos_ = now + kShowEveryNanos;
  std::string line = Line(label_, done_, total_, static_cast<double>(now - started_nanos_) / 1e9);
  const size_t width = line.size();
  if (width < width_) line.append(width_ - width, ' ');  // what stood there
  width_ = width;
  std::fprintf(stderr, "\r%s%s", line.c_str(), last ? "\n" : "");
  std::fflush(stderr);
}

}  // namespace troupe
