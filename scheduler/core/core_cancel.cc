// The part of Core that ends tasks before they have ended by themselves: cancel, deadlines, and the
// pauses before retries.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/string_view.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {
namespace {

// Before the first retry that retry_on asks for; doubled for each further one.
constexpr int64_t kFirstPauseNanos = 50'000'000;
constexpr int64_t kLongestPauseNanos = 30'000'000'000;

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

absl::Status Core::Cancel(ClientId client, const wire::Cancel& cancel) {
  if (!objects_.HasGrant(cancel.result, client)) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " cancels ", cancel.result.ToString(), " and was never granted it"));
  }
  Task* task = MakerOf(cancel.result);
  // Done, or a value that was Put; an actor is ended by Kill.
  if (task == nullptr || task->kind == wire::TaskKind::kActorCreation) return absl::OkStatus();
  const Ending ending = cancel.force ? Ending::kNow : Ending::kByItself;
  if (cancel.recursive) StopDescendants(task, "the task that submitted it was cancelled", ending);
  StopTask(task, task->MakeError(ErrorKind::kCancelled, "it was cancelled"), ending);
  Settle();
  return absl::OkStatus();
}

// The task's results are `error` from now on. One that has not begun is gone; a running one is
// asked to stop, and its process is killed as `ending` says. An actor's process is never killed for
// one of its calls.
void Core::StopTask(Task* task, const ErrorInfo& error, Ending ending) {
  if (!task->answered) {
    if (task->worker != nullptr && Recall(task)) TakeBack(task);
    if (task->worker == nullptr) {
      FailTask(task, error);
      return;
    }
    Answer(task, error);
    task->answered = true;
    history_.Add(now_nanos_, task->id.Result(0), Step::kToldToStop, task->worker->process);
    Act(SendStop{task->worker->client, task->slot, task->generation, error});
  }
  if (task->kind != wire::TaskKind::kTask || ending == Ending::kByItself) return;
  if (ending == Ending::kNow || task->grace_nanos == 0) {
    KillItsProcess(task);
  } else if (task->grace_nanos > 0) {
    SetTimer(task, TaskTimer::kKill, now_nanos_ + task->grace_nanos);
  }
}

// The tasks that it has submitted, and those that they have, to any depth.
void Core::StopDescendants(const Task* task, std::string_view why, Ending ending) {
  std::vector<TaskId> found;
  for (const Task* child = task->first_child; child != nullptr; child = child->next_sibling)
    found.push_back(child->id);
  for (size_t i = 0; i < found.size(); ++i) {
    const Task* next = FindTask(found[i]);
    for (const Task* child = next->first_child; child != nullptr; child = child->next_sibling)
      found.push_back(child->id);
  }
  for (const TaskId id : found) {
    if (Task* next = FindTask(id))
      StopTask(next, next->MakeError(ErrorKind::kCancelled, std::string(why)), ending);
  }
}

// The next process starts while this one dies, which takes as long.
void Core::KillItsProcess(Task* task) {
  Worker* worker = task->worker;
  if (worker->ending) return;
  KillProcess(worker);
  const WorkerPool::Counts counts = workers_.CountsOf(worker->job);
  const size_t without_process = jobs_.at(worker->job).ready.size() + worker->queue.size() - 1;
  if (static_cast<size_t>(counts.starting + counts.idle) < without_process &&
      counts.all() < MaxWorkersPerJob())
    StartProcess(worker->job);
}

// Makes its results `error`, as far as they have none.
void Core::Answer(Task* task, const ErrorInfo& error) {
  history_.Add(now_nanos_, task->id.Result(0), Step::kFailed, ProcessId::kNone,
               static_cast<uint32_t>(error.kind));
  TellIfUnread(*task, error);
  const auto shared = std::make_shared<const ErrorInfo>(error);
  for (uint32_t i = 0; i < task->num_returns; ++i) {
    const ObjectId result = task->id.Result(i);
    const objectstore::Entry* entry = objects_.Find(result);
    if (entry != nullptr && entry->pending()) ObjectResolved(result, objects_.Fail(result, shared));
  }
}

// Of a task that was answered while it ran: what it wrote into its leases is free again.
absl::Status Core::DropResults(ClientId client, const wire::Complete& complete) {
  for (const wire::Value& value : complete.results) {
    const auto* location = std::get_if<Location>(&value.content);
    if (location == nullptr) continue;
    if (absl::Status status = space_.Seal(client, *location); !status.ok()) return status;
    space_.Free(*location);
  }
  return absl::OkStatus();
}

// Exponential, and not all at the same moment.
void Core::RetryLater(Task* task) {
  workers_.Dequeue(task->worker, task, now_nanos_);
  Delay(task);
}

// Takes one of its retries, after a pause that grows.
void Core::Delay(Task* task) {
  task->state = Task::State::kDelayed;
  if (task->retries_left > 0) --task->retries_left;
  const uint32_t doublings = std::min<uint32_t>(task->failures++, 20);
  const int64_t pause = std::min(kLongestPauseNanos, kFirstPauseNanos << doublings);
  const uint64_t dice =
      Mix(config_.seed ^ Mix(task->id.lo() ^ Mix(task->id.hi() + task->failures)));
  const int64_t jitter = static_cast<int64_t>(dice % static_cast<uint64_t>(pause / 2));
  history_.Add(now_nanos_, task->id.Result(0), Step::kDelayed, ProcessId::kNone,
               static_cast<uint32_t>((pause / 2 + jitter) / 1'000'000));
  SetTimer(task, TaskTimer::kRetry, now_nanos_ + pause / 2 + jitter);
}

void Core::AdoptChild(Task* parent, Task* child) {
  child->parent = parent;
  child->next_sibling = parent->first_child;
  if (parent->first_child != nullptr) parent->first_child->previous_sibling = child;
  parent->first_child = child;
}

// Its children become those of its parent.
void Core::LeaveFamily(Task* task) {
  if (task->previous_sibling != nullptr) task->previous_sibling->next_sibling = task->next_sibling;
  if (task->next_sibling != nullptr) task->next_sibling->previous_sibling = task->previous_sibling;
  if (task->parent != nullptr && task->parent->first_child == task)
    task->parent->first_child = task->next_sibling;
  Task* const parent = task->parent;
  for (Task* child = task->first_child; child != nullptr;) {
    Task* const next = child->next_sibling;
    child->parent = child->next_sibling = child->previous_sibling = nullptr;
    if (parent != nullptr) AdoptChild(parent, child);
    child = next;
  }
  task->parent = task->first_child = task->next_sibling = task->previous_sibling = nullptr;
}

// kNever: the timer is off.
void Core::SetTimer(Task* task, TaskTimer timer, int64_t at_nanos) {
  int64_t& at = task->timers[static_cast<size_t>(timer)];
  if (at != kNever) timers_.erase({at, task->order, timer, task->id});
  at = at_nanos;
  if (at != kNever) timers_.insert({at, task->order, timer, task->id});
}

void Core::ClearTimers(Task* task) {
  if (timers_.empty()) return;
  for (size_t i = 0; i < kTaskTimers; ++i) SetTimer(task, TaskTimer(i), kNever);
}

// What was to happen by now; true where something did.
bool Core::FireTimers() {
  bool fired = false;
  while (!timers_.empty() && std::get<0>(*timers_.begin()) <= now_nanos_) {
    const auto [at, order, timer, id] = *timers_.begin();
    Task* task = FindTask(id);
    SetTimer(task, timer, kNever);
    fired = true;
    switch (timer) {
      case TaskTimer::kDeadline: {
        // One that was cancelled and does not listen is killed after its grace, too.
        if (task->worker != nullptr && Recall(task)) TakeBack(task);
        const bool begun = task->worker != nullptr;
        StopDescendants(task, "the task that submitted it ran out of time", Ending::kAfterGrace);
        StopTask(task,
                 task->MakeError(ErrorKind::kDeadlineExceeded,
                                 begun ? "it was still running at its deadline"
                                       : "it had not begun by its deadline"),
                 Ending::kAfterGrace);
        break;
      }
      case TaskTimer::kKill:
        if (task->worker != nullptr) KillItsProcess(task);
        break;
      case TaskTimer::kRetry:
        MakeReady(task);
        break;
    }
  }
  return fired;
}

}  // namespace troupe::scheduler
