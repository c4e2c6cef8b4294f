// The part of Core that carries streams: items from the task that yields them to the process that
// submitted it, and the demand back.
//
// Item number i of a task is its result number 1 + i; the end of the stream, or the error that
// ended it, is result 0, which resolves after the last item. The producer stays at most a window
// ahead of what its consumer has taken. A retry yields the same items again: those that the
// consumer has are dropped here. A demand may reach a producer that does not listen yet, so each
// item that is dropped, and each one after a stop, is answered with the demand as it stands.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/string_view.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {

absl::Status Core::StreamItem(ClientId client, const wire::StreamItem& item) {
  Worker* worker = workers_.FindClient(client);
  if (worker == nullptr) {
    return absl::PermissionDeniedError(
        absl::StrCat(ToString(client), " yields an item and is no worker"));
  }
  Task* task = FindTask(item.task);
  // It was failed while it ran, and its process is about to be killed.
  if (task == nullptr && worker->ending) return absl::OkStatus();
  if (task == nullptr || task->worker != worker || task->attempt != item.attempt ||
      task->slot != item.slot || task->stream_window == 0) {
    return absl::PermissionDeniedError(absl::StrCat(ToString(client), " yields an item of ",
                                                    item.task.ToString(), " attempt ", item.attempt,
                                                    ", which it does not have"));
  }
  // Those that were under way when it was stopped are dropped, and not counted.
  const bool unwanted = task->stream_stopped || task->answered || !IsClient(task->submitter());
  if ((item.index > task->stream_items && !unwanted) || item.index >= ObjectId::kMaxIndex) {
    return absl::InvalidArgumentError(absl::StrCat(ToString(client), " yields item ", item.index,
                                                   " of ", item.task.ToString(), " after item ",
                                                   task->stream_items));
  }
  if (unwanted || item.index < task->stream_items) {
    task->stream_stopped = unwanted;
    if (absl::Status status = DropItem(client, item.value); !status.ok()) return status;
    TellProducer(*task);
    Settle();
    return absl::OkStatus();
  }
  const ObjectId id = task->id.Result(1 + item.index);
  if (absl::Status status = CreateObject(id, task->submitter()); !status.ok()) return status;
  if (absl::Status status = SealObject(client, id, item.value); !status.ok()) {
    // The next attempt will yield it.
    TROUPE_CHECK(objects_.Release(task->submitter(), id, 1).ok(),
                 "the maker of an object that holds no grant on it");
    Settle();
    return status;
  }
  ++task->stream_items;
  Act(SendStreamed{task->submitter(), id});
  Settle();
  return absl::OkStatus();
}

// Its memory is the node's again.
absl::Status Core::DropItem(ClientId client, const wire::Value& value) {
  const auto* location = std::get_if<Location>(&value.content);
  if (location == nullptr) return absl::OkStatus();
  if (absl::Status status = space_.Seal(client, *location); !status.ok()) return status;
  space_.Free(*location);
  return absl::OkStatus();
}

absl::Status Core::StreamDemand(ClientId client, const wire::StreamDemand& demand) {
  Task* task = FindTask(demand.task);
  if (task == nullptr) return absl::OkStatus();  // it has ended meanwhile
  if (task->submitter() != client || task->stream_window == 0) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " consumes ", demand.task.ToString(), ", which is no stream of its own"));
  }
  if (demand.consumed > task->stream_items) {
    return absl::InvalidArgumentError(absl::StrCat(
        ToString(client), " has consumed ", demand.consumed, " items of ", task->stream_items));
  }
  task->stream_consumed = std::max(task->stream_consumed, demand.consumed);
  task->stream_stopped |= demand.stopped;
  // One that has not begun need not.
  if (task->stream_stopped && task->worker != nullptr && Recall(task)) TakeBack(task);
  if (task->stream_stopped && task->worker == nullptr) {
    FailTask(task, task->MakeError(ErrorKind::kCancelled, "its stream was dropped"));
  } else {
    TellProducer(*task);
  }
  Settle();
  return absl::OkStatus();
}

// Their consumer is gone: nobody takes what they wait to yield.
void Core::StopStreamsOf(ClientId consumer) {
  for (auto it = streams_.lower_bound({consumer, TaskId()});
       it != streams_.end() && it->first == consumer; ++it) {
    if (tasks_.Find(it->second)->parked) continue;  // it goes with its job
    Task* const task = FindTask(it->second);
    task->stream_stopped = true;
    TellProducer(*task);
  }
}

void Core::TellProducer(const Task& task) {
  if (task.worker == nullptr) return;
  Act(SendStreamDemand{task.worker->client, task.id, task.stream_consumed, task.stream_stopped});
}

}  // namespace troupe::scheduler
