// CallUserCode runs an entry, or some other code of the user's, in the one place where what it
// throws is caught.
#ifndef TROUPE_WORKER_USER_CODE_H_
#define TROUPE_WORKER_USER_CODE_H_

#include <optional>

#include "absl/functional/function_ref.h"
#include "core/base/error.h"
#include "worker/task_call.h"

namespace troupe::worker {

// What it threw: a TaskError with type, message and those of what is nested in it, where the type
// is registered, payload, and the stack where it was thrown. `in_handler` is given it while what
// was thrown is the current exception.
std::optional<ErrorInfo> CallUserCode(
    absl::FunctionRef<void()> code,
    absl::FunctionRef<void(const ErrorInfo&)> in_handler = [](const ErrorInfo&) {});
std::optional<ErrorInfo> CallUserCode(TaskEntry entry, TaskCall& call);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_USER_CODE_H_
