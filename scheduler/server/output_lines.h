// OutputLines makes lines of what a process writes: to show, with repeated ones folded, and the
// last ones to tell when it dies.
//
// Pure. Bounds: kTail lines of at most Limits::kMaxLogLineBytes are kept; longer ones are cut.
// Not thread-safe.
//
//   OutputLines lines;
//   for (const std::string& line : lines.Take("a\na\na\nb\n")) Show(line);  // a, (2 more), b
#ifndef TROUPE_SCHEDULER_SERVER_OUTPUT_LINES_H_
#define TROUPE_SCHEDULER_SERVER_OUTPUT_LINES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::scheduler {

class OutputLines {
 public:
  static constexpr size_t kTail = 20;

  // The lines to show now. What has no end of line yet waits for the rest.
  std::vector<std::string> Take(std::string_view bytes);
  // There is no more: the rest.
  std::vector<std::string> Finish();

  // The last lines, as they were written; a line that is not complete is the last one.
  std::vector<std::string> Tail() const;

 private:
  void AddLine(std::string line, std::vector<std::string>* shown);
  void Unfold(std::vector<std::string>* shown);

  std::string partial_;
  bool cut_ = false;  // what comes until the end of the line is left out
  std::deque<std::string> tail_;
  bool any_ = false;
  std::string last_;
  uint64_t repeats_ = 0;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_OUTPUT_LINES_H_
