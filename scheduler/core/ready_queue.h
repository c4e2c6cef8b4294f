// ReadyQueue orders the tasks of one job that could run now.
//
// Order: higher priority first, then deeper ones (a parent waits for them), then submission order.
// Tasks that want the same resources form a class with a queue of its own, so that one which does
// not fit now holds up only its own class. Bounds: none of its own; the submission window bounds
// it.   Complexity: O(log n) a push or pop, O(classes) to look. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_READY_QUEUE_H_
#define TROUPE_SCHEDULER_CORE_READY_QUEUE_H_

#include <cstddef>
#include <set>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "scheduler/core/task.h"

namespace troupe::scheduler {

class ReadyQueue {
 public:
  void Push(Task* task);
  // REQUIRES: the task is in the queue.
  void Remove(Task* task);
  bool Contains(Task* task) const;
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  size_t class_count() const { return classes_.size(); }

  struct Before {
    bool operator()(const Task* a, const Task* b) const;
  };
  // The tasks that want the same resources, first one first.
  struct Class {
    ResourceSet want;
    std::set<Task*, Before> tasks;
  };
  // The non-empty classes, that with the best first task first.
  absl::InlinedVector<const Class*, 4> ClassesInOrder() const;

 private:
  std::vector<Class> classes_;
  size_t size_ = 0;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_READY_QUEUE_H_
