// ReadyQueue orders the tasks of one job that could run now.
//
// Order: that of a TaskLine. Tasks that want the same resources form a class with a queue of its
// own, so that one which does not fit now holds up only its own class. Any but the first of a class
// may be parked; a parked one wakes when it becomes the first. Bounds: none of its own; the
// submission window bounds it. Complexity: that of a TaskLine, and O(log classes) where the first
// of a class changes. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_READY_QUEUE_H_
#define TROUPE_SCHEDULER_CORE_READY_QUEUE_H_

#include <cstddef>
#include <span>
#include <vector>

#include "scheduler/core/by_shape.h"
#include "scheduler/core/queued_task.h"
#include "scheduler/core/task.h"
#include "scheduler/core/task_line.h"
#include "scheduler/core/task_table.h"

namespace troupe::scheduler {

class ReadyQueue {
 public:
  // The table owns the tasks.
  explicit ReadyQueue(TaskTable* table) : table_(table) {}

  void Push(Task* task);
  // REQUIRES: the task is in the queue.
  void Remove(Task* task);
  bool Contains(const Task* task) const;
  // Others of its class go before it. REQUIRES: it is in the queue.
  bool IsBehind(const Task* task) const;
  // The task is gone, and a ParkedTask in its place; but not the first of its class.
  // REQUIRES: it is in the queue, and CanPark().
  void ParkUnlessFirst(Task* task);
  // REQUIRES: it is in the queue. It is gone, and what is returned is in its place.
  Task* Wake(const ParkedTask* parked);
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // The tasks that want the same resources. The first one stands apart from those behind it, so
  // that a queue of one, which is what a program has that waits for each result, takes no memory.
  class Class {
   public:
    explicit Class(const ResourceSet& want) : shape(want) {}

    ResourceSet shape;

    bool empty() const { return first_ == nullptr; }
    // REQUIRES of both: not empty.
    Task* first() const { return first_; }
    size_t size() const { return 1 + behind_.size(); }

   private:
    friend class ReadyQueue;
    bool Contains(const Task* task) const { return task == first_ || behind_.Contains(task); }

    Task* first_ = nullptr;
    TaskLine behind_;
  };
  // The non-empty classes, that with the best first task first. Valid until the queue changes.
  std::span<Class* const> classes() const { return in_order_; }
  // The best task of all. REQUIRES: not empty().
  Task* first() const { return in_order_.front()->first(); }

  // That its classes are in order and its tasks counted; a violation stops the process.
  void CheckInvariants() const;

 private:
  // REQUIRES: one of it is in the queue.
  Class* ClassOf(const Task& task) const;
  static bool IsBefore(const Class* a, const Class* b) {
    return RunsBefore()(a->first_, b->first_);
  }
  // The class has got, or is about to lose, the first task by which it is in order.
  void Enter(Class* of);
  void Leave(Class* of);

  TaskTable* table_;
  ByShape<Class> all_;
  std::vector<Class*> in_order_;
  size_t size_ = 0;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_READY_QUEUE_H_
