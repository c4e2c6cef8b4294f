// SubmissionWindow bounds how many unfinished tasks a driver keeps in the cluster.
//
// Problem: a loop that submits faster than workers work would fill the node's memory. So a driver
// counts what it has submitted, the node tells it now and then how many of them are done, and the
// driver waits (or is refused) while too many are not. What tasks submit is not held: a task that
// waits for its own submissions' turn would wait for ever.
//
// Pure. The node tells in steps of a sixteenth of the window, so at least fifteen sixteenths are
// really unfinished when it is full. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CLIENT_SUBMISSION_WINDOW_H_
#define TROUPE_SCHEDULER_CLIENT_SUBMISSION_WINDOW_H_

#include <algorithm>
#include <cstdint>

namespace troupe::scheduler {

class SubmissionWindow {
 public:
  explicit SubmissionWindow(uint32_t window) : window_(std::max<uint32_t>(1, window)) {}

  bool full() const { return submitted_ - finished_ >= window_; }
  uint64_t unfinished() const { return submitted_ - finished_; }
  uint32_t window() const { return window_; }

  // One more, a task or an actor's call.
  void Submitted() { ++submitted_; }
  // The node's word: so many are done, over all. One that was overtaken changes nothing.
  void Finished(uint64_t count) { finished_ = std::max(finished_, std::min(count, submitted_)); }

 private:
  uint32_t window_;
  uint64_t submitted_ = 0;
  uint64_t finished_ = 0;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CLIENT_SUBMISSION_WINDOW_H_
