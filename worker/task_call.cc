#include "worker/task_call.h"

namespace troupe::worker {

// Here, since each function that is called elsewhere would have them compiled again.
void TaskCall::Return(EncodedResult value) { results.emplace_back(std::move(value)); }
void TaskCall::Fail(ErrorInfo error) { results.emplace_back(std::move(error)); }

}  // namespace troupe::worker
