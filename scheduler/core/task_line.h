// TaskLine keeps tasks in the order in which they are to run.
//
// Problem: nearly always a new task is the last one and the first one leaves, for which a tree is
// slow: each that leaves moves its neighbours. So what comes in order stands in a deque, behind all
// that is in a tree; where anything else is asked for, the deque goes into the tree first, which
// each task does at most once.
//
// Order: higher priority first, then deeper ones (a parent waits for them), then submission order.
// Complexity: O(1) to add a last one or a first one, to look at the first one and to take it; else
// O(log n), and each task once again. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_TASK_LINE_H_
#define TROUPE_SCHEDULER_CORE_TASK_LINE_H_

#include <cstddef>
#include <deque>

#include "absl/container/btree_set.h"
#include "scheduler/core/queued_task.h"

namespace troupe::scheduler {

// Whether one is to run before another one.
struct RunsBefore {
  bool operator()(const QueuedTask* a, const QueuedTask* b) const;
};

class TaskLine {
 public:
  bool empty() const { return sorted_.empty() && in_order_.empty(); }
  size_t size() const { return sorted_.size() + in_order_.size(); }
  // REQUIRES of both: not empty().
  QueuedTask* first() const { return sorted_.empty() ? in_order_.front() : *sorted_.begin(); }
  void RemoveFirst();

  // REQUIRES: it is not in the line.
  void Add(QueuedTask* task);
  // REQUIRES: it is in the line.
  void Remove(const QueuedTask* task);
  bool Contains(const QueuedTask* task) const;
  // What `make` returns, which runs in the same order, takes the task's place. The task may go
  // while it is made. REQUIRES: it is in the line.
  template <typename F>
  void Replace(const QueuedTask* task, F make) {
    if (!in_order_.empty() && in_order_.back() == task) {  // as one that is parked when it came
      in_order_.back() = make();
      return;
    }
    const auto next = sorted_.erase(Find(task));
    sorted_.insert(next, make());
  }

 private:
  using Sorted = absl::btree_set<QueuedTask*, RunsBefore>;

  void Sort();
  // REQUIRES: it is in the line.
  Sorted::iterator Find(const QueuedTask* task);

  Sorted sorted_;
  std::deque<QueuedTask*> in_order_;  // they run after all that are sorted
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_TASK_LINE_H_
