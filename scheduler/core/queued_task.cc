#include "scheduler/core/queued_task.h"

#include <algorithm>
#include <limits>
#include <new>
#include <span>

#include "core/base/check.h"
#include "scheduler/core/task.h"

namespace troupe::scheduler {

ParkedTask::ParkedTask(const QueuedTask& task, size_t spec_bytes, wire::Bytes packed_spec)
    : QueuedTask(task),
      spec_bytes_(static_cast<uint32_t>(spec_bytes)),
      packed_bytes_(static_cast<uint32_t>(packed_spec.size())) {
  TROUPE_CHECK(spec_bytes <= std::numeric_limits<uint32_t>::max(), "a message of 4 GiB");
  parked = true;
  std::copy(packed_spec.begin(), packed_spec.end(), packed());
}

ParkedTask* ParkedTask::New(const QueuedTask& task, size_t spec_bytes, wire::Bytes packed) {
  void* memory = ::operator new(sizeof(ParkedTask) + packed.size());
  return new (memory) ParkedTask(task, spec_bytes, packed);
}

void ParkedTask::Delete(ParkedTask* task) {
  task->~ParkedTask();
  ::operator delete(task);
}

std::unique_ptr<Task> ParkedTask::Awake(const SpecCodec& codec) const {
  auto task = std::make_unique_for_overwrite<Task>();
  task->spec = SpecBytes(spec_bytes_, [&](std::span<uint64_t> message) {
    codec.Unpack(wire::Bytes(packed(), packed_bytes_), message);
  });
  task->Fill(codec.Read(task->spec.bytes()));
  static_cast<QueuedTask&>(*task) = *this;
  task->parked = false;
  task->state = Task::State::kReady;
  return task;
}

void DeleteQueuedTask::operator()(QueuedTask* task) const {
  if (task->parked) {
    ParkedTask::Delete(static_cast<ParkedTask*>(task));
  } else {
    delete static_cast<Task*>(task);
  }
}

}  // namespace troupe::scheduler
