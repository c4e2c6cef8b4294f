// QueuedTask is what the scheduler always knows of a task: enough to find it and to put it in its
// place among others. A Task knows everything; a ParkedTask is one that waits behind many others
// and to which nothing has happened yet, kept as its message, packed.
//
// Problem: a program may queue a million tasks, and a Task is large. So what is queued deep is
// parked, and wakes when its turn comes, or when anybody asks for it. What each takes:
// bazel run -c opt //bench:core -- --filter=1m_queued_tasks_bytes.
// Thread-safety: values, owned by the TaskTable.
#ifndef TROUPE_SCHEDULER_CORE_QUEUED_TASK_H_
#define TROUPE_SCHEDULER_CORE_QUEUED_TASK_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/ids.h"
#include "core/wire/messages.h"
#include "scheduler/core/spec_codec.h"

namespace troupe::scheduler {

struct Task;

struct QueuedTask {
  TaskId id;
  uint64_t order = 0;  // of submission, over the whole node
  int64_t ready_since_nanos = 0;
  JobId job = JobId::kNone;
  int32_t priority = 0;  // its own, or the highest of those that wait for it
  uint32_t depth = 0;    // how many tasks are above it
  bool parked = false;   // a ParkedTask; else a Task

  // The process that submitted it: the maker of its id.
  ClientId submitter() const { return id.client(); }

 protected:
  ~QueuedTask() = default;
};

struct ParkedTask : QueuedTask {
  // `packed`: its message, of `spec_bytes` bytes before.
  static ParkedTask* New(const QueuedTask& task, size_t spec_bytes, wire::Bytes packed);
  static void Delete(ParkedTask* task);

  // The task that it was. It stays as it is.
  std::unique_ptr<Task> Awake(const SpecCodec& codec) const;

  // That it takes.
  size_t bytes() const { return sizeof(ParkedTask) + packed_bytes_; }

 private:
  ParkedTask(const QueuedTask& task, size_t spec_bytes, wire::Bytes packed);
  ~ParkedTask() = default;
  // They follow the object, in the same piece of memory.
  std::byte* packed() { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* packed() const { return reinterpret_cast<const std::byte*>(this + 1); }

  uint32_t spec_bytes_;
  uint32_t packed_bytes_;
};

// For owners of either kind.
struct DeleteQueuedTask {
  void operator()(QueuedTask* task) const;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_QUEUED_TASK_H_
