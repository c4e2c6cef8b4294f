#include "sdk/internal/map_entry.h"

#include <unistd.h>

#include <optional>
#include <utility>

#include "sdk/errors.h"
#include "worker/user_code.h"

namespace troupe::internal {

void AddFailure(size_t position, ItemFailures* failures) {
  std::optional<ErrorInfo> thrown = worker::CallUserCode([] { throw; });
  failures->items.push_back({static_cast<uint32_t>(position), std::move(thrown->message),
                             std::move(thrown->exception_type), std::move(thrown->payload),
                             std::move(thrown->stack)});
  if (failures->pid != 0) return;
  const worker::RunningTask* task = worker::CurrentRunningTask();
  failures->origin = std::string(task->name);
  failures->attempt = task->attempt;
  failures->pid = getpid();
}

ErrorInfo TakeFailure(ItemFailures& failures, size_t i, TaskId task) {
  ItemFailure& item = failures.items[i];
  return {.kind = ErrorKind::kTaskError,
          .message = std::move(item.message),
          .exception_type = std::move(item.exception_type),
          .origin = failures.origin,
          .task = task,
          .attempt = failures.attempt,
          .pid = failures.pid,
          .payload = std::move(item.payload),
          .stack = std::move(item.stack)};
}

StopBetweenItems::StopBetweenItems() : stop_(worker::CurrentRunningTask()->stop()) {}

void StopBetweenItems::Stop() {
  Throw(ErrorKind::kCancelled, "Map: the task was stopped between two of its items");
}

}  // namespace troupe::internal
