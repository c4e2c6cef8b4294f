#include "sdk/internal/amounts.h"

#include <cmath>

#include "core/base/resource_set.h"
#include "sdk/errors.h"

namespace troupe::internal {

Amounts ToAmounts(const std::string& where, double cpus, int64_t memory, double gpus,
                  const std::map<std::string, double>& resources) {
  const auto units = [&](double amount, const std::string& name) {
    if (!(amount >= 0) || amount > 1e9) {
      Throw(ErrorKind::kInvalidArgument,
            where + ": " + name + " = " + std::to_string(amount) + " is no amount");
    }
    return static_cast<int64_t>(std::llround(amount * kResourceUnit));
  };
  Amounts amounts{.cpu_units = units(cpus, "cpus")};
  if (memory < 0 || memory > kMaxMemoryBytes) {
    Throw(ErrorKind::kInvalidArgument,
          where + ": memory = " + std::to_string(memory) + " is no number of bytes");
  }
  if (memory > 0) amounts.named.emplace_back("memory", memory * kResourceUnit);
  if (gpus != 0) amounts.named.emplace_back("gpu", units(gpus, "gpus"));
  for (const auto& [name, amount] : resources) {
    if (name.find('@') != std::string::npos) {
      Throw(ErrorKind::kInvalidArgument, where + ": no resource is named \"" + name +
                                             "\": an @ stands before a placement group");
    }
    amounts.named.emplace_back(name, units(amount, name));
  }
  return amounts;
}

}  // namespace troupe::internal
