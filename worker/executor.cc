#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
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

// Thread-safe once the actor, if this process is one, has been made.
class Executor {
 public:
  explicit Executor(std::shared_ptr<Session> session) : session_(std::move(session)) {}

  void Run(const DispatchedTask& task);
  bool exiting() const { return exiting_; }
  // How many threads each concurrency group of the actor wants; empty: this one is enough.
  const std::vector<uint32_t>& threads() const { return threads_; }
  // The actor's last word, where its class has one.
  void Shutdown();

 private:
  void Execute(const DispatchedTask& task, const wire::TaskSpec& spec, std::stop_token stop,
               wire::Complete* complete);
  static bool MayRetry(const wire::TaskSpec& spec, const ErrorInfo& error);
  std::variant<TaskCall, ErrorInfo> Prepare(const DispatchedTask& task, const wire::TaskSpec& spec);
  ErrorInfo MakeError(const DispatchedTask& task, const wire::TaskSpec& spec, ErrorKind kind,
                      std::string message) const {
    return {.kind = kind,
            .message = std::move(message),
            .exception_type = {},
            .origin = std::string(spec.name),
            .task = spec.id,
            .attempt = task.dispatch.attempt,
            .pid = getpid()};
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
};

void Executor::Run(const DispatchedTask& task) {
  RunningSlot slot{task.dispatch.slot, task.dispatch.generation, {}, {}};
  session_->BeginRunning(&slot);  // before the node may think that it runs
  // A recalled frame: its grants go back.
  if (session_->TryBegin(task.dispatch)) {
    absl::StatusOr<wire::ClientMessage> message = wire::DecodeClientMessage(task.dispatch.spec);
    TROUPE_CHECK(message.ok() && std::holds_alternative<wire::TaskSpec>(*message),
                 "a dispatched task without a spec");
    const auto& spec = std::get<wire::TaskSpec>(*message);
    wire::Complete complete{spec.id, task.dispatch.attempt, task.dispatch.slot, {}, false};
    Execute(task, spec, slot.stop.get_token(), &complete);
  }
  session_->EndRunning(&slot);
  for (const wire::ReadyValue& value : task.dispatch.values) session_->DropHandle(value.id);
  for (const ObjectId id : task.dispatch.refs) session_->DropHandle(id);
}

void Executor::Execute(const DispatchedTask& task, const wire::TaskSpec& spec, std::stop_token stop,
                       wire::Complete* complete) {
  auto prepared = Prepare(task, spec);
  std::vector<std::variant<EncodedResult, ErrorInfo>> results;
  bool exit = false;
  if (auto* error = std::get_if<ErrorInfo>(&prepared)) {
    results.emplace_back(std::move(*error));
  } else {
    auto& call = std::get<TaskCall>(prepared);
    const RunningTask running{
        spec.id,
        spec.name,
        task.dispatch.attempt,
        spec.depth,
        spec.kind == wire::TaskKind::kActorCreation ? spec.id.Result(0) : spec.actor,
        task.dispatch.time_left_nanos == 0 ? kForever
                                           : MonotonicNanos() + task.dispatch.time_left_nanos,
        std::move(stop)};
    running_task = &running;
    std::optional<ErrorInfo> thrown;
    TaskEntry entry = nullptr;
    NamedCall named;
    if (spec.function.empty()) {
      entry = reinterpret_cast<TaskEntry>(reinterpret_cast<uintptr_t>(*CodeAtOffset(spec.entry)));
    } else {
      auto found =
          PrepareNamed(NamedFunctions::Global(), spec.function,
                       std::string_view(reinterpret_cast<const char*>(spec.callable.data()),
                                        spec.callable.size()),
                       spec.kind == wire::TaskKind::kActorCall, &call);
      if (auto* unknown = std::get_if<ErrorInfo>(&found)) {
        thrown = std::move(*unknown);
      } else {
        named = std::get<NamedCall>(std::move(found));
        entry = named.entry;
      }
    }
    const auto completed = [&](const ErrorInfo& bare) {
      ErrorInfo failure = MakeError(task, spec, bare.kind, bare.message);
      failure.exception_type = bare.exception_type;
      failure.payload = bare.payload;
      return failure;
    };
    Requests wanted;
    requests = spec.kind == wire::TaskKind::kActorCall ? &wanted : nullptr;
    if (entry != nullptr) {
      thrown = CallUserCode(
          [&] { entry(call); },
          [&](const ErrorInfo& from) { complete->retry = MayRetry(spec, completed(from)); });
    }
    if (!thrown.has_value() && spec.kind == wire::TaskKind::kActorCall)
      thrown = SaveCheckpointAfter(wanted);
    if (thrown.has_value()) {
      results.emplace_back(completed(*thrown));
    } else {
      results = std::move(call.results);
    }
    running_task = nullptr;
    requests = nullptr;
    exit = wanted.exit;
    if (spec.kind == wire::TaskKind::kActorCreation) {
      checkpoint_every_ = spec.checkpoint_every;
      if (spec.max_concurrency > 1 || !spec.concurrency_groups.empty()) {
        threads_ = {std::max<uint32_t>(1, spec.max_concurrency)};
        for (const auto& [name, threads] : spec.concurrency_groups)
          threads_.push_back(static_cast<uint32_t>(threads));
      }
    }
  }
  // A failure is the value of each result.
  if (results.size() != spec.num_returns) {
    ErrorInfo error =
        MakeError(task, spec, ErrorKind::kInternal,
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
      if (error->task.is_null()) *error = MakeError(task, spec, error->kind, error->message);
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
    complete->results.push_back(std::move(value));
  }
  session_->Complete(*complete);
  if (!exit) return;
  exiting_ = true;
  session_->ExitActor();
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
std::variant<TaskCall, ErrorInfo> Executor::Prepare(const DispatchedTask& task,
                                                    const wire::TaskSpec& spec) {
  const absl::StatusOr<const void*> code = CodeAtOffset(spec.entry);
  if (spec.function.empty() && !code.ok()) {
    return MakeError(task, spec, ErrorKind::kBuildMismatch,
                     std::string(ToStd(code.status().message())));
  }
  TaskCall call;
  call.session = session_;
  call.callable = spec.callable;
  call.actor = &actor_;
  call.hooks = &hooks_;
  call.num_returns = spec.num_returns;
  call.task = spec.id;
  call.attempt = task.dispatch.attempt;
  call.slot = task.dispatch.slot;
  call.stream_window = spec.stream_window;
  std::vector<ObjectId> ids;
  for (const wire::ReadyValue& value : task.dispatch.values) ids.push_back(value.id);
  auto ready = session_->Wait(ids, ids.size(), kForever, /*until_error=*/false);
  if (auto* error = std::get_if<ErrorInfo>(&ready)) return std::move(*error);
  std::optional<ErrorInfo> failed;
  const auto resolve = [&](ObjectId id) {
    auto value = session_->Value(id, kForever);
    if (auto* error = std::get_if<ErrorInfo>(&value)) {
      failed = std::move(*error);
      return ArgumentValue{id, {}};
    }
    return ArgumentValue{id, std::get<ValueBytes>(std::move(value))};
  };
  for (const wire::Argument& argument : spec.arguments) {
    TaskArgument& entered = call.arguments.emplace_back();
    if (const auto* value = std::get_if<wire::Argument::Inline>(&argument.content)) {
      entered.values.push_back({ObjectId(), {value->bytes, value->refs, nullptr}});
    } else if (const auto* object = std::get_if<ObjectId>(&argument.content)) {
      entered.values.push_back(resolve(*object));
    } else {
      entered.is_list = true;
      for (const ObjectId id : std::get<wire::Argument::Objects>(argument.content))
        entered.values.push_back(resolve(id));
    }
  }
  if (task.dispatch.restores && !task.dispatch.values.empty()) {
    const ArgumentValue state = resolve(task.dispatch.values.back().id);
    call.checkpoint = std::string_view(reinterpret_cast<const char*>(state.value.bytes.data()),
                                       state.value.bytes.size());
    call.checkpoint_owner = state.value.owner;
  }
  if (failed.has_value()) return *std::move(failed);
  return call;
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
  while (!executor.exiting()) {
    std::optional<DispatchedTask> task = session->NextTask();
    if (!task.has_value()) break;
    if (threads != nullptr) {
      const uint32_t group = task->dispatch.group;
      threads->Add(group, *std::move(task));
      continue;
    }
    executor.Run(*task);
    if (executor.threads().empty()) continue;
    threads = std::make_unique<ActorThreads>(executor.threads(), [&](const DispatchedTask& call) {
      session->SetExecutor(true);
      executor.Run(call);
    });
  }
  threads.reset();
  if (!session->death().has_value()) executor.Shutdown();
}

}  // namespace troupe::worker
