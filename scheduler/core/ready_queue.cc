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
  auto it = ClassOf(*task);
  if (it == classes_.end()) it = classes_.insert(classes_.end(), Class{task->want, {}});
  // New tasks mostly come last within their class: the hint makes that O(1).
  const size_t before = it->tasks.size();
  it->tasks.insert(it->tasks.end(), task);
  TROUPE_CHECK(it->tasks.size() == before + 1, "a task that is queued twice");
  ++size_;
}

void ReadyQueue::Remove(Task* task) {
  const auto it = ClassOf(*task);
  TROUPE_CHECK(it != classes_.end(), "a ready task that is not queued");
  if (it->first() == task) {
    it->tasks.erase(it->tasks.begin());  // the usual one, without a search
  } else {
    TROUPE_CHECK(it->tasks.erase(task) == 1, "a ready task that is not queued");
  }
  --size_;
  if (it->tasks.empty()) {
    classes_.erase(it);
  } else if (const QueuedTask* first = *it->tasks.begin(); first->parked) {
    Wake(static_cast<const ParkedTask*>(first));
  }
}

bool ReadyQueue::Contains(const Task* task) const {
  return std::any_of(classes_.begin(), classes_.end(), [&](const Class& c) {
    return c.want == task->want && c.tasks.contains(const_cast<Task*>(task));
  });
}

void ReadyQueue::ParkUnlessFirst(Task* task) {
  const auto it = ClassOf(*task);
  TROUPE_CHECK(it != classes_.end(), "a ready task that is not queued");
  if (it->first() == task) return;
  const auto next = it->tasks.erase(it->tasks.find(task));
  it->tasks.insert(next, table_->Park(task));
}

Task* ReadyQueue::Wake(const ParkedTask* parked) {
  std::unique_ptr<Task> awake = table_->Awake(*parked);
  const auto it = ClassOf(*awake);
  TROUPE_CHECK(it != classes_.end(), "a parked task that is not queued");
  const auto place = it->tasks.find(awake.get());
  TROUPE_CHECK(place != it->tasks.end() && *place == parked, "a parked task that is not queued");
  const auto next = it->tasks.erase(place);
  Task* const task = table_->Wake(std::move(awake));
  it->tasks.insert(next, task);
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
