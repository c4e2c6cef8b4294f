#include "sdk/internal/runtime.h"

#include <pthread.h>

#include <atomic>
#include <mutex>

#include "absl/time/clock.h"
#include "core/base/clock.h"
#include "sdk/current_task.h"
#include "sdk/errors.h"
#include "worker/code_reference.h"
#include "worker/node_session.h"
#include "worker/task_call.h"

namespace troupe {
namespace internal {
namespace {

std::mutex session_mutex;
std::shared_ptr<worker::Session>& SessionSlot() {
  static auto* const slot =
      new std::shared_ptr<worker::Session>;  // never destroyed: statics may hold references
  return *slot;
}
std::atomic<bool> forked{false};

// A child that only forked has neither the I/O thread nor the rings: it must not touch them.
void AfterForkInChild() {
  const std::shared_ptr<worker::Session>& session = SessionSlot();
  if (session == nullptr) return;  // the child may have a cluster of its own
  session->AbandonAfterFork();
  forked = true;
}

}  // namespace

void RefuseForkedChild() {
  if (!forked) return;
  Throw(ErrorKind::kUnavailable,
        "this is a forked child: it has no cluster of its own; exec a program, or use a task");
}

std::shared_ptr<worker::Session> CurrentSession() {
  RefuseForkedChild();
  if (auto own = worker::NodeSession::OfThisThread()) return own;
  const std::lock_guard<std::mutex> lock(session_mutex);
  if (SessionSlot() == nullptr)
    Throw(ErrorKind::kUnavailable, "there is no cluster: call troupe::Init first");
  return SessionSlot();
}

void SetCurrentSession(std::shared_ptr<worker::Session> session) {
  static const int registered = pthread_atfork(nullptr, nullptr, AfterForkInChild);
  (void)registered;
  const std::lock_guard<std::mutex> lock(session_mutex);
  SessionSlot() = std::move(session);
}

bool HasCurrentSession() {
  const std::lock_guard<std::mutex> lock(session_mutex);
  return SessionSlot() != nullptr;
}

}  // namespace internal

TaskInfo CurrentTask() {
  const worker::RunningTask* running = worker::CurrentRunningTask();
  if (running == nullptr) return TaskInfo();
  TaskInfo info{.id = running->id,
                .name = std::string(running->name),
                .attempt = running->attempt,
                .actor = running->actor,
                .deadline = absl::InfiniteFuture(),
                .stop = running->stop(),
                .call_site = {worker::TextAtOffset(running->site_file), running->site_line}};
  if (running->deadline_nanos != worker::kForever)
    info.deadline = absl::Now() + absl::Nanoseconds(running->deadline_nanos - MonotonicNanos());
  return info;
}

}  // namespace troupe
