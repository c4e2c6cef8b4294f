// TaskCall is one call as the worker sees it: arguments in, results out. The SDK's entry functions
// are written against it.
//
// An entry function decodes the arguments, calls the user's function, and encodes the results. What
// the user's function throws passes through it; the executor catches it, in the one place where
// Troupe catches.
#ifndef TROUPE_WORKER_TASK_CALL_H_
#define TROUPE_WORKER_TASK_CALL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

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
  std::vector<ArgumentValue> values;
};

struct EncodedResult {
  ValueSpace space;
  std::vector<ObjectId> refs;
};

struct TaskCall {
  std::shared_ptr<Session> session;
  std::span<const std::byte> callable;
  std::vector<TaskArgument> arguments;
  std::shared_ptr<void>* actor =
      nullptr;  // the actor's object: set by its creation, used by its calls
  uint32_t num_returns = 1;
  std::vector<std::variant<EncodedResult, ErrorInfo>> results;  // one for each return
};

using TaskEntry = void (*)(TaskCall& call);

// What is running on this thread. Null outside of tasks.
struct RunningTask {
  TaskId id;
  std::string_view name;
  uint32_t attempt = 0;
  uint32_t depth = 0;
  ActorId actor;
};
const RunningTask* CurrentRunningTask();

// Runs tasks as they come, until the node ends this worker.
void RunTasks(const std::shared_ptr<Session>& session);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_TASK_CALL_H_
