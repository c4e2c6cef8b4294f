#include "bench/private_memory.h"

#include <malloc.h>

#include "bench/cluster_processes.h"
#include "bench/timing.h"

namespace bench {

PrivateMemory PrivateMemory::Now() {
  malloc_trim(0);
  PrivateMemory memory;
  bool has_node = false;
  for (const ClusterProcess& process : ClusterProcesses()) {
    if (process.role == Role::kWorker) continue;
    const auto bytes = PrivateMemoryBytes(process.pid);
    Expect(bytes.has_value(), "the memory of a process of the cluster");
    (process.role == Role::kNode ? memory.node : memory.driver) = *bytes;
    has_node = has_node || process.role == Role::kNode;
  }
  Expect(has_node, "the node's process");
  return memory;
}

}  // namespace bench
