// The part of Core that starts actors, orders their calls, restarts and ends them.
#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/string_view.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {

absl::Status Core::EnterActor(const wire::TaskSpec& spec, Task* creation) {
  ActorRecord* actor = actors_.Insert(creation->actor).first;
  actor->job = creation->job;
  actor->name = std::string(spec.actor_name);
  actor->type_name = std::string(spec.type_name);
  actor->detached = spec.detached;
  actor->restarts_left = spec.max_restarts;
  actor->max_task_retries = spec.max_task_retries;
  actor->max_pending_calls = spec.max_pending_calls;
  actor->creation = creation;
  absl::Status status = EnterGroups(spec, actor);
  if (spec.num_returns != 1)
    status = absl::InvalidArgumentError("an actor's creation has one result");
  if (!status.ok()) {
    // One that is detached would keep its job for ever, and has never lived.
    FailTask(creation, creation->MakeError(ErrorKind::kInvalidArgument,
                                           std::string(ToStd(status.message()))));
    return status;
  }
  if (actor->name.empty()) return absl::OkStatus();
  if (actor_names_.contains(actor->name)) {
    FailTask(creation,
             creation->MakeError(ErrorKind::kInvalidArgument,
                                 absl::StrCat("an actor named \"", actor->name,
                                              "\" lives already: use FindActor, or another name")));
    return absl::OkStatus();
  }
  actor_names_.emplace(actor->name, actor->id);
  if (actor->detached) objects_.Hold(actor->id);
  return absl::OkStatus();
}

absl::Status Core::EnterGroups(const wire::TaskSpec& spec, ActorRecord* actor) {
  actor->groups[0].threads = std::max<uint32_t>(1, spec.max_concurrency);
  int64_t threads = actor->groups[0].threads;
  for (const auto& group : spec.concurrency_groups) {
    const std::string& name = group.first;
    const int64_t size = group.second;
    const bool twice = std::any_of(actor->groups.begin(), actor->groups.end(),
                                   [&](const ActorRecord::Group& g) { return g.name == name; });
    if (twice || size < 1 || size > Limits::kMaxActorThreads) {
      return absl::InvalidArgumentError(
          absl::StrCat("a concurrency group \"", name, "\" of ", size, " threads"));
    }
    actor->groups.push_back({name, static_cast<uint32_t>(size)});
    threads += size;
  }
  if (threads > Limits::kMaxActorThreads)
    return absl::InvalidArgumentError(absl::StrCat("an actor with ", threads, " threads"));
  return absl::OkStatus();
}

std::optional<uint32_t> Core::FindGroup(const ActorRecord& actor, std::string_view name) {
  for (uint32_t i = 0; i < actor.groups.size(); ++i) {
    if (actor.groups[i].name == name) return i;
  }
  return std::nullopt;
}

absl::Status Core::EnterCall(const wire::TaskSpec& spec, Task* call) {
  ActorRecord* actor = actors_.Get(spec.actor);
  const auto [caller, is_new] = actor->callers.try_emplace(call->submitter());
  if (is_new) called_by_[call->submitter()].insert(actor->id);
  if (spec.sequence != caller->second + 1) {
    const uint64_t last = caller->second;
    FinishTask(call);
    return absl::InvalidArgumentError(
        absl::StrCat("a call with sequence number ", spec.sequence, " follows number ", last));
  }
  caller->second = spec.sequence;
  if (actor->dead() || actor->leaving) {
    FailTask(call, actor->dead() ? *actor->death : ExitError(*actor));
    return absl::OkStatus();
  }
  if (actor->max_pending_calls > 0 && actor->pending_calls >= actor->max_pending_calls) {
    FailTask(call, call->MakeError(
                       ErrorKind::kResourceExhausted,
                       absl::StrCat("the actor ", actor->type_name, " has ", actor->pending_calls,
                                    " pending calls, and max_pending_calls allows no "
                                    "more: wait for some of them first")));
    return absl::OkStatus();
  }
  const std::optional<uint32_t> group = FindGroup(*actor, spec.concurrency_group);
  if (!group.has_value()) {
    std::string names;
    for (size_t i = 1; i < actor->groups.size(); ++i)
      absl::StrAppend(&names, names.empty() ? "\"" : ", \"", actor->groups[i].name, "\"");
    FailTask(call, call->MakeError(
                       ErrorKind::kInvalidArgument,
                       absl::StrCat("the actor ", actor->type_name, " has no concurrency group \"",
                                    ToAbsl(spec.concurrency_group), "\"; it has ",
                                    names.empty() ? "none: name them in ActorOptions" : names)));
    return absl::OkStatus();
  }
  call->group = *group;
  call->retries_left = actor->max_task_retries;
  call->counted = true;
  ++actor->pending_calls;
  actor->queues[{call->submitter(), call->group}].push_back(call);
  return absl::OkStatus();
}

// To be dispatched before all others of its caller and group.
void Core::PutBack(ActorRecord* actor, Task* call) {
  actor->queues[{call->submitter(), call->group}].push_front(call);
}

void Core::ForgetCaller(ActorRecord* actor, ClientId client) {
  actor->callers.erase(client);
  const auto called = called_by_.find(client);
  if (called == called_by_.end()) return;
  called->second.erase(actor->id);
  if (called->second.empty()) called_by_.erase(called);
}

void Core::StartActor(ActorRecord* actor) {
  actor->state =
      actor->state == ActorRecord::State::kPending ? ActorRecord::State::kStarting : actor->state;
  actor->process = ProcessId(next_process_++);
  Worker* worker = workers_.Start(actor->process, actor->job, actor->id);
  history_.Add(now_nanos_, actor->id, Step::kActorStarts, actor->process);
  if (actor->creation->want != ResourceSet()) workers_.GrantToActor(worker, actor->creation->want);
  Act(StartWorker{actor->process, actor->job});
}

absl::Status Core::CreationDone(ActorRecord* actor, ClientId client, const wire::Value& result) {
  if (const auto* error = std::get_if<ErrorInfo>(&result.content)) {
    ErrorInfo death =
        DeathError(*actor, absl::StrCat("its constructor failed: ", error->ToString()), error->pid);
    death.exception_type = error->exception_type;
    death.stack = error->stack;
    KillActor(actor, death);
    return absl::OkStatus();
  }
  actor->state = ActorRecord::State::kAlive;
  history_.Add(now_nanos_, actor->id, Step::kActorLives, actor->process);
  const objectstore::Entry* entry = objects_.Find(actor->id);
  if (entry != nullptr && entry->pending()) {
    if (absl::Status status = SealObject(client, actor->id, result); !status.ok()) return status;
  }
  PumpActor(actor);
  return absl::OkStatus();
}

// Gives the actor what it can take: one call of each caller and group in turn.
void Core::PumpActor(ActorRecord* actor) {
  if (actor->state != ActorRecord::State::kAlive || actor->leaving) return;
  Worker* worker = workers_.FindProcess(actor->process);
  TROUPE_CHECK(worker != nullptr, "a living actor without a process");
  const auto has_room = [&](uint32_t group) {
    const Worker::Load load = worker->LoadOf(group);
    return load.dispatched - load.suspended < actor->DispatchDepth(group) &&
           !IsFull(*actor, *worker, group);
  };
  const auto any_has_room = [&] {
    uint32_t group = 0;
    while (group < actor->groups.size() && !has_room(group)) ++group;
    return group < actor->groups.size();
  };
  ActorRecord::Queue next;  // whose turn it is, or of the first one after it
  for (size_t passed = 0; passed < actor->queues.size();) {
    if (!workers_.CanTake(worker) || !any_has_room()) return;
    auto it = actor->queues.lower_bound(next);
    if (it == actor->queues.end()) it = actor->queues.begin();
    const auto [client, group] = it->first;
    auto& calls = it->second;
    next = {client, group + 1};
    ++passed;
    if (calls.front()->missing > 0 || !has_room(group)) continue;
    Task* call = calls.front();
    calls.pop_front();
    if (calls.empty()) actor->queues.erase(it);
    Dispatch(worker, call);
    passed = 0;
  }
}

void Core::ActorProcessDied(ActorRecord* actor, std::string_view cause, int32_t pid) {
  actor->process = ProcessId::kNone;
  if (actor->dead()) return;
  if (!MayRestart(*actor)) return KillActor(actor, ProcessDeathError(*actor, cause, pid));
  if (actor->restarts_left > 0) --actor->restarts_left;
  actor->state = ActorRecord::State::kRestarting;
  history_.Add(now_nanos_, actor->id, Step::kActorRestarts);
  WaitForStart(actor->id, actor->job);
}

bool Core::MayRestart(const ActorRecord& actor) const {
  return actor.restarts_left != 0 && !actor.leaving && !jobs_.at(actor.job).ended;
}

ErrorInfo Core::ProcessDeathError(const ActorRecord& actor, std::string_view cause,
                                  int32_t pid) const {
  return DeathError(actor, absl::StrCat("its process died: ", ToAbsl(cause)), pid);
}

// From now on its calls fail with `death`.
void Core::KillActor(ActorRecord* actor, ErrorInfo death) {
  TROUPE_CHECK(!actor->dead(), "an actor that dies twice");
  actor->state = ActorRecord::State::kDead;
  starts_looked_at_.reset();
  history_.Add(now_nanos_, actor->id, Step::kActorDied);
  SetCheckpoint(actor, ObjectId());
  actor->death = std::move(death);
  GiveUpName(*actor);
  const objectstore::Entry* entry = objects_.Find(actor->id);
  if (entry != nullptr && entry->pending()) {
    ObjectResolved(actor->id,
                   objects_.Fail(actor->id, std::make_shared<const ErrorInfo>(*actor->death)));
  }
  std::vector<Task*> calls;
  Worker* worker = workers_.FindProcess(actor->process);
  if (worker != nullptr) {
    for (Task* task : worker->queue) {
      if (task != actor->creation) calls.push_back(task);
    }
    worker->disowned = true;
    KillProcess(worker);
  }
  for (const auto& [queue, waiting] : actor->queues)
    calls.insert(calls.end(), waiting.begin(), waiting.end());
  for (Task* call : calls) FailTask(call, *actor->death);
  if (Task* creation = std::exchange(actor->creation, nullptr)) FinishTask(creation);
}

void Core::GiveUpName(const ActorRecord& actor) {
  if (actor.name.empty()) return;
  const auto named = actor_names_.find(actor.name);
  if (named == actor_names_.end() || named->second != actor.id) return;
  actor_names_.erase(named);
  if (actor.detached) objects_.Unhold(actor.id);
}

absl::Status Core::Kill(ClientId client, const wire::Kill& kill) {
  ActorRecord* actor = actors_.Find(kill.actor);
  if (actor == nullptr || !objects_.HasGrant(kill.actor, client)) {
    return absl::PermissionDeniedError(absl::StrCat(ToString(client), " kills ",
                                                    kill.actor.ToString(),
                                                    ", which is no actor that it has a handle of"));
  }
  if (actor->dead()) return absl::OkStatus();
  const JobId job = actor->job;
  if (kill.no_restart || actor->restarts_left == 0) {
    KillActor(actor, DeathError(*actor, "it was ended by Kill", 0));
  } else if (actor->process != ProcessId::kNone) {
    KillProcess(workers_.FindProcess(actor->process));
  }
  EndJobIfOver(job);
  Settle();
  return absl::OkStatus();
}

absl::Status Core::FindActor(ClientId client, const wire::FindActor& find) {
  const auto it = actor_names_.find(find.name);
  if (it == actor_names_.end()) {
    Act(SendActorFound{client, find.request, ActorId(), {}});
    return absl::OkStatus();
  }
  objects_.Grant(it->second, client, 1);
  Act(SendActorFound{client, find.request, it->second, actors_.Get(it->second)->type_name});
  return absl::OkStatus();
}

void Core::SetCheckpoint(ActorRecord* actor, ObjectId state) {
  if (!state.is_null()) objects_.Hold(state);
  if (!actor->checkpoint.is_null()) objects_.Unhold(actor->checkpoint);
  actor->checkpoint = state;
}

absl::Status Core::Checkpoint(ClientId client, const wire::Checkpoint& checkpoint) {
  const Worker* worker = workers_.FindClient(client);
  if (worker == nullptr || !worker->is_actor()) {
    return absl::PermissionDeniedError(
        absl::StrCat(ToString(client), " saves a checkpoint and is no actor's process"));
  }
  const objectstore::Entry* entry = objects_.Find(checkpoint.state);
  if (!objects_.HasGrant(checkpoint.state, client) || entry->pending()) {
    return absl::PermissionDeniedError(absl::StrCat(ToString(client), " saves ",
                                                    checkpoint.state.ToString(),
                                                    " as a checkpoint, which it has not sealed"));
  }
  ActorRecord* const actor = actors_.Find(worker->actor);
  if (actor == nullptr || actor->dead()) return absl::OkStatus();
  history_.Add(now_nanos_, actor->id, Step::kCheckpoint, worker->process);
  SetCheckpoint(actor, checkpoint.state);
  Settle();
  return absl::OkStatus();
}

// It takes no more calls: those that it has not begun fail. Those that have been suspended go on to
// their end; others that run at the same time are told to stop.
absl::Status Core::ExitActor(ClientId client) {
  Worker* worker = workers_.FindClient(client);
  if (worker == nullptr || !worker->is_actor()) {
    return absl::PermissionDeniedError(
        absl::StrCat(ToString(client), " ends its actor and is no actor's process"));
  }
  ActorRecord* actor = actors_.Find(worker->actor);
  if (actor == nullptr || actor->dead() || actor->leaving) return absl::OkStatus();
  actor->leaving = true;
  GiveUpName(*actor);
  std::vector<TaskId> calls;
  for (const auto& [queue, waiting] : actor->queues) {
    for (const Task* call : waiting) calls.push_back(call->id);
  }
  for (const Task* call : worker->queue) {
    if (!call->has_been_suspended()) calls.push_back(call->id);
  }
  const ErrorInfo death = ExitError(*actor);
  for (const TaskId call : calls) {
    if (Task* task = FindTask(call)) StopTask(task, death, Ending::kByItself);
  }
  EndIfItHasLeft(actor, worker);
  Settle();
  return absl::OkStatus();
}

ErrorInfo Core::ExitError(const ActorRecord& actor) const {
  return DeathError(actor, "it called ExitActor", 0);
}

// The last call that had been suspended is done.
void Core::EndIfItHasLeft(ActorRecord* actor, Worker* worker) {
  if (!actor->leaving || actor->dead() ||
      std::any_of(worker->queue.begin(), worker->queue.end(),
                  [](const Task* call) { return call->has_been_suspended(); })) {
    return;
  }
  const JobId job = actor->job;
  EndInOrder(worker, "it called ExitActor");
  actor->process = ProcessId::kNone;
  std::vector<TaskId> calls;
  for (const Task* call : worker->queue) calls.push_back(call->id);
  const ErrorInfo death = ExitError(*actor);
  KillActor(actor, death);
  for (const TaskId call : calls) {
    if (Task* task = FindTask(call)) FailTask(task, death);
  }
  EndJobIfOver(job);
}

// The last handle is gone; calls hold the actor, so none is left.
void Core::EndIfUnreferenced(ActorRecord* actor) {
  if (!actor->dead()) {
    Worker* worker = workers_.FindProcess(actor->process);
    if (worker != nullptr && worker->client != ClientId::kNone && worker->queue.empty()) {
      EndInOrder(worker, "its last handle is gone");
      actor->process = ProcessId::kNone;
    }
    KillActor(actor, DeathError(*actor, "its last handle is gone", 0));
  }
  const JobId job = actor->job;
  while (!actor->callers.empty()) ForgetCaller(actor, actor->callers.begin()->first);
  actors_.Erase(actor->id);
  EndJobIfOver(job);  // it may have been all that was left, and had no process
}

ErrorInfo Core::DeathError(const ActorRecord& actor, std::string message, int32_t pid) const {
  std::string who = absl::StrCat("actor ", actor.type_name);
  if (!actor.name.empty()) absl::StrAppend(&who, " \"", actor.name, "\"");
  return {.kind = ErrorKind::kActorDied,
          .message = absl::StrCat(who, ": ", message),
          .exception_type = {},
          .origin = actor.type_name,
          .task = actor.id.task(),
          .attempt = 0,
          .pid = pid};
}

std::optional<ErrorInfo> Core::ForeignCode(const wire::TaskSpec& spec, const Task& call) const {
  if (call.kind != wire::TaskKind::kActorCall || !spec.function.empty()) return std::nullopt;
  const auto caller = jobs_.find(call.job);
  const auto owner = jobs_.find(actors_.Get(call.actor)->job);
  if (caller == jobs_.end() || owner == jobs_.end()) return std::nullopt;
  const JobOptions& from = caller->second.options;
  const JobOptions& to = owner->second.options;
  if (from.build_id == to.build_id) return std::nullopt;
  return call.MakeError(
      ErrorKind::kBuildMismatch,
      absl::StrCat("the actor runs ", to.executable, ", build ",
                   absl::BytesToHexString(to.build_id), ", and the caller is ", from.executable,
                   ", build ", absl::BytesToHexString(from.build_id),
                   ": register the method there with RegisterFunction, and call it by "
                   "CallNamed<...>(\"name\")"));
}

// Why a driver's call is refused where only registered functions run.
std::optional<ErrorInfo> Core::UnregisteredCode(ClientId client, const wire::TaskSpec& spec,
                                                const Task& task) const {
  if (!config_.registered_only || !drivers_.contains(client)) return std::nullopt;
  const bool by_name = !spec.function.empty() && spec.kind != wire::TaskKind::kActorCreation;
  if (by_name && spec.retry_on == 0) return std::nullopt;
  return task.MakeError(
      ErrorKind::kInvalidArgument,
      absl::StrCat(
          by_name ? "the retry_on of " : "", ToAbsl(spec.name),
          " is code of the caller, and this cluster runs only what its operator has "
          "registered: have the operator's program call RegisterFunction(\"name\", f), and "
          "call it by CallNamed<...>(\"name\")"));
}

}  // namespace troupe::scheduler
