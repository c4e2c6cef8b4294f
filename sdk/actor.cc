#include "sdk/actor.h"

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "sdk/internal/option_range.h"

namespace troupe::internal {
namespace {

void ApplyConcurrency(const ActorOptions& options, OutgoingCall& call) {
  if (options.max_concurrency < 1)
    Throw(ErrorKind::kInvalidArgument, "Options: max_concurrency is at least 1");
  int64_t threads = options.max_concurrency;
  call.spec().max_concurrency = static_cast<uint32_t>(options.max_concurrency);
  for (const auto& [name, size] : options.concurrency_groups) {
    if (name.empty() || size < 1) {
      Throw(ErrorKind::kInvalidArgument,
            absl::StrCat("Options: the concurrency group \"", name, "\" of ", size,
                         " threads: a group has a name and at least one thread"));
    }
    threads += size;
    call.spec().concurrency_groups.emplace_back(name, size);
  }
  if (threads > Limits::kMaxActorThreads) {
    Throw(
        ErrorKind::kInvalidArgument,
        absl::StrCat("Options: max_concurrency and the concurrency groups ask for ", threads,
                     " threads together, and an actor has ", Limits::kMaxActorThreads, " at most"));
  }
}

}  // namespace

void Apply(const ActorOptions& options, OutgoingCall& call) {
  if (options.detached && options.name.empty()) {
    Throw(ErrorKind::kInvalidArgument,
          "Options: a detached actor needs a name, or nobody could ever find it again");
  }
  Apply(TaskOptions{.cpus = options.cpus,
                    .resources = options.resources,
                    .placement = options.placement,
                    .max_retries = 0},
        call);
  call.spec().actor_name = options.name;
  call.spec().detached = options.detached;
  call.spec().max_restarts = options.max_restarts;
  CheckOption("Options", "max_restarts", options.max_restarts, -1);
  CheckOption("Options", "max_task_retries", options.max_task_retries, -1);
  CheckOption("Options", "max_pending_calls", options.max_pending_calls, 0);
  CheckOption("Options", "checkpoint_every", options.checkpoint_every, 0);
  if (options.get_if_exists && options.name.empty())
    Throw(ErrorKind::kInvalidArgument, "Options: get_if_exists needs a name");
  call.spec().max_task_retries = options.max_task_retries;
  call.spec().max_pending_calls = static_cast<uint32_t>(options.max_pending_calls);
  call.spec().checkpoint_every = static_cast<uint32_t>(options.checkpoint_every);
  ApplyConcurrency(options, call);
}

// Creating comes between two looks: where others create it at the same time, the first one wins.
Handle GetOrCreateActor(const std::string& name, const std::string& type, OutgoingCall& creation) {
  const std::shared_ptr<worker::Session> session = creation.session();
  Handle created;
  for (int look = 0; look < 2; ++look) {
    auto found = session->FindActor(name, MonotonicNanos() + int64_t{10'000'000'000});
    if (auto* error = std::get_if<ErrorInfo>(&found)) Throw(std::move(*error));
    auto& [actor, type_found] = std::get<std::pair<ActorId, std::string>>(found);
    if (!actor.is_null()) {
      Handle handle = Handle::Adopt(session, actor);
      if (type_found != type) {
        Throw(ErrorKind::kTypeMismatch,
              absl::StrCat("the actor \"", name, "\" is a ", type_found, ", not a ", type));
      }
      return handle;
    }
    if (look == 0) created = std::move(creation.Submit()[0]);
  }
  return created;  // it has died already
}

std::pair<Handle, std::string> FindActorHandle(std::string_view name) {
  const std::shared_ptr<worker::Session> session = CurrentSession();
  auto found = session->FindActor(name, MonotonicNanos() + int64_t{10'000'000'000});
  if (auto* error = std::get_if<ErrorInfo>(&found)) Throw(std::move(*error));
  auto& [actor, type] = std::get<std::pair<ActorId, std::string>>(found);
  if (actor.is_null()) {
    Throw(ErrorKind::kInvalidArgument,
          absl::StrCat("there is no actor named \"", ToAbsl(name), "\""));
  }
  return {Handle::Adopt(session, actor), std::move(type)};
}

void KillActor(const Handle& handle, bool no_restart) {
  if (handle.id().is_null()) Throw(NullRefError("Kill"));
  RefuseForkedChild();
  handle.session()->Kill(handle.id(), no_restart);
}

ErrorInfo NoActorError() {
  return {.kind = ErrorKind::kInternal, .message = "a method was called where no actor lives"};
}

}  // namespace troupe::internal

namespace troupe {

void ExitActor() {
  if (!worker::RequestActorExit())
    internal::Throw(ErrorKind::kInvalidArgument, "ExitActor: this is no call of an actor");
}

void SaveCheckpoint() {
  if (!worker::RequestCheckpoint())
    internal::Throw(ErrorKind::kInvalidArgument, "SaveCheckpoint: this is no call of an actor");
}

}  // namespace troupe
