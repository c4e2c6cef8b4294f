#include "scheduler/server/output_lines.h"

#include <utility>

#include "core/base/limits.h"

namespace troupe::scheduler {

std::vector<std::string> OutputLines::Take(std::string_view bytes) {
  std::vector<std::string> shown;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (!cut_) {
      const size_t room = Limits::kMaxLogLineBytes - partial_.size();
      partial_ += part.substr(0, room);
      if (part.size() > room) {
        partial_ += "...";
        cut_ = true;
      }
    }
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    cut_ = false;
    AddLine(std::exchange(partial_, {}), &shown);
  }
  return shown;
}

std::vector<std::string> OutputLines::Finish() {
  std::vector<std::string> shown;
  if (!partial_.empty()) AddLine(std::exchange(partial_, {}), &shown);
  cut_ = false;
  Unfold(&shown);
  return shown;
}

void OutputLines::AddLine(std::string line, std::vector<std::string>* shown) {
  tail_.push_back(line);
  if (tail_.size() > kTail) tail_.pop_front();
  if (any_ && line == last_) {
    ++repeats_;
    return;
  }
  Unfold(shown);
  any_ = true;
  last_ = line;
  shown->push_back(std::move(line));
}

void OutputLines::Unfold(std::vector<std::string>* shown) {
  if (repeats_ == 0) return;
  shown->push_back("(the line above, " + std::to_string(repeats_) + " times more)");
  repeats_ = 0;
}

std::vector<std::string> OutputLines::Tail() const {
  std::vector<std::string> lines(tail_.begin(), tail_.end());
  if (partial_.empty()) return lines;
  lines.push_back(partial_);
  if (lines.size() > kTail) lines.erase(lines.begin());
  return lines;
}

}  // namespace troupe::scheduler
