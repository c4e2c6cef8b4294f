#include "scheduler/core/ready_queue.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/check.h"

namespace troupe::scheduler {

bool ReadyQueue::Before::operator()(const QueuedTask* a, const QueuedTask* b) const {
  if (a->priority != b->priority) return a->priority > b->priority;
  if (a->depth != b->depth) return a->depth > b->depth;
  return a->order < b->order;
}

std::vector<ReadyQueue::Class>::iterator ReadyQueue::ClassOf(const Task& task) {
  return std::find_if(classes_.begin(), classes_.end(),
                      [&](const Class& c) { return c.want == task.want; });
}

void ReadyQueue::Push(Task* task) {
  ++size_;
  const auto it = ClassOf(*task);
  if (it == classes_.end()) {
    classes_.emplace_back(task);
    return;
  }
  TROUPE_CHECK(it->first_ != task, "a task that is queued twice");
  auto& behind = it->behind_;
  const size_t before = behind.size();
  if (Before()(task, it->first_)) {
    behind.insert(behind.begin(), std::exchange(it->first_, task));
  } else {
    behind.insert(behind.end(), task);  // where new ones mostly belong: the hint makes that O(1)
  }
  TROUPE_CHECK(behind.size() == before + 1, "a task that is queued twice");
}

void ReadyQueue::Remove(Task* task) {
  const auto it = ClassOf(*task);
  TROUPE_CHECK(it != classes_.end(), "a ready task that is not queued");
  --size_;
  auto& behind = it->behind_;
  if (it->first_ != task) {
    TROUPE_CHECK(behind.erase(task) == 1, "a ready task that is not queued");
  } else if (behind.empty()) {
    classes_.erase(it);
  } else {
    QueuedTask* const next = *behind.begin();
    behind.erase(behind.begin());
    it->first_ = next->parked ? table_->Wake(table_->Awake(static_cast<const ParkedTask&>(*next)))
                              : static_cast<Task*>(next);
  }
}

bool ReadyQueue::Contains(const Task* task) const {
  return std::any_of(classes_.begin(), classes_.end(),
                     [&](const Class& c) { return c.want == task->want && c.Contains(task); });
}

bool ReadyQueue::IsBehind(const Task* task) const {
  return std::none_of(classes_.begin(), classes_.end(),
                      [&](const Class& c) { return c.first_ == task; });
}

void ReadyQueue::ParkUnlessFirst(Task* task) {
  const auto it = ClassOf(*task);
  TROUPE_CHECK(it != classes_.end(), "a ready task that is not queued");
  if (it->first() == task) return;
  auto& behind = it->behind_;
  const auto next = behind.erase(behind.find(task));
  behind.insert(next, table_->Park(task));
}

Task* ReadyQueue::Wake(const ParkedTask* parked) {
  std::unique_ptr<Task> awake = table_->Awake(*parked);
  const auto it = ClassOf(*awake);
  TROUPE_CHECK(it != classes_.end(), "a parked task that is not queued");
  auto& behind = it->behind_;
  const auto place = behind.find(awake.get());
  TROUPE_CHECK(place != behind.end() && *place == parked, "a parked task that is not queued");
  const auto next = behind.erase(place);
  Task* const task = table_->Wake(std::move(awake));
  behind.insert(next, task);
  return task;
}

absl::InlinedVector<const ReadyQueue::Class*, 4> ReadyQueue::ClassesInOrder() const {
  absl::InlinedVector<const Class*, 4> order;
  for (const Class& c : classes_) order.push_back(&c);
  if (order.size() < 2) return order;
  std::sort(order.begin(), order.end(),
            [](const Class* a, const Class* b) { return Before()(a->first(), b->first()); });
  return order;
}

}  // namespace troupe::scheduler
