#include "sdk/task.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "sdk/cancel.h"
#include "sdk/internal/amounts.h"
#include "sdk/internal/option_range.h"

namespace troupe::internal {

void Apply(const TaskOptions& options, OutgoingCall& call) {
  wire::TaskSpec& spec = call.spec();
  Amounts amounts =
      ToAmounts("Options", options.cpus, options.memory, options.gpus, options.resources);
  spec.cpu_units = amounts.cpu_units;
  spec.resources = std::move(amounts.named);
  if (!options.placement.handle().id().is_null())
    call.SetPlacement(options.placement.handle(), options.placement.bundle());
  spec.priority = options.priority;
  if (options.grace < absl::ZeroDuration()) {
    Throw(ErrorKind::kInvalidArgument,
          "Options: grace = " + absl::FormatDuration(options.grace) + ": it is at least 0");
  }
  CheckOption("Options", "max_retries", options.max_retries, -1);
  CheckOption("Options", "max_calls", options.max_calls, 0);
  ApplyDeadline(options.deadline, options.timeout, call);
  spec.grace_nanos =
      options.grace == absl::InfiniteDuration() ? -1 : absl::ToInt64Nanoseconds(options.grace);
  spec.max_retries = options.max_retries;
  if (options.retry_on.test() != nullptr)
    spec.retry_on = OffsetOrThrow(reinterpret_cast<const void*>(options.retry_on.test()));
  spec.max_calls = static_cast<uint32_t>(options.max_calls);
}

void ApplyDeadline(absl::Time deadline, absl::Duration timeout, OutgoingCall& call) {
  if (deadline != absl::InfiniteFuture()) timeout = std::min(timeout, deadline - absl::Now());
  if (timeout == absl::InfiniteDuration()) return;
  call.spec().timeout_nanos = std::max<int64_t>(1, absl::ToInt64Nanoseconds(timeout));
}

uint32_t CheckedWindow(uint32_t items) {
  if (items == 0) Throw(ErrorKind::kInvalidArgument, "Window: a stream is at least one item ahead");
  return items;
}

void CancelTask(const Handle& result, CancelOptions options) {
  if (result.id().is_null()) Throw(NullRefError("Cancel"));
  RefuseForkedChild();
  result.session()->Cancel(result.id(), options.force, options.recursive);
}

}  // namespace troupe::internal
