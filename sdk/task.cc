#include "sdk/task.h"

#include <algorithm>
#include <cmath>

#include "absl/time/clock.h"
#include "core/base/resource_set.h"
#include "sdk/cancel.h"

namespace troupe::internal {

void Apply(const TaskOptions& options, OutgoingCall& call) {
  const auto units = [](double amount, const std::string& name) {
    if (!(amount >= 0) || amount > 1e9) {
      Throw(ErrorKind::kInvalidArgument,
            "Options: " + name + " = " + std::to_string(amount) + " is no amount");
    }
    return static_cast<int64_t>(std::llround(amount * kResourceUnit));
  };
  wire::TaskSpec& spec = call.spec();
  spec.cpu_units = units(options.cpus, "cpus");
  if (options.memory < 0 || options.memory > kMaxMemoryBytes) {
    Throw(ErrorKind::kInvalidArgument,
          "Options: memory = " + std::to_string(options.memory) + " is no number of bytes");
  }
  if (options.memory > 0) spec.resources.emplace_back("memory", options.memory * kResourceUnit);
  if (options.gpus != 0) spec.resources.emplace_back("gpu", units(options.gpus, "gpus"));
  for (const auto& [name, amount] : options.resources)
    spec.resources.emplace_back(name, units(amount, name));
  spec.priority = options.priority;
  if (options.grace < absl::ZeroDuration() || options.max_calls < 0) {
    Throw(ErrorKind::kInvalidArgument, "Options: grace and max_calls are not negative");
  }
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

void CancelTask(const Handle& result, CancelOptions options) {
  if (result.id().is_null()) Throw(NullRefError("Cancel"));
  result.session()->Cancel(result.id(), options.force, options.recursive);
}

}  // namespace troupe::internal
