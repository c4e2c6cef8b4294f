#include "scheduler/core/task_line.h"

#include <algorithm>

#include "core/base/check.h"

namespace troupe::scheduler {

bool RunsBefore::operator()(const QueuedTask* a, const QueuedTask* b) const {
  if (a->priority != b->priority) return a->priority > b->priority;
  if (a->depth != b->depth) return a->depth > b->depth;
  return a->order < b->order;
}

void TaskLine::RemoveFirst() {
  if (sorted_.empty()) {
    in_order_.pop_front();
  } else {
    sorted_.erase(sorted_.begin());
  }
}

void TaskLine::Add(QueuedTask* task) {
  const RunsBefore before;
  const bool is_last = in_order_.empty() ? sorted_.empty() || before(*sorted_.rbegin(), task)
                                         : before(in_order_.back(), task);
  if (is_last) return in_order_.push_back(task);
  if (!in_order_.empty() && !before(task, in_order_.front())) Sort();
  TROUPE_CHECK(sorted_.insert(task).second, "a task that is queued twice");
}

void TaskLine::Remove(const QueuedTask* task) { sorted_.erase(Find(task)); }

bool TaskLine::Contains(const QueuedTask* task) const {
  return sorted_.contains(const_cast<QueuedTask*>(task)) ||
         std::binary_search(in_order_.begin(), in_order_.end(), task, RunsBefore());
}

void TaskLine::Sort() {
  for (QueuedTask* const task : in_order_) sorted_.insert(sorted_.end(), task);
  in_order_.clear();
}

TaskLine::Sorted::iterator TaskLine::Find(const QueuedTask* task) {
  Sort();
  const auto place = sorted_.find(const_cast<QueuedTask*>(task));
  TROUPE_CHECK(place != sorted_.end() && *place == task, "a ready task that is not queued");
  return place;
}

}  // namespace troupe::scheduler
