#include "sdk/actor.h"

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/string_view.h"

namespace troupe::internal {

void Apply(const ActorOptions& options, OutgoingCall& call) {
  if (options.detached && options.name.empty()) {
    Throw(ErrorKind::kInvalidArgument,
          "Options: a detached actor needs a name, or nobody could ever find it again");
  }
  Apply(TaskOptions{.cpus = options.cpus, .resources = options.resources, .max_retries = 0}, call);
  call.spec().actor_name = options.name;
  call.spec().detached = options.detached;
  call.spec().max_restarts = options.max_restarts;
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
  handle.session()->Kill(handle.id(), no_restart);
}

ErrorInfo NoActorError() {
  return {.kind = ErrorKind::kInternal, .message = "a method was called where no actor lives"};
}

}  // namespace troupe::internal
