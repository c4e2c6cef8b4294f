// TaskCall is one call as the worker sees it: arguments in, results out. The SDK's entry functions
// are written against it.
//
// An entry function decodes the arguments, calls the user's function, and encodes the results. What
// the user's function throws passes through it; CallUserCode catches it, the one place that does.
#ifndef TROUPE_WORKER_TASK_CALL_H_
#define TROUPE_WORKER_TASK_CALL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "worker/session.h"

namespace troupe::worker {

struct ArgumentValue {
  ObjectId object;  // null for one that came inline
  ValueBytes value;
};

struct TaskArgument {
  bool is_list = false;  // several objects, for one parameter that is a vector
  absl::InlinedVector<ArgumentValue, 1> values;
};
using TaskArguments = absl::InlinedVector<TaskArgument, 2>;  // most calls have few

// Handles on the ids inside an encoded value: they must not go, with the value itself, before the
// node knows who holds them. REQUIRES: the session outlives it. Move-only.
class HeldReferences {
 public:
  HeldReferences() = default;
  HeldReferences(Session* session, std::vector<ObjectId> ids)
      : session_(session), ids_(std::move(ids)) {
    if (!ids_.empty()) session_->AddHandles(ids_);
  }
  HeldReferences(HeldReferences&& other) noexcept
      : session_(other.session_), ids_(std::exchange(other.ids_, {})) {}
  HeldReferences& operator=(HeldReferences&& other) noexcept {
    std::swap(session_, other.session_);
    std::swap(ids_, other.ids_);
    return *this;
  }
  ~HeldReferences() {
    if (!ids_.empty()) session_->DropHandles(ids_);
  }

  const std::vector<ObjectId>& ids() const { return ids_; }

 private:
  Session* session_ = nullptr;
  std::vector<ObjectId> ids_;
};

// A value on its way out.
struct EncodedResult {
  ValueSpace space;
  HeldReferences refs;
};

// What an actor's class has besides its methods; null where it has not. Set by its creation.
struct ActorHooks {
  std::string (*checkpoint)(const void* object) = nullptr;
  void (*shutdown)(void* object) = nullptr;
};

struct TaskCall;

// A call of an actor whose code is a coroutine: it has begun, and goes on when the object that it
// waits for is there. Its arguments live as long as it does. Not thread-safe: it belongs to the
// thread that began it.
class CoroutineCall {
 public:
  virtual ~CoroutineCall() = default;

  // Null once it has ended: its results are in the call.
  virtual ObjectId awaits() const = 0;
  // To its next wait, or its end. `refusal`: why what it waits for cannot come. What the user's
  // code throws passes through it.
  virtual void Resume(TaskCall& call, std::optional<ErrorInfo> refusal) = 0;
};

struct TaskCall {
  using Results = absl::InlinedVector<std::variant<EncodedResult, ErrorInfo>, 1>;

  // Another of its results: a value, or why there is none.
  void Return(EncodedResult value);
  void Fail(ErrorInfo error);

  std::shared_ptr<Session> session;  // null where a packed task runs without a cluster
  std::span<const std::byte> callable;
  TaskArguments arguments;
  std::shared_ptr<void>* actor =
      nullptr;  // the actor's object: set by its creation, used by its calls
  ActorHooks* hooks = nullptr;
  std::optional<ValueBytes> checkpoint;  // of a creation: what Restore is given
  uint32_t num_returns = 1;
  // Of a stream: whose items, and how many ahead of the consumer.
  TaskId task = {};
  uint32_t attempt = 0;
  uint32_t slot = 0;
  uint32_t stream_window = 0;
  Results results;  // one for each return
  // An entry may leave one instead of results, where the worker says that it knows what to do.
  bool may_suspend = false;
  std::unique_ptr<CoroutineCall> coroutine = nullptr;
};

using TaskEntry = void (*)(TaskCall& call);

// True where a retry_on asks for another attempt after this failure of the user's code; called
// while what was thrown is the current exception.
using RetryTest = bool (*)(const ErrorInfo& error);

// What is running on this thread. Null outside of tasks.
struct RunningTask {
  TaskId id;
  std::string_view name;
  uint32_t attempt = 0;
  uint32_t depth = 0;
  ActorId actor;
  int64_t deadline_nanos = kForever;  // in MonotonicNanos
  uint32_t site_file = 0;             // a TextAtOffset, of a call to code of this executable
  uint16_t site_line = 0;
  Session* session = nullptr;
  RunningSlot* slot = nullptr;

  std::stop_token stop() const { return session->StopToken(slot); }
};
const RunningTask* CurrentRunningTask();

// From within an actor's call: its state is saved, or the actor ends, when the call is done. False
// elsewhere.
bool RequestCheckpoint();
bool RequestActorExit();

// Runs tasks as they come, until the node ends this worker.
void RunTasks(const std::shared_ptr<Session>& session);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_TASK_CALL_H_
