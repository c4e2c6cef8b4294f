// How much memory a process may use, and how much of that is used: by its machine, and by each
// cgroup that it is in, of version 1 or 2.
//
//   const machine::MemoryUse use = machine::ReadMemoryUse();
//   if (use.used > use.limit / 100 * 95) ...
//
// Page cache, which the kernel drops before it kills, is not counted as used. Where a file cannot
// be read, its level is left out. `root`: in place of "/", for tests. Thread-safe. Sources:
// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of the kernel.
#ifndef TROUPE_CORE_MACHINE_MEMORY_H_
#define TROUPE_CORE_MACHINE_MEMORY_H_

#include <cstdint>
#include <string>

namespace troupe::machine {

// In bytes. Of the level that has the least left.
struct MemoryUse {
  uint64_t used = 0;
  uint64_t limit = 0;  // 0: nothing is known
};

// The machine's memory, or its cgroup's limit where that is less. Swap is not counted.
int64_t UsableMemoryBytes(const std::string& root = "");
// 30 % of that: of an object store that was given no size.
inline int64_t DefaultStoreBytes(const std::string& root = "") {
  return UsableMemoryBytes(root) / 10 * 3;
}
MemoryUse ReadMemoryUse(const std::string& root = "");
// How many processes of this one's cgroup (where it is in none: of the machine) the kernel has
// killed for want of memory, since the cgroup was made; 0 where that cannot be read.
uint64_t OutOfMemoryKills(const std::string& root = "");
// What the process has for itself and no other process has mapped; 0 where there is none.
uint64_t PrivateBytesOf(int pid);

}  // namespace troupe::machine

#endif  // TROUPE_CORE_MACHINE_MEMORY_H_
