// Amounts of resources, as users give them and as they travel. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_AMOUNTS_H_
#define TROUPE_SDK_INTERNAL_AMOUNTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::internal {

struct Amounts {
  int64_t cpu_units = 0;
  std::vector<std::pair<std::string, int64_t>> named = {};  // in 1/10000
};

// `memory` in bytes. Throws InvalidArgument, which begins with `where`, for what is no amount and
// for names that no resource of a machine can have.
Amounts ToAmounts(const std::string& where, double cpus, int64_t memory, double gpus,
                  const std::map<std::string, double>& resources);

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_AMOUNTS_H_
