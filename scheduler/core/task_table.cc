#include "scheduler/core/task_table.h"

#include <utility>

#include "core/base/check.h"

namespace troupe::scheduler {

Task* TaskTable::Insert(std::unique_ptr<Task> task) {
  Task* const inserted = task.get();
  TROUPE_CHECK(tasks_.emplace(task.release()).second, "two tasks of one id");
  last_ = inserted;
  return inserted;
}

QueuedTask* TaskTable::LookUp(TaskId id) {
  const auto it = tasks_.find(id);
  return it == tasks_.end() ? nullptr : last_ = it->get();
}

void TaskTable::Erase(TaskId id) {
  const auto it = tasks_.find(id);
  TROUPE_CHECK(it != tasks_.end(), "a task that goes twice");
  parked_ -= (*it)->parked;
  last_ = nullptr;
  tasks_.erase(it);
}

ParkedTask* TaskTable::Park(Task* task) {
  TROUPE_CHECK(task->CanPark(), "a task is parked that would not be the same again");
  ParkedTask* const parked =
      ParkedTask::New(*task, task->spec.size(), codec_->Pack(task->spec.bytes()));
  Replace(parked);
  ++parked_;
  return parked;
}

Task* TaskTable::Wake(std::unique_ptr<Task> awake) {
  Task* const task = awake.release();
  Replace(task);
  --parked_;
  return task;
}

// The one of the same id goes.
void TaskTable::Replace(QueuedTask* task) {
  auto node = tasks_.extract(tasks_.find(task->id));
  node.value().reset(task);
  last_ = nullptr;
  tasks_.insert(std::move(node));
}

}  // namespace troupe::scheduler
