#include "sdk/task.h"

#include <cmath>

#include "core/base/resource_set.h"

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
  for (const auto& [name, amount] : options.resources)
    spec.resources.emplace_back(name, units(amount, name));
  spec.priority = options.priority;
  spec.max_retries = options.max_retries;
}

}  // namespace troupe::internal
