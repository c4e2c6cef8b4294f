#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/free_blocks.h"
#include "core/base/string_view.h"
#include "worker/actor_threads.h"
#include "worker/code_reference.h"
#include "worker/named_functions.h"
#include "worker/task_call.h"
#include "worker/user_code.h"

namespace troupe::worker {
namespace {

thread_local const RunningTask* running_task = nullptr;

// What an actor's call has asked for, for when it is done.
struct Requests {
  bool checkpoint = false;
  bool exit = false;
};
thread_local Requests* requests = nullptr;

// One task or call, from its dispatch until its results are posted; while it is suspended, all that
// is left of it.
// A thread has mostly one at a time, and one after the other.
struct Execution : Recycled<Execution, 4> {
  Execution(DispatchedTask dispatched, uint32_t on_thread) : task(std::move(dispatched)) {
    slot.thread = on_thread;
    slot.slot = task.dispatch.slot;
    slot.generation = task.dispatch.generation;
    slot.attempt = task.dispatch.attempt;
    slot.spec = task.dispatch.spec;
  }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  DispatchedTask task;
  RunningSlot slot;
  wire::TaskSpec spec;  // a view of `task`
  wire::Complete complete;
  RunningTask running;
  Requests wanted;
  NamedCall named;  // what the call's arguments may look into
  TaskCall call;
};

// What this thread runs, for as long as it does.
class OnThisThread {
 public:
  explicit OnThisThread(Execution* execution) {
    running_task = &execution->running;
    if (execution->spec.kind == wire::TaskKind::kActorCall) requests = &execution->wanted;
  }
  ~OnThisThread() {
    running_task = nullptr;
    requests = nullptr;
  }
  OnThisThread(const OnThisThread&) = delete;
  OnThisThread& operator=(const OnThisThread&) = delete;
};

// Thread-safe once the actor, if this process is one, has been made.
class Executor {
 public:
  explicit Executor(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  // The session knows the calls that are suspended, and may be severed as long as it lives.
  ~Executor() {
    for (const auto& [slot, execution] : suspended_)
      session_->EndRunning(&execution->slot, nullptr, execution->task.dispatch);
  }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // To its end, or until it is suspended: then `thread` is where it is to go on.
  void Run(DispatchedTask task, uint32_t thread);
  // REQUIRES: on the thread on which it began.
  void Resume(RunningSlot* suspended);
  // How many threads each concurrency group of the actor wants; empty: this one is enough.
  const std::vector<uint32_t>& threads() const { return threads_; }
  // The actor's last word, where its class has one.
  void Shutdown();

 private:
  using Owned = std::unique_ptr<Execution>;

  void Begin(Owned execution);
  void GoOn(Owned execution, std::optional<ErrorInfo> thrown);
  void Finish(Owned execution, std::optional<ErrorInfo> thrown);
  // It runs no more: its results go out, and what it was given goes back.
  void End(Owned execution);
  Owned TakeSuspended(const RunningSlot* suspended);
  static bool MayRetry(const wire::TaskSpec& spec, const ErrorInfo& error);
  std::optional<ErrorInfo> Prepare(Execution& execution);
  static ErrorInfo MakeError(const Execution& execution, ErrorKind kind, std::string message) {
    return {.kind = kind,
            .message = std::move(message),
            .exception_type = {},
            .origin = std::string(execution.spec.name),
            .task = execution.spec.id,
            .attempt = execution.task.dispatch.attempt,
            .pid = getpid()};
  }
  // What the user's code has thrown, as the call's.
  static ErrorInfo ErrorOf(const Execution& execution, const ErrorInfo& thrown) {
    ErrorInfo failure = MakeError(execution, thrown.kind, thrown.message);
    failure.exception_type = thrown.exception_type;
    failure.payload = thrown.payload;
    failure.stack = thrown.stack;
    return failure;
  }

  std::optional<ErrorInfo> SaveCheckpointAfter(const Requests& wanted);

  std::shared_ptr<Session> session_;
  std::shared_ptr<void> actor_;
  ActorHooks hooks_;
  std::vector<uint32_t> threads_;
  uint32_t checkpoint_every_ = 0;
  std::mutex checkpoint_mutex_;  // states are saved in the order in which they were asked for
  uint32_t calls_ = 0;           // guarded by it
  std::atomic<bool> exiting_{false};
  std::mutex suspended_mutex_;
  std::map<const RunningSlot*, Owned> suspended_;
};

void Executor::Run(DispatchedTask task, uint32_t thread) {
  auto execution = std::make_unique<Execution>(std::move(task), thread);
  session_->BeginRunning(&execution->slot);  // before the node may think that it runs
  // A recalled frame: its grants go back. So do those of an actor that takes no more calls.
  if (exiting_ || !session_->TryBegin(execution->task.dispatch)) {
    session_->EndRunning(&execution->slot, nullptr, execution->task.dispatch);
    return;
  }
  TROUPE_CHECK(wire::DecodeTask(execution->task.dispatch.spec, &execution->spec).ok(),
               "a dispatched task without a spec");
  Begin(std::move(execution));
}

void Executor::Begin(Owned execution) {
  const DispatchedTask& task = execution->task;
  const wire::TaskSpec& spec = execution->spec;
  execution->slot.task = spec.id;
  wire::Complete& complete = execution->complete;
  complete.task = spec.id;
  complete.attempt = task.dispatch.attempt;
  complete.slot = task.dispatch.slot;
  if (auto error = Prepare(*execution)) {
    execution->call.results.emplace_back(*std::move(error));
    End(std::move(execution));
    return;
  }
  execution->running = {
      spec.id,
      spec.name,
      task.dispatch.attempt,
      spec.depth,
      spec.kind == wire::TaskKind::kActorCreation ? spec.id.Result(0) : spec.actor,
      task.dispatch.time_left_nanos == 0 ? kForever
                                         : MonotonicNanos() + task.dispatch.time_left_nanos,
      spec.caller.site_file,
      spec.caller.site_line,
      session_.get(),
      &execution->slot};
  std::optional<ErrorInfo> thrown;
  TaskEntry entry = nullptr;
  TaskCall& call = execution->call;
  if (spec.function.empty()) {
    entry = reinterpret_cast<TaskEntry>(reinterpret_cast<uintptr_t>(*CodeAtOffset(spec.entry)));
  } else {
    auto found = PrepareNamed(
        NamedFunctions::Global(), spec.function,
        std::string_view(reinterpret_cast<const char*>(spec.callable.data()), spec.callable.size()),
        spec.kind == wire::TaskKind::kActorCall, &call);
    if (auto* unknown = std::get_if<ErrorInfo>(&found)) {
      thrown = std::move(*unknown);
    } else {
      execution->named = std::get<NamedCall>(std::move(found));
      entry = execution->named.entry;
    }
  }
  if (entry != nullptr) {
    const OnThisThread on_this_thread(execution.get());
    thrown = CallUserCode([&] { entry(call); },
                          [&](const ErrorInfo& from) {
                            execution->complete.retry = MayRetry(spec, ErrorOf(*execution, from));
                          });
  }
  GoOn(std::move(execution), std::move(thrown));
}

// After a step of its code: suspends it where that waits, else ends it.
void Executor::GoOn(Owned execution, std::optional<ErrorInfo> thrown) {
  TaskCall& call = execution->call;
  while (!thrown.has_value() && call.coroutine != nullptr) {
    const ObjectId awaits = call.coroutine->awaits();
    if (awaits.is_null()) break;
    RunningSlot* const slot = &execution->slot;
    {
      // In the list before somebody may look for it there.
      const std::lock_guard<std::mutex> lock(suspended_mutex_);
      suspended_.emplace(slot, std::move(execution));
    }
    if (session_->Suspend(slot, awaits)) return;
    execution = TakeSuspended(slot);
    const OnThisThread on_this_thread(execution.get());
    thrown = CallUserCode([&] { call.coroutine->Resume(call, std::nullopt); });
  }
  Finish(std::move(execution), std::move(thrown));
}

Executor::Owned Executor::TakeSuspended(const RunningSlot* suspended) {
  const std::lock_guard<std::mutex> lock(suspended_mutex_);
  const auto it = suspended_.find(suspended);
  TROUPE_CHECK(it != suspended_.end(), "a call that goes on and was not suspended");
  Owned execution = std::move(it->second);
  suspended_.erase(it);
  return execution;
}

void Executor::Resume(RunningSlot* suspended) {
  Owned execution = TakeSuspended(suspended);
  std::optional<ErrorInfo> refusal = session_->Resume(suspended);
  std::optional<ErrorInfo> thrown;
  {
    TaskCall& call = execution->call;
    const OnThisThread on_this_thread(execution.get());
    thrown = CallUserCode([&] { call.coroutine->Resume(call, std::move(refusal)); });
  }
  GoOn(std::move(execution), std::move(thrown));
}

void Executor::Finish(Owned execution, std::optional<ErrorInfo> thrown) {
  const wire::TaskSpec& spec = execution->spec;
  {
    // Its variables go while it is still the one that runs.
    const OnThisThread on_this_thread(execution.get());
    execution->call.coroutine = nullptr;
    if (!thrown.has_value() && spec.kind == wire::TaskKind::kActorCall)
      thrown = SaveCheckpointAfter(execution->wanted);
  }
  if (thrown.has_value()) {
    TaskCall::Results& results = execution->call.results;
    results.clear();
    results.emplace_back(ErrorOf(*execution, *thrown));
  }
  if (spec.kind == wire::TaskKind::kActorCreation) {
    checkpoint_every_ = spec.checkpoint_every;
    if (spec.max_concurrency > 1 || !spec.concurrency_groups.empty()) {
      threads_ = {std::max<uint32_t>(1, spec.max_concurrency)};
      for (const auto& [name, threads] : spec.concurrency_groups)
        threads_.push_back(static_cast<uint32_t>(threads));
    }
  }
  const bool exit = execution->wanted.exit;
  if (exit) exiting_ = true;
  End(std::move(execution));
  if (exit) session_->ExitActor();
}

void Executor::End(Owned owned) {
  Execution& execution = *owned;
  const wire::TaskSpec& spec = execution.spec;
  TaskCall::Results& results = execution.call.results;
  // A failure is the value of each result.
  if (results.size() != spec.num_returns) {
    ErrorInfo error =
        MakeError(execution, ErrorKind::kInternal,
                  absl::StrCat(results.size(), " results were made instead of ", spec.num_returns));
    if (results.size() == 1 && std::holds_alternative<ErrorInfo>(results[0])) {
      error = std::get<ErrorInfo>(std::move(results[0]));
    }
    results.clear();
    for (uint32_t i = 0; i < spec.num_returns; ++i) results.emplace_back(error);
  }
  for (auto& result : results) {
    wire::Value value;
    if (auto* error = std::get_if<ErrorInfo>(&result)) {
      if (error->task.is_null()) *error = MakeError(execution, error->kind, error->message);
      value.content = *error;
    } else {
      auto& encoded = std::get<EncodedResult>(result);
      value.refs = encoded.refs.ids();
      if (encoded.space.stored()) {
        value.content = encoded.space.location;
      } else {
        value.content = wire::Bytes(encoded.space.inline_bytes);
      }
    }
    execution.complete.results.push_back(std::move(value));
  }
  session_->EndRunning(&execution.slot, &execution.complete, execution.task.dispatch);
}

// What Checkpoint throws is the error of the call; what the store refuses, too.
std::optional<ErrorInfo> Executor::SaveCheckpointAfter(const Requests& wanted) {
  if (hooks_.checkpoint == nullptr) return std::nullopt;
  const std::lock_guard<std::mutex> lock(checkpoint_mutex_);
  const bool due = checkpoint_every_ > 0 && ++calls_ % checkpoint_every_ == 0;
  if (!due && !wanted.checkpoint) return std::nullopt;
  std::string state;
  if (auto thrown = CallUserCode([&] { state = hooks_.checkpoint(actor_.get()); })) return thrown;
  return session_->SaveCheckpoint(state);
}

void Executor::Shutdown() {
  if (actor_ == nullptr || hooks_.shutdown == nullptr) return;
  const auto thrown = CallUserCode([&] { hooks_.shutdown(actor_.get()); });
  if (thrown.has_value())
    std::fprintf(stderr, "troupe: the actor's Shutdown has thrown: %s\n", thrown->message.c_str());
}

// In a handler, where what was thrown is the current exception. A test that throws says no.
bool Executor::MayRetry(const wire::TaskSpec& spec, const ErrorInfo& error) {
  if (spec.retry_on == 0) return false;
  const absl::StatusOr<const void*> code = CodeAtOffset(spec.retry_on);
  if (!code.ok()) return false;
  const auto test = reinterpret_cast<RetryTest>(reinterpret_cast<uintptr_t>(*code));
  bool again = false;
  return !CallUserCode([&] { again = test(error); }).has_value() && again;
}

// Finds the values of the arguments, waiting for those that did not fit into the frame.
std::optional<ErrorInfo> Executor::Prepare(Execution& execution) {
  const wire::TaskSpec& spec = execution.spec;
  const wire::Dispatch& dispatch = execution.task.dispatch;
  const absl::StatusOr<const void*> code = CodeAtOffset(spec.entry);
  if (spec.function.empty() && !code.ok()) {
    return MakeError(execution, ErrorKind::kBuildMismatch,
                     std::string(ToStd(code.status().message())));
  }
  TaskCall& call = execution.call;
  call.session = session_;
  call.callable = spec.callable;
  call.actor = &actor_;
  call.hooks = &hooks_;
  call.num_returns = spec.num_returns;
  call.task = spec.id;
  call.attempt = dispatch.attempt;
  call.slot = dispatch.slot;
  call.stream_window = spec.stream_window;
  call.may_suspend = spec.kind == wire::TaskKind::kActorCall;
  std::vector<ObjectId> ids;
  for (const wire::ReadyValue& value : dispatch.values)
    if (!wire::IsCopy(value)) ids.push_back(value.id);
  if (!ids.empty()) {
    auto ready = session_->Wait(ids, ids.size(), kForever, /*until_error=*/false);
    if (auto* error = std::get_if<ErrorInfo>(&ready)) return std::move(*error);
  }
  std::optional<ErrorInfo> failed;
  auto given = dispatch.values.begin();
  const auto resolve = [&](ObjectId id) {
    TROUPE_CHECK(given != dispatch.values.end() && given->id == id,
                 "a task that is given other values than it asked for");
    if (const wire::ReadyValue& copy = *given++; wire::IsCopy(copy))
      return ArgumentValue{id, {std::get<wire::Bytes>(copy.value.content), {}, nullptr}};
    auto value = session_->Value(id, kForever);
    if (auto* error = std::get_if<ErrorInfo>(&value)) {
      failed = std::move(*error);
      return ArgumentValue{id, {}};
    }
    return ArgumentValue{id, std::get<ValueBytes>(std::move(value))};
  };
  call.arguments.reserve(spec.arguments.size());
  for (const wire::Argument& argument : spec.arguments) {
    TaskArgument& entered = call.arguments.emplace_back();
    if (const auto* value = std::get_if<wire::Argument::Inline>(&argument.content)) {
      entered.values.push_back({ObjectId(), {value->bytes, value->refs, nullptr}});
    } else if (const auto* object = std::get_if<ObjectId>(&argument.content)) {
      entered.values.push_back(resolve(*object));
    } else {
      entered.is_list = true;
      const auto& list = std::get<wire::Argument::Objects>(argument.content);
      entered.values.reserve(list.size());
      for (const ObjectId id : list) entered.values.push_back(resolve(id));
    }
  }
  if (dispatch.restores) call.checkpoint = resolve(dispatch.values.back().id).value;
  return failed;
}

}  // namespace

const RunningTask* CurrentRunningTask() { return running_task; }

bool RequestCheckpoint() {
  if (requests == nullptr) return false;
  return requests->checkpoint = true;
}

bool RequestActorExit() {
  if (requests == nullptr) return false;
  return requests->exit = true;
}

void RunTasks(const std::shared_ptr<Session>& session) {
  session->SetExecutor(true);
  Executor executor(session);
  std::unique_ptr<ActorThreads> threads;
  while (std::optional<Session::Work> work = session->NextWork()) {
    if (auto* const* suspended = std::get_if<RunningSlot*>(&*work)) {
      if (threads != nullptr) {
        threads->Resume(*suspended);
      } else {
        executor.Resume(*suspended);
      }
      continue;
    }
    auto& task = std::get<DispatchedTask>(*work);
    if (threads != nullptr) {
      const uint32_t group = task.dispatch.group;
      threads->Add(group, std::move(task));
      continue;
    }
    executor.Run(std::move(task), 0);
    if (executor.threads().empty()) continue;
    threads = std::make_unique<ActorThreads>(
        executor.threads(),
        [&](DispatchedTask call, uint32_t thread) {
          session->SetExecutor(true);
          executor.Run(std::move(call), thread);
        },
        [&](RunningSlot* suspended) { executor.Resume(suspended); });
  }
  threads.reset();
  if (!session->death().has_value()) executor.Shutdown();
}

}  // namespace troupe::worker
