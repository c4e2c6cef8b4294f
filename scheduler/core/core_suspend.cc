// The part of Core that knows of actors' calls that are suspended: coroutines that wait, and whose
// thread takes other calls meanwhile.
//
// Problem: such a call does not run, so that it must not keep the next one from its thread; but it
// takes memory and must be ended with its process, so that there cannot be any number of them. So
// it counts apart: not among those that an actor may run or have ahead, but among those that it may
// have in all (Limits::kMaxSuspendedCalls); beyond that, calls stay queued here. Its state word is
// free for another one: it has begun, and will not be taken back.   After Ray's asyncio actors.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {

// Null where the call was failed while it ran, and its process is about to end: too late, no lie.
absl::StatusOr<Task*> Core::FindCall(ClientId client, TaskId id, uint32_t attempt, uint32_t slot,
                                     std::string_view does) {
  const Worker* worker = workers_.FindClient(client);
  Task* task = FindTask(id);
  if (task == nullptr && worker != nullptr && worker->ending) return task;
  if (task == nullptr || worker == nullptr || task->worker != worker || task->attempt != attempt ||
      task->slot != slot) {
    return absl::PermissionDeniedError(absl::StrCat(ToString(client), " ", ToAbsl(does), " ",
                                                    id.ToString(), " attempt ", attempt,
                                                    ", which it does not have"));
  }
  if (task->kind != wire::TaskKind::kActorCall) {
    return absl::InvalidArgumentError(absl::StrCat(ToString(client), " ", ToAbsl(does), " ",
                                                   id.ToString(), ", which is no actor's call"));
  }
  return task;
}

absl::Status Core::Suspend(ClientId client, const wire::Suspend& suspend) {
  const absl::StatusOr<Task*> found =
      FindCall(client, suspend.task, suspend.attempt, suspend.slot, "suspends");
  if (!found.ok()) return found.status();
  if (*found == nullptr) return absl::OkStatus();
  Task* call = *found;
  if (call->suspended) {
    return absl::PermissionDeniedError(
        absl::StrCat(ToString(client), " suspends ", suspend.task.ToString(), " twice"));
  }
  if (suspend.thread >= static_cast<uint32_t>(Limits::kMaxActorThreads)) {
    return absl::InvalidArgumentError(absl::StrCat(
        ToString(client), " suspends ", suspend.task.ToString(), " on thread ", suspend.thread));
  }
  if (!HasBegun(*call)) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " suspends ", suspend.task.ToString(), ", which it has not begun"));
  }
  if (!objects_.HasGrant(suspend.awaits, client)) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " waits for ", suspend.awaits.ToString(), " and was never granted it"));
  }
  workers_.Suspend(call);
  call->awaits = suspend.awaits;
  call->thread = suspend.thread;
  if (jobs_.at(call->worker->job).priorities_differ) {
    if (Task* maker = MakerOf(call->awaits)) Raise(maker, call->priority);
  }
  PumpActor(actors_.Get(call->actor));
  Schedule();
  RefuseCircularWait(call);
  return absl::OkStatus();
}

absl::Status Core::Resume(ClientId client, const wire::Resume& resume) {
  const absl::StatusOr<Task*> found =
      FindCall(client, resume.task, resume.attempt, resume.slot, "resumes");
  if (!found.ok()) return found.status();
  if (*found == nullptr) return absl::OkStatus();
  if (!(*found)->suspended) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " resumes ", resume.task.ToString(), ", which is not suspended"));
  }
  workers_.Resume(*found);
  return absl::OkStatus();
}

bool Core::HasBegun(const Task& task) const {
  return !task.holds_slot || words_->HasBegun(task.worker->client, task.slot, task.generation);
}

bool Core::IsFull(const ActorRecord& actor, const Worker& worker, uint32_t group) const {
  return worker.LoadOf(group).dispatched >= actor.MostCalls(group, config_.max_suspended_calls);
}

// The wait of its process; where all its calls are suspended, that of the deepest one.
void Core::RefuseWait(Worker* worker, std::string message) {
  if (worker->is_actor() && !worker->says_blocked) {
    Task* deepest =
        *std::max_element(worker->queue.begin(), worker->queue.end(),
                          [](const Task* a, const Task* b) { return a->depth < b->depth; });
    RefuseSuspension(deepest, std::move(message));
    return;
  }
  worker->wait_refused = true;
  Act(SendWaitRefused{
      worker->client, worker->waits,
      worker->queue.front()->MakeError(ErrorKind::kResourceExhausted, std::move(message))});
}

void Core::RefuseSuspension(Task* call, std::string message) {
  call->wait_refused = true;
  Act(SendWaitRefused{call->worker->client, call->suspensions,
                      call->MakeError(ErrorKind::kResourceExhausted, std::move(message)),
                      call->id});
}

}  // namespace troupe::scheduler
