// TaskTable owns the tasks of the node that are not done, each a Task or a ParkedTask.
//
// A pointer to a Task stays valid until Erase or Park, one to a ParkedTask until Erase or Wake.
// Whoever parks or wakes tells the queue that has a pointer to it: see ReadyQueue. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_TASK_TABLE_H_
#define TROUPE_SCHEDULER_CORE_TASK_TABLE_H_

#include <cstddef>
#include <memory>

#include "core/base/ids.h"
#include "core/base/set_by_id.h"
#include "scheduler/core/queued_task.h"
#include "scheduler/core/spec_codec.h"
#include "scheduler/core/task.h"

namespace troupe::scheduler {

class TaskTable {
 public:
  // `codec` null: nothing can be parked.
  explicit TaskTable(SpecCodec* codec) : codec_(codec) {}
  bool can_park() const { return codec_ != nullptr; }

  // REQUIRES: there is none of that id.
  Task* Insert(std::unique_ptr<Task> task);
  // Null where there is none. The same one again takes no look-up.
  QueuedTask* Find(TaskId id) { return last_ != nullptr && last_->id == id ? last_ : LookUp(id); }
  const QueuedTask* Find(TaskId id) const { return const_cast<TaskTable*>(this)->Find(id); }
  // REQUIRES: there is one.
  void Erase(TaskId id);

  // REQUIRES: can_park(), task->CanPark(). It is gone, and what is returned is in its place.
  ParkedTask* Park(Task* task);
  // The task that it was. It stays as it is.
  std::unique_ptr<Task> Awake(const ParkedTask& parked) const { return parked.Awake(*codec_); }
  // `awake`, of Awake, takes the place of the parked task, which is gone.
  Task* Wake(std::unique_ptr<Task> awake);

  size_t size() const { return tasks_.size(); }
  size_t parked_count() const { return parked_; }
  // f(const QueuedTask&), in no order.
  template <typename F>
  void ForEach(F f) const {
    for (const auto& task : tasks_) f(static_cast<const QueuedTask&>(*task));
  }

 private:
  QueuedTask* LookUp(TaskId id);
  void Replace(QueuedTask* task);

  SetById<QueuedTask, DeleteQueuedTask> tasks_;
  QueuedTask* last_ = nullptr;  // that was found or made, if it is there still
  SpecCodec* codec_;
  size_t parked_ = 0;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_TASK_TABLE_H_
