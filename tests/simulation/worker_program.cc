#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "tests/simulation/programs.h"

namespace troupe::simulation {
namespace {

uint64_t ValueOf(wire::Bytes bytes) {
  uint64_t value = 0;
  TROUPE_CHECK(bytes.size() == sizeof(value), "an argument of another size");
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

wire::Value Failure(ErrorInfo error) { return {std::move(error), {}}; }

}  // namespace

// The first one whose group has a thread left.
std::deque<DispatchedTask>::iterator WorkerProgram::NextTask() {
  return std::find_if(client_->tasks.begin(), client_->tasks.end(), [&](const auto& task) {
    return !free_threads_[task.dispatch.group].empty();
  });
}

Routine WorkerProgram::Run() {
  Client::Thread thread(client_);
  for (;;) {
    const auto something = [&] {
      return client_->exit_asked || NextTask() != client_->tasks.end();
    };
    co_await Until(something);
    const auto next = NextTask();
    if (next == client_->tasks.end()) co_return;
    const DispatchedTask task = std::move(*next);
    client_->tasks.erase(next);
    const uint32_t group = task.dispatch.group;
    const uint32_t number = *free_threads_[group].begin();
    free_threads_[group].erase(number);
    thread.Begin(task.spec.id, task.dispatch, number);
    std::optional<std::pair<ObjectId, uint64_t>> promise;  // to be kept when the task is done
    if (!leaving_ && begin_(task.dispatch)) {
      if (task.spec.kind == wire::TaskKind::kActorCall) {
        uint64_t& last = last_sequences_[{task.spec.id.client(), task.dispatch.group}];
        TROUPE_CHECK(task.spec.sequence > last, "an actor's calls of one caller out of order");
        last = task.spec.sequence;
        ++calls_;
      }
      co_await Step();
      Script script;
      TROUPE_CHECK(task.spec.callable.size() == sizeof(script), "a task that lost its script");
      std::memcpy(&script, task.spec.callable.data(), sizeof(script));

      uint64_t value = script.seed;
      std::vector<ObjectId> wanted;   // to be waited for, in the order of their part in the value
      std::vector<ObjectId> mine;     // handles made here, dropped at the end
      std::vector<ObjectId> results;  // references inside the result
      std::vector<std::pair<ObjectId, Resolved>> looks;  // at its arguments, while it runs
      std::optional<ErrorInfo> error;
      const wire::TaskSpec child_spec = [&] {
        wire::TaskSpec spec;
        spec.cpu_units = task.spec.cpu_units;
        spec.max_retries = task.spec.max_retries;
        spec.name = task.spec.name;
        spec.caller.task = task.spec.id;
        return spec;
      }();

      auto given = task.dispatch.values.begin();
      for (const wire::Argument& argument : task.spec.arguments) {
        if (const auto* bytes = std::get_if<wire::Argument::Inline>(&argument.content)) {
          value = Mix(value, ValueOf(bytes->bytes));
          if (script.kind == ScriptKind::kUseInner)
            wanted.insert(wanted.end(), bytes->refs.begin(), bytes->refs.end());
          continue;
        }
        const ObjectId id = std::get<ObjectId>(argument.content);
        TROUPE_CHECK(given->id == id, "a task that is given other values than it asked for");
        if (const wire::ReadyValue& copy = *given++; wire::IsCopy(copy)) {
          value = Mix(value, ValueOf(std::get<wire::Bytes>(copy.value.content)));
          continue;
        }
        const Resolved resolved = co_await Client::LookAt(&thread, id);
        if (resolved.error.has_value()) {
          error = resolved.error;
          // Lost on its way from the disk, or told to stop while it waited for it.
          TROUPE_CHECK(damage_ || error->kind == ErrorKind::kObjectLost ||
                           error->kind == ErrorKind::kResourceExhausted ||
                           thread.stopped().has_value(),
                       "a task that runs with an argument that failed");
          break;
        }
        looks.emplace_back(id, resolved);
        value = Mix(value, resolved.value);
        if (script.kind == ScriptKind::kUseInner) {
          client_->ClaimAll(id, resolved.refs);
          mine.insert(mine.end(), resolved.refs.begin(), resolved.refs.end());
          wanted.insert(wanted.end(), resolved.refs.begin(), resolved.refs.end());
        }
      }
      const std::vector<Script> children = script.Children();
      for (size_t i = 0; i < children.size() && !error.has_value(); ++i) {
        wire::TaskSpec spec = child_spec;
        if (script.Chained(i)) spec.arguments.push_back({mine.back()});
        mine.push_back(client_->Submit(children[i], std::move(spec)).Result(0));
        co_await Step();
      }
      if (script.kind == ScriptKind::kNest) wanted = mine;
      if (script.kind == ScriptKind::kReturnRef) results = mine;
      if (script.kind == ScriptKind::kPromise && !error.has_value()) {
        promise.emplace(client_->MakePromise(), script.Promised());
        results.push_back(promise->first);
      }
      if (script.kind == ScriptKind::kCallActor && !error.has_value()) {
        wire::TaskSpec spec = child_spec;
        spec.kind = wire::TaskKind::kActorCall;
        spec.cpu_units = 0;
        spec.actor = std::get<wire::Argument::Inline>(task.spec.arguments[0].content).refs[0];
        mine.push_back(client_->Submit(script.Call(), std::move(spec)).Result(0));
        wanted.push_back(mine.back());
      }
      if (task.spec.kind == wire::TaskKind::kActorCreation) {
        checkpoint_every_ = task.spec.checkpoint_every;
        for (uint32_t i = 1; i < task.spec.max_concurrency; ++i) free_threads_[0].insert(i);
        uint32_t threads = task.spec.max_concurrency;
        for (const auto& of_group : task.spec.concurrency_groups) {
          std::set<uint32_t>& free_threads = free_threads_.emplace_back();
          for (int64_t i = 0; i < of_group.second; ++i) free_threads.insert(threads++);
        }
        if (task.dispatch.restores) {
          const wire::ReadyValue& checkpoint = task.dispatch.values.back();
          if (wire::IsCopy(checkpoint)) {
            calls_ = ValueOf(std::get<wire::Bytes>(checkpoint.value.content));
          } else {
            const Resolved state = co_await Client::LookAt(&thread, checkpoint.id);
            calls_ = state.value;
            if (!state.error.has_value()) client_->EndLook(checkpoint.id);
          }
        }
      }
      if (script.kind == ScriptKind::kEndless || script.kind == ScriptKind::kDeaf) {
        const auto told = [&] {
          return script.kind == ScriptKind::kEndless && thread.stopped().has_value();
        };
        co_await Until(told);
        error = thread.stopped();
      }
      const bool again =
          script.kind == ScriptKind::kThrowOnce && task.dispatch.attempt == 1 && !error.has_value();
      if (again) error = ErrorInfo{.kind = ErrorKind::kTaskError, .message = "thrown only once"};
      if (script.kind == ScriptKind::kThrow && !error.has_value()) {
        error = ErrorInfo{.kind = ErrorKind::kTaskError, .message = "thrown by the script"};
      }
      const auto thread_is_free = [&] { return free_threads_[group].contains(number); };
      const bool suspends =
          task.spec.kind == wire::TaskKind::kActorCall && script.Suspends() && !error.has_value();
      if (!wanted.empty() && !error.has_value() && !suspends)
        error = co_await Client::WaitFor(&thread, wanted);
      for (const ObjectId id : wanted) {
        if (suspends && !error.has_value()) {
          free_threads_[group].insert(number);
          error = co_await Client::SuspendFor(&thread, id, thread_is_free);
          free_threads_[group].erase(number);
        }
        if (error.has_value()) break;
        const Resolved resolved = co_await Client::LookAt(&thread, id);
        error = resolved.error;
        value = Mix(value, resolved.value);
        if (!resolved.error.has_value()) client_->EndLook(id);
      }
      std::optional<Location> space;
      if (script.Stores() && !error.has_value()) {
        const uint64_t bytes = 1 + Mix(script.seed, 4) % kBigBytes;
        space = client_->Carve(bytes);
        if (!space.has_value()) {
          const auto answer = co_await Client::WaitForLease(&thread, bytes);
          if (const auto* refused = std::get_if<ErrorInfo>(&answer)) error = *refused;
          if (const auto* place = std::get_if<Location>(&answer)) space = *place;
        }
      }
      for (const auto& [id, seen] : looks) {
        client_->CheckLook(id, seen);
        client_->EndLook(id);
      }
      if (task.spec.kind == wire::TaskKind::kActorCall && checkpoint_every_ > 0 &&
          calls_ % checkpoint_every_ == 0) {
        const ObjectId state = client_->PutInline(calls_, {});
        client_->Send(wire::Checkpoint{state});
        client_->DropHandle(state);
      }
      if (again) {
        client_->CompleteToRetry(task, Failure(*error));
      } else if (error.has_value()) {
        client_->Complete(task, Failure(*error));
      } else if (space.has_value()) {
        client_->Write(*space, value);
        client_->Complete(task, {*space, results});
      } else {
        client_->Complete(task, {std::as_bytes(std::span(&value, 1)), results});
      }
      if (script.kind == ScriptKind::kExitActor && !std::exchange(leaving_, true))
        client_->Send(wire::ExitActor{});
      for (const ObjectId id : mine) client_->DropHandle(id);
    }
    thread.End();
    free_threads_[group].insert(number);
    client_->DropGiven(task.dispatch);
    if (promise.has_value()) {
      co_await Step();
      client_->KeepPromise(promise->first, promise->second);
      client_->DropHandle(promise->first);
    }
  }
}

}  // namespace troupe::simulation
