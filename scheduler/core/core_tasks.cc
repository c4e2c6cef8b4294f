// The part of Core that takes in tasks, sends them to workers, and records what became of them.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "core/fault/probe.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {
absl::Status Core::Submit(ClientId client, const wire::TaskSpec& spec, wire::Bytes message) {
  const absl::StatusOr<Submitter> submitter = SubmitterOf(client);
  if (!submitter.ok()) return submitter.status();
  auto owned = std::make_unique_for_overwrite<Task>();  // not filled with zeros before
  Task* task = owned.get();
  task->job = submitter->job;
  task->spec = SpecBytes(message);
  if (absl::Status status = Enter(client, spec, task); !status.ok()) return status;
  tasks_.Insert(std::move(owned));
  queued_bytes_ += task->spec.size();
  use_.Add(client, {0, task->spec.size()});
  if (task->stream_window > 0) streams_.insert({client, task->id});
  absl::Status status;
  if (spec.kind == wire::TaskKind::kActorCreation) status = EnterActor(spec, task);
  if (spec.kind == wire::TaskKind::kActorCall) status = EnterCall(spec, task);
  if (!status.ok()) return status;
  if (tasks_.Find(spec.id) != nullptr) {  // else it has failed already
    const Worker* const worker = submitter->worker;
    Task* const parent = worker == nullptr ? nullptr : FindTask(spec.caller.task);
    const bool has_parent = parent != nullptr && parent->worker == worker;
    if (jobs_.at(submitter->job).ended || (worker != nullptr && worker->disowned)) {
      FailTask(task, JobEnded(*task));  // sent before the process knew
    } else if (const auto code = UnregisteredCode(client, spec, *task); code.has_value()) {
      FailTask(task, *code);
    } else if (const auto foreign = ForeignCode(spec, *task); foreign.has_value()) {
      FailTask(task, *foreign);
    } else if (has_parent && parent->answered) {
      FailTask(task, task->MakeError(ErrorKind::kCancelled,
                                     "the task that submitted it was stopped before it did"));
    } else if (const auto limit = PastItsLimit(client, 0); limit.has_value()) {
      FailTask(task, task->MakeError(ErrorKind::kResourceExhausted, *limit));
    } else if (worker != nullptr && queued_bytes_ > config_.max_queued_bytes) {
      FailTask(task, task->MakeError(
                         ErrorKind::kResourceExhausted,
                         absl::StrCat(tasks_.size(), " unfinished tasks take ",
                                      FormatBytes(static_cast<int64_t>(queued_bytes_)),
                                      ": tasks may submit tasks as long as that is at most ",
                                      FormatBytes(static_cast<int64_t>(config_.max_queued_bytes)),
                                      "; wait for some of them first")));
    } else {
      if (has_parent && task->kind != wire::TaskKind::kActorCreation) AdoptChild(parent, task);
      if (task->deadline_nanos != kNever)
        SetTimer(task, TaskTimer::kDeadline, task->deadline_nanos);
      Admit(task);
      if (tasks_.Find(spec.id) == task && OnlyQueues(*task)) {
        ParkIfDeep(spec.id);
        return absl::OkStatus();
      }
      ParkIfDeep(spec.id);
    }
  }
  Settle();
  return absl::OkStatus();
}

// Others of its kind wait already, and what they want is not free: whatever can run was dispatched
// when they came, or when something last changed. With several jobs or kinds of task it also counts
// how long they have waited.
bool Core::OnlyQueues(const Task& task) const {
  if (task.kind != wire::TaskKind::kTask || task.state != Task::State::kReady ||
      task.placement != nullptr || jobs_.size() > 1 || !starts_.empty() ||
      !ending_groups_.empty() || !resolved_.empty()) {
    return false;
  }
  const ReadyQueue& ready = jobs_.begin()->second.ready;
  return ready.classes().size() == 1 && ready.IsBehind(&task) && !workers_.free().Covers(task.want);
}

// Of a task that was admitted, and may be gone already.
void Core::ParkIfDeep(TaskId id) {
  if (!tasks_.can_park()) return;
  Task* const task = FindTask(id);
  if (task == nullptr || !task->CanPark()) return;
  ReadyQueue& ready = jobs_.at(task->job).ready;
  if (ready.size() > config_.max_awake_tasks) ready.ParkUnlessFirst(task);
}

Task* Core::FindTask(TaskId id) {
  QueuedTask* task = tasks_.Find(id);
  if (task == nullptr) return nullptr;
  if (task->parked) return jobs_.at(task->job).ready.Wake(static_cast<ParkedTask*>(task));
  return static_cast<Task*>(task);
}

std::shared_ptr<const Task> Core::LookAt(TaskId id) const {
  const QueuedTask* task = tasks_.Find(id);
  return task == nullptr ? nullptr : LookAt(*task);
}

std::shared_ptr<const Task> Core::LookAt(const QueuedTask& task) const {
  if (task.parked) return tasks_.Awake(static_cast<const ParkedTask&>(task));
  return {std::shared_ptr<const Task>(), static_cast<const Task*>(&task)};  // the table's own
}

// Checks everything before it changes anything.
absl::Status Core::Enter(ClientId client, const wire::TaskSpec& spec, Task* task) {
  task->Fill(spec);
  if (spec.timeout_nanos != 0 && spec.kind != wire::TaskKind::kActorCreation) {
    if (spec.timeout_nanos < kFarNanos)
      task->deadline_nanos = now_nanos_ + std::max<int64_t>(0, spec.timeout_nanos);
  }
  task->order = next_order_++;
  for (const auto& [name, units] : spec.resources) {
    if (IsOfBundle(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat(spec.id.ToString(), " asks for a resource named \"", name, "\""));
    }
    if (units < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(spec.id.ToString(), " asks for a negative amount of ", name));
    }
  }
  if (spec.num_returns == 0 || spec.num_returns > Limits::kMaxReturns) {
    return absl::InvalidArgumentError(absl::StrCat(spec.id.ToString(), " asks for ",
                                                   spec.num_returns, " results; a task has 1 to ",
                                                   Limits::kMaxReturns));
  }
  if (spec.stream_window > 0 && spec.num_returns != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.id.ToString(), " asks for a stream and several results"));
  }
  if (spec.cpu_units < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.id.ToString(), " asks for a negative number of CPUs"));
  }
  const auto granted = [&](ObjectId id) { return objects_.HasGrant(id, client); };
  for (const auto* ids : {&task->dependencies, &task->inner_refs}) {
    for (const ObjectId id : *ids) {
      if (!granted(id)) {
        return absl::PermissionDeniedError(absl::StrCat(ToString(client), " passes ", id.ToString(),
                                                        " to ", spec.id.ToString(),
                                                        " and was never granted it"));
      }
    }
  }
  if (spec.kind == wire::TaskKind::kActorCall && !granted(spec.actor)) {
    return absl::PermissionDeniedError(absl::StrCat(
        ToString(client), " calls actor ", spec.actor.ToString(), " and was never granted it"));
  }
  if (spec.kind == wire::TaskKind::kActorCall && actors_.Find(spec.actor) == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.actor.ToString(), " is called and is no actor"));
  }
  const ObjectId group = spec.placement.group;
  if (!group.is_null() && (!granted(group) || !placement_groups_.contains(group))) {
    return absl::PermissionDeniedError(
        absl::StrCat(ToString(client), " places ", spec.id.ToString(), " in ", group.ToString(),
                     ", which is no placement group that it was granted"));
  }
  for (uint32_t i = 0; i < spec.num_returns; ++i) {
    const ObjectId result = spec.id.Result(i);
    if (absl::Status status = CreateObject(result, client); !status.ok()) {
      // The client is cut off, and its grants go; what the task holds would stay.
      for (uint32_t made = 0; made < i; ++made) objects_.Unhold(spec.id.Result(made));
      return status;
    }
    TROUPE_CHECK(objects_.Subscribe(result, client).ok(),
                 "the maker of an object that holds no grant on it");
    // An actor lives by its handles alone: its creation does not hold it.
    if (spec.kind != wire::TaskKind::kActorCreation) objects_.Hold(result);
  }
  for (const ObjectId id : task->dependencies) objects_.Hold(id);
  for (const ObjectId id : task->inner_refs) objects_.Hold(id);
  if (spec.kind == wire::TaskKind::kActorCall) objects_.Hold(spec.actor);
  if (!group.is_null()) objects_.Hold(group);
  return absl::OkStatus();
}

// Waits for the arguments, or begins at once.
void Core::Admit(Task* task) {
  if (task->placement != nullptr) {
    if (const auto error = EnterBundle(task); error.has_value()) {
      FailTask(task, *error);
      return;
    }
    if (objects_.Find(task->placement->group)->pending()) {
      ++task->missing;
      dependents_[task->placement->group].push_back(task->id);
    }
  } else if (!config_.total.Covers(task->want)) {
    FailTask(task,
             task->MakeError(ErrorKind::kInfeasible,
                             absl::StrCat("it asks for ", task->want.ToString(),
                                          " and the cluster has only ", config_.total.ToString())));
    return;
  }
  Job& job = jobs_.at(task->job);
  if (job.tasks_entered++ == 0) job.first_priority = task->priority;
  job.priorities_differ |= task->priority != job.first_priority;
  for (const ObjectId dependency : task->dependencies) {
    const objectstore::Entry* entry = objects_.Find(dependency);
    if (entry->failed()) {
      FailTask(task, *entry->error());
      return;
    }
    if (entry->pending()) WaitForArgument(task, dependency);
  }
  history_.Add(now_nanos_, task->id.Result(0), Step::kSubmitted, ProcessId::kNone,
               static_cast<uint32_t>(task->missing));
  if (task->missing == 0) Enqueue(task);
}

// REQUIRES: it is pending.
void Core::WaitForArgument(Task* task, ObjectId id) {
  ++task->missing;
  dependents_[id].push_back(task->id);
  if (!jobs_.at(task->job).priorities_differ) return;
  if (Task* maker = MakerOf(id)) Raise(maker, task->priority);
}

void Core::MakeReady(Task* task) {
  history_.Add(now_nanos_, task->id.Result(0), Step::kReady);
  Enqueue(task);
}

// The same of one whose history says so already.
void Core::Enqueue(Task* task) {
  task->state = Task::State::kReady;
  task->ready_since_nanos = now_nanos_;
  if (task->placement != nullptr) task->want = task->placement->queued_as;
  switch (task->kind) {
    case wire::TaskKind::kTask: {
      Job& job = jobs_.at(task->job);
      if (jobs_.size() > 1 && job.ready.empty()) JoinShares(task->job, &job);
      job.ready.Push(task);
      break;
    }
    case wire::TaskKind::kActorCreation:
      WaitForStart(task->actor, actors_.Get(task->actor)->job);
      break;
    case wire::TaskKind::kActorCall:
      PumpActor(actors_.Get(task->actor));
      break;
  }
}

// Iterative: a chain of any length may resolve at once.
void Core::ResolveDependents() {
  while (!resolved_.empty()) {
    const ObjectId id = resolved_.front();
    resolved_.pop_front();
    if (!freeing_.empty() && freeing_.contains(id)) TryToFree(id);
    const auto it = dependents_.find(id);
    if (it == dependents_.end()) continue;
    const Dependents dependents = std::move(it->second);
    dependents_.erase(it);
    const objectstore::Entry* entry = objects_.Find(id);
    if (entry == nullptr) continue;  // all its tasks have failed by other arguments
    const std::shared_ptr<const ErrorInfo> error = entry->error();
    for (const TaskId dependent : dependents) {
      Task* const task = FindTask(dependent);
      if (task == nullptr) continue;  // another argument of it has failed
      if (error != nullptr) {
        FailTask(task, *error);
      } else if (--task->missing == 0) {
        MakeReady(task);
      }
    }
  }
}

void Core::Settle() {
  CollectFreed();
  Schedule();
}

namespace {

// Takes it off the room for copies in a message.
bool CanBeCopied(const objectstore::Entry& entry, size_t* room) {
  const auto bytes = entry.inline_bytes();
  if (!bytes.has_value() || bytes->size() > *room || !entry.contained().empty()) return false;
  *room -= bytes->size();
  return true;
}

}  // namespace

void Core::Dispatch(Worker* worker, Task* task) {
  workers_.Enqueue(worker, task, next_generation_++);
  task->state = Task::State::kDispatched;
  ++task->attempt;
  if (task->max_calls > 0) {
    Worker::Calls& calls = worker->calls[task->entry];
    calls.max = task->max_calls;
    if (++calls.count >= calls.max) workers_.SetRetiring(worker, true);
  }
  words_->Queue(worker->client, task->slot, task->generation);
  history_.Add(now_nanos_, task->id.Result(0), Step::kDispatched, worker->process, task->attempt);
  SendDispatch& dispatch = Act<SendDispatch>();
  dispatch.worker = worker->client;
  dispatch.slot = task->slot;
  dispatch.generation = task->generation;
  dispatch.attempt = task->attempt;
  dispatch.spec = task->spec;
  dispatch.inner_refs = task->inner_refs;
  if (task->deadline_nanos != kNever)
    dispatch.time_left_nanos = std::max<int64_t>(1, task->deadline_nanos - now_nanos_);
  dispatch.group = task->group;
  size_t room = Limits::kMaxInlineBytesPerMessage;
  const auto give = [&](ObjectId id) {
    const bool copied = CanBeCopied(*objects_.Find(id), &room);
    if (!copied) objects_.Grant(id, worker->client, 1);
    dispatch.values.push_back({id, copied});
  };
  for (const ObjectId id : task->dependencies) give(id);
  for (const ObjectId id : task->inner_refs) objects_.Grant(id, worker->client, 1);
  if (task->kind == wire::TaskKind::kActorCreation) {
    const ObjectId checkpoint = actors_.Get(task->actor)->checkpoint;
    dispatch.restores = !checkpoint.is_null();
    if (dispatch.restores) give(checkpoint);
  }
}

// True where the task had not begun; it stays in its worker's queue until the caller takes it out.
bool Core::Recall(Task* task) {
  if (!task->holds_slot) return false;
  return words_->TryRecall(task->worker->client, task->slot, task->generation);
}

// After a Recall: it is as if it had not been dispatched. The worker is told, since it may be busy
// for hours before it comes to the frame, with which it has grants on what the task takes.
void Core::TakeBack(Task* task) {
  Worker* worker = task->worker;
  if (taken_back_.empty() || taken_back_.back().worker != worker->client)
    taken_back_.push_back({worker->client, {}});
  taken_back_.back().generations.push_back(task->generation);
  workers_.Dequeue(worker, task, now_nanos_);
  history_.Add(now_nanos_, task->id.Result(0), Step::kTakenBack, worker->process);
  task->state = Task::State::kReady;
  --task->attempt;
  if (task->max_calls > 0) {
    --worker->calls[task->entry].count;
    workers_.SetRetiring(
        worker, std::any_of(worker->calls.begin(), worker->calls.end(), [](const auto& entry) {
          return entry.second.count >= entry.second.max;
        }));
  }
}

void Core::RecallBehindFirst(Worker* worker) {
  while (worker->queue.size() > 1) {
    Task* task = worker->queue.back();
    if (!Recall(task)) return;
    TakeBack(task);
    MakeReady(task);
  }
}

absl::Status Core::Complete(ClientId client, const wire::Complete& complete) {
  Task* task = FindTask(complete.task);
  Worker* worker = workers_.FindClient(client);
  if (worker == nullptr) {
    return absl::PermissionDeniedError(
        absl::StrCat(ToString(client), " completes a task and is no worker"));
  }
  // It was failed while it ran (its driver ended, its actor was killed), and so will be its
  // process: too late, no lie.
  if (task == nullptr && worker->ending) {
    TROUPE_PROBE("core: a completion comes too late");
    return DropResults(client, complete);
  }
  if (task == nullptr || task->worker != worker || task->attempt != complete.attempt ||
      task->slot != complete.slot) {
    return absl::PermissionDeniedError(absl::StrCat(ToString(client), " completes ",
                                                    complete.task.ToString(), " attempt ",
                                                    complete.attempt, ", which it does not have"));
  }
  if (complete.results.size() != task->num_returns) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToString(client), " completes ", complete.task.ToString(), " with ",
                     complete.results.size(), " results instead of ", task->num_returns));
  }
  if (!std::exchange(worker->has_worked, true)) {
    if (const auto job = jobs_.find(worker->job); job != jobs_.end()) job->second.failed_starts = 0;
  }
  if (task->answered) {
    if (absl::Status status = DropResults(client, complete); !status.ok()) return status;
    FinishTask(task);
  } else if (complete.retry && task->may_retry && task->retries_left != 0 &&
             std::holds_alternative<ErrorInfo>(complete.results[0].content)) {
    RetryLater(task);
  } else if (task->kind == wire::TaskKind::kActorCreation) {
    workers_.Dequeue(worker, task, now_nanos_);
    task->state = Task::State::kReady;
    if (absl::Status status = CreationDone(actors_.Get(task->actor), client, complete.results[0]);
        !status.ok()) {
      return status;
    }
  } else {
    if (const auto* error = std::get_if<ErrorInfo>(&complete.results[0].content))
      TellIfUnread(*task, *error);
    bool may_be_lost = false;
    for (uint32_t i = 0; i < task->num_returns; ++i) {
      const wire::Value& value = complete.results[i];
      const objectstore::Entry* result = objects_.Find(task->id.Result(i));
      if (result == nullptr || !result->pending()) {
        TROUPE_PROBE("core: a result was there before its task ended");
        wire::Complete late;
        late.results = {value};
        if (absl::Status status = DropResults(client, late); !status.ok()) return status;
        continue;
      }
      absl::Status status = SealObject(client, task->id.Result(i), value);
      if (!status.ok()) return status;
      may_be_lost |= std::holds_alternative<Location>(value.content) || !value.refs.empty();
    }
    if (may_be_lost || (!lineage_.empty() && lineage_.Knows(task->id))) KeepLineage(*task);
    if (const auto job = jobs_.find(task->job); job != jobs_.end()) ++job->second.tasks_finished;
    FinishTask(task);
  }
  if (worker->is_actor()) {
    if (ActorRecord* const actor = actors_.Find(worker->actor)) EndIfItHasLeft(actor, worker);
  }
  if (worker->retiring && worker->queue.empty() && !worker->ending) {
    EndInOrder(worker, "its function's max_calls is reached");
  }
  Settle();
  return absl::OkStatus();
}

absl::Status Core::Blocked(ClientId client, const wire::Blocked& blocked) {
  Worker* worker = workers_.FindClient(client);
  if (worker == nullptr) return absl::OkStatus();  // a driver holds no CPU
  workers_.Block(worker);
  ++worker->waits;
  history_.Add(now_nanos_, ObjectId(), Step::kProcessBlocked, worker->process);
  if (worker->state == Worker::State::kBlocked || worker->says_blocked) {
    worker->waits_for = blocked.ids;
    worker->waits_needed = blocked.needed;
    worker->blocked_threads = blocked.threads;
    if (jobs_.at(worker->job).priorities_differ && !worker->queue.empty()) {
      for (const ObjectId id : blocked.ids) {
        if (Task* maker = MakerOf(id)) Raise(maker, worker->queue.front()->priority);
      }
    }
  }
  if (!worker->is_actor()) RecallBehindFirst(worker);
  Schedule();
  RefuseCircularWait(worker);
  return absl::OkStatus();
}

absl::Status Core::Unblocked(ClientId client) {
  Worker* worker = workers_.FindClient(client);
  if (worker == nullptr) return absl::OkStatus();
  worker->wait_refused = false;
  history_.Add(now_nanos_, ObjectId(), Step::kProcessWentOn, worker->process);
  workers_.Unblock(worker);
  return absl::OkStatus();
}

// Its results become `error`, and with them everything that depends on it.
void Core::FailTask(Task* task, const ErrorInfo& error) {
  Answer(task, error);
  if (task->kind == wire::TaskKind::kActorCreation) {
    ActorRecord* const actor = actors_.Find(task->actor);
    if (actor != nullptr && actor->creation == task) {
      actor->creation = nullptr;
      KillActor(actor, error);
    }
  }
  FinishTask(task);
}

// Takes the task out of wherever it waits, drops what it held, and forgets it.
void Core::FinishTask(Task* task) {
  ClearTimers(task);
  LeaveFamily(task);
  if (task->stream_window > 0) streams_.erase({task->submitter(), task->id});
  queued_bytes_ -= task->spec.size();
  use_.Subtract(task->submitter(), {0, task->spec.size()});
  history_.Add(now_nanos_, task->id.Result(0), Step::kEnded,
               task->worker == nullptr ? ProcessId::kNone : task->worker->process);
  if (task->runs_again()) {
    EndRerun(*task);
  } else if (task->kind != wire::TaskKind::kActorCreation) {
    TellDriver(*task);
  }
  const bool was_dispatched = task->worker != nullptr;
  if (was_dispatched) {
    workers_.Dequeue(task->worker, task, now_nanos_);
  } else if (task->kind == wire::TaskKind::kTask && task->state == Task::State::kReady) {
    Job& job = jobs_.at(task->job);
    if (job.ready.Contains(task)) job.ready.Remove(task);
  }
  if (task->kind == wire::TaskKind::kActorCall) {
    ActorRecord* const actor = actors_.Get(task->actor);
    auto& queues = actor->queues;
    // A dispatched one has left the queue; those that fail together go from its front.
    if (const auto of = queues.find({task->submitter(), task->group});
        !was_dispatched && of != queues.end()) {
      const auto queued = std::find(of->second.begin(), of->second.end(), task);
      if (queued != of->second.end()) of->second.erase(queued);
      if (of->second.empty()) queues.erase(of);
    }
    if (task->counted) --actor->pending_calls;
    if (!IsClient(task->submitter()) && !actor->HasQueueOf(task->submitter()))
      ForgetCaller(actor, task->submitter());
    objects_.Unhold(task->actor);
  }
  if (task->kind != wire::TaskKind::kActorCreation)
    task->ForEachResult([&](ObjectId result) { objects_.Unhold(result); });
  for (const ObjectId id : task->dependencies) objects_.Unhold(id);
  for (const ObjectId id : task->inner_refs) objects_.Unhold(id);
  if (task->placement != nullptr) objects_.Unhold(task->placement->group);
  const ActorId called = task->kind == wire::TaskKind::kActorCall ? task->actor : ActorId();
  tasks_.Erase(TaskId(task->id));
  // Its place in the actor's queue is free, and it holds up the later calls of its caller no more.
  if (!called.is_null()) PumpActor(actors_.Get(called));
}

// A driver's window of unfinished tasks moves on in steps.
void Core::TellDriver(const Task& finished) {
  const ClientId client = finished.submitter();
  const auto of = jobs_.find(finished.job);
  if (of == jobs_.end() || of->second.driver != client || of->second.driver_left) return;
  Job& job = of->second;
  if (++job.finished_for_driver - job.told_driver < std::max<uint64_t>(1, job.options.window / 16))
    return;
  job.told_driver = job.finished_for_driver;
  Act(SendFinished{client, job.finished_for_driver});
}

// Its worker has died; it is out of the worker's queue. Tasks run again while retries are left, an
// actor's calls only where they had not begun.
void Core::LoseTask(Task* task, bool begun, bool out_of_memory, std::string_view cause,
                    int32_t pid) {
  if (begun) history_.Add(now_nanos_, task->id.Result(0), Step::kLost);
  if (std::exchange(task->answered, false)) {
    FinishTask(task);
    return;
  }
  if (task->kind == wire::TaskKind::kActorCall) {
    ActorRecord* actor = actors_.Get(task->actor);
    if (begun && !actor->dead() && task->retries_left != 0) {
      if (task->retries_left > 0) --task->retries_left;
      PutBack(actor, task);
    } else if (begun && actor->dead()) {
      const std::string what =
          absl::StrCat("the actor's process died in this call: ", ToAbsl(cause));
      FailTask(task, task->MakeError(ErrorKind::kActorDied, what, pid));
    } else if (begun) {
      const std::string what =
          absl::StrCat("the actor's process died in this call (", ToAbsl(cause),
                       ") and is being restarted; the call may have run");
      FailTask(task, task->MakeError(ErrorKind::kUnavailable, what, pid));
    } else if (actor->dead()) {
      FailTask(task, *actor->death);
    } else {
      PutBack(actor, task);
    }
    return;
  }
  if (begun && task->retries_left == 0) {
    const ErrorKind kind = out_of_memory ? ErrorKind::kOutOfMemory : ErrorKind::kWorkerCrashed;
    FailTask(task, task->MakeError(kind, std::string(cause), pid));
    return;
  }
  if (jobs_.at(task->job).ended) {
    FailTask(task, JobEnded(*task));
  } else if (begun && out_of_memory) {
    TROUPE_PROBE("core: a task is repeated when there is memory");
    Delay(task);  // there is memory when others have ended
  } else {
    if (begun && task->retries_left > 0) --task->retries_left;
    MakeReady(task);
  }
}

}  // namespace troupe::scheduler
