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

ReadyQueue::Class* ReadyQueue::ClassOf(const Task& task) const {
  Class* const of = all_.Find(task.want);
  TROUPE_CHECK(of != nullptr && !of->empty(), "a ready task that is not queued");
  return of;
}

void ReadyQueue::Enter(Class* of) {
  if (in_order_.empty()) return in_order_.push_back(of);
  in_order_.insert(std::upper_bound(in_order_.begin(), in_order_.end(), of, IsBefore), of);
}

void ReadyQueue::Leave(Class* of) {
  const auto it = in_order_.size() == 1
                      ? in_order_.begin()
                      : std::lower_bound(in_order_.begin(), in_order_.end(), of, IsBefore);
  TROUPE_CHECK(it != in_order_.end() && *it == of, "a class of tasks out of order");
  in_order_.erase(it);
}

void ReadyQueue::Push(Task* task) {
  ++size_;
  Class* const of = all_.Get(task->want);
  if (of->empty()) {
    of->first_ = task;
    Enter(of);
    return;
  }
  TROUPE_CHECK(of->first_ != task, "a task that is queued twice");
  auto& behind = of->behind_;
  const size_t before = behind.size();
  if (Before()(task, of->first_)) {
    Leave(of);
    behind.insert(behind.begin(), std::exchange(of->first_, task));
    Enter(of);
  } else {
    behind.insert(behind.end(), task);  // where new ones mostly belong: the hint makes that O(1)
  }
  TROUPE_CHECK(behind.size() == before + 1, "a task that is queued twice");
}

void ReadyQueue::Remove(Task* task) {
  Class* const of = ClassOf(*task);
  --size_;
  auto& behind = of->behind_;
  if (of->first_ != task) {
    TROUPE_CHECK(behind.erase(task) == 1, "a ready task that is not queued");
    return;
  }
  Leave(of);
  of->first_ = nullptr;
  if (behind.empty()) return;
  QueuedTask* const next = *behind.begin();
  behind.erase(behind.begin());
  of->first_ = next->parked ? table_->Wake(table_->Awake(static_cast<const ParkedTask&>(*next)))
                            : static_cast<Task*>(next);
  Enter(of);
}

bool ReadyQueue::Contains(const Task* task) const {
  const Class* const of = all_.Find(task->want);
  return of != nullptr && !of->empty() && of->Contains(task);
}

bool ReadyQueue::IsBehind(const Task* task) const { return ClassOf(*task)->first_ != task; }

void ReadyQueue::ParkUnlessFirst(Task* task) {
  Class* const of = ClassOf(*task);
  if (of->first_ == task) return;
  auto& behind = of->behind_;
  const auto next = behind.erase(behind.find(task));
  behind.insert(next, table_->Park(task));
}

Task* ReadyQueue::Wake(const ParkedTask* parked) {
  std::unique_ptr<Task> awake = table_->Awake(*parked);
  auto& behind = ClassOf(*awake)->behind_;
  const auto place = behind.find(awake.get());
  TROUPE_CHECK(place != behind.end() && *place == parked, "a parked task that is not queued");
  const auto next = behind.erase(place);
  Task* const task = table_->Wake(std::move(awake));
  behind.insert(next, task);
  return task;
}

void ReadyQueue::CheckInvariants() const {
  TROUPE_CHECK(std::is_sorted(in_order_.begin(), in_order_.end(), IsBefore),
               "classes of tasks that are not in order");
  size_t classes = 0, tasks = 0;
  all_.ForEach([&](const Class& of) {
    if (of.empty()) {
      TROUPE_CHECK(of.behind_.empty(), "tasks behind none");
      return;
    }
    ++classes;
    tasks += of.size();
    TROUPE_CHECK(of.behind_.empty() || Before()(of.first_, *of.behind_.begin()),
                 "a task that is behind a later one");
    TROUPE_CHECK(std::find(in_order_.begin(), in_order_.end(), &of) != in_order_.end(),
                 "a class of tasks that is not in order");
  });
  TROUPE_CHECK(classes == in_order_.size() && tasks == size_, "ready tasks that do not add up");
}

}  // namespace troupe::scheduler
