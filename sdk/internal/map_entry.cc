#include "sdk/internal/map_entry.h"

#include <unistd.h>

#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
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

void AppendFirst(size_t first, std::vector<std::byte>* callable) {
  const auto bytes = std::as_bytes(std::span(&first, 1));
  callable->insert(callable->end(), bytes.begin(), bytes.end());
}

size_t TakeFirst(std::span<const std::byte>* callable) {
  size_t first = 0;
  if (callable->size() < sizeof(first)) return 0;
  std::memcpy(&first, callable->last(sizeof(first)).data(), sizeof(first));
  *callable = callable->first(callable->size() - sizeof(first));
  return first;
}

void FailAt(size_t index, worker::TaskCall& call) {
  std::optional<ErrorInfo> thrown = worker::CallUserCode([] { throw; });
  const worker::RunningTask* task = worker::CurrentRunningTask();
  thrown->message = absl::StrCat("item ", index, ": ", thrown->message);
  thrown->origin = std::string(task->name);
  thrown->task = task->id;
  thrown->attempt = task->attempt;
  thrown->pid = getpid();
  call.Fail(*std::move(thrown));
}

StopBetweenItems::StopBetweenItems() : stop_(worker::CurrentRunningTask()->stop()) {}

void StopBetweenItems::Stop() {
  Throw(ErrorKind::kCancelled, "Map: the task was stopped between two of its items");
}

}  // namespace troupe::internal
