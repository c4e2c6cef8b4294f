#include "scheduler/core/ready_queue.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/check.h"

namespace troupe::scheduler {

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
  if (RunsBefore()(task, of->first_)) {
    Leave(of);
    of->behind_.Add(std::exchange(of->first_, task));
    Enter(of);
  } else {
    of->behind_.Add(task);
  }
}

void ReadyQueue::Remove(Task* task) {
  Class* const of = ClassOf(*task);
  --size_;
  TaskLine& behind = of->behind_;
  if (of->first_ != task) return behind.Remove(task);
  Leave(of);
  of->first_ = nullptr;
  if (behind.empty()) return;
  QueuedTask* const next = behind.first();
  behind.RemoveFirst();
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
  of->behind_.Replace(task, [&] { return table_->Park(task); });
}

Task* ReadyQueue::Wake(const ParkedTask* parked) {
  std::unique_ptr<Task> awake = table_->Awake(*parked);
  TaskLine& behind = ClassOf(*awake)->behind_;
  Task* task = nullptr;
  behind.Replace(parked, [&] { return task = table_->Wake(std::move(awake)); });
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
    TROUPE_CHECK(of.behind_.empty() || RunsBefore()(of.first_, of.behind_.first()),
                 "a task that is behind a later one");
    TROUPE_CHECK(std::find(in_order_.begin(), in_order_.end(), &of) != in_order_.end(),
                 "a class of tasks that is not in order");
  });
  TROUPE_CHECK(classes == in_order_.size() && tasks == size_, "ready tasks that do not add up");
}

}  // namespace troupe::scheduler
