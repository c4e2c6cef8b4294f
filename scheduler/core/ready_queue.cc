#include "scheduler/core/ready_queue.h"

#include <algorithm>

#include "core/base/check.h"

namespace troupe::scheduler {

bool ReadyQueue::Before::operator()(const Task* a, const Task* b) const {
  if (a->priority != b->priority) return a->priority > b->priority;
  if (a->depth != b->depth) return a->depth > b->depth;
  return a->order < b->order;
}

void ReadyQueue::Push(Task* task) {
  auto it = std::find_if(classes_.begin(), classes_.end(),
                         [&](const Class& c) { return c.want == task->want; });
  if (it == classes_.end()) it = classes_.insert(classes_.end(), Class{task->want, {}});
  // New tasks mostly come last within their class: the hint makes that O(1).
  const size_t before = it->tasks.size();
  it->tasks.insert(it->tasks.end(), task);
  TROUPE_CHECK(it->tasks.size() == before + 1, "a task that is queued twice");
  ++size_;
}

void ReadyQueue::Remove(Task* task) {
  auto it = std::find_if(classes_.begin(), classes_.end(),
                         [&](const Class& c) { return c.want == task->want; });
  TROUPE_CHECK(it != classes_.end(), "a ready task that is not queued");
  if (*it->tasks.begin() == task) {
    it->tasks.erase(it->tasks.begin());  // the usual one, without a search
  } else {
    TROUPE_CHECK(it->tasks.erase(task) == 1, "a ready task that is not queued");
  }
  if (it->tasks.empty()) classes_.erase(it);
  --size_;
}

bool ReadyQueue::Contains(Task* task) const {
  return std::any_of(classes_.begin(), classes_.end(), [&](const Class& c) {
    return c.want == task->want && c.tasks.contains(task);
  });
}

absl::InlinedVector<const ReadyQueue::Class*, 4> ReadyQueue::ClassesInOrder() const {
  absl::InlinedVector<const Class*, 4> order;
  for (const Class& c : classes_) order.push_back(&c);
  if (order.size() < 2) return order;
  std::sort(order.begin(), order.end(), [](const Class* a, const Class* b) {
    return Before()(*a->tasks.begin(), *b->tasks.begin());
  });
  return order;
}

}  // namespace troupe::scheduler
