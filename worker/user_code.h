// CallUserCode runs an entry, in the one place where what the user's code throws is caught.
#ifndef TROUPE_WORKER_USER_CODE_H_
#define TROUPE_WORKER_USER_CODE_H_

#include <optional>

#include "core/base/error.h"
#include "worker/task_call.h"

namespace troupe::worker {

// What it threw: a TaskError with type, message and, where the type is registered, payload.
std::optional<ErrorInfo> CallUserCode(TaskEntry entry, TaskCall& call);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_USER_CODE_H_
