// What this process may use of its machine. Private to the SDK and the tools.
#ifndef TROUPE_SDK_INTERNAL_MACHINE_H_
#define TROUPE_SDK_INTERNAL_MACHINE_H_

#include <cstdint>

namespace troupe::internal {

// The CPUs that this process may run on.
int UsableCpus();
// The memory that it may use: the machine's, or its cgroup's where that has less.
int64_t UsableMemoryBytes();
// 30 % of the memory that it may use: the machine's, or its cgroup's where that has less.
int64_t DefaultStoreBytes();

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_MACHINE_H_
