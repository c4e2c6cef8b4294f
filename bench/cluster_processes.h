// The processes of the cluster that this one has started, and what each has used up until now.
//
//   for (const ClusterProcess& process : ClusterProcesses())
//     if (process.role == Role::kWorker) sum += CpuSeconds(process.pid);
//
// All figures are the kernel's (proc(5), clock_getcpuclockid(3)). A process that is gone has none:
// each function then returns nothing.   Thread-safe.
#ifndef TROUPE_BENCH_CLUSTER_PROCESSES_H_
#define TROUPE_BENCH_CLUSTER_PROCESSES_H_

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace bench {

enum class Role { kDriver, kNode, kWorker };
inline constexpr std::array<Role, 3> kRoles = {Role::kDriver, Role::kNode, Role::kWorker};
constexpr size_t IndexOf(Role role) { return static_cast<size_t>(role); }

struct ClusterProcess {
  pid_t pid = 0;
  Role role = Role::kDriver;
};

// This process, which is the first, its nodes, and their workers.
std::vector<ClusterProcess> ClusterProcesses();

// Of all its threads, those that have ended, too.
std::optional<double> CpuSeconds(pid_t pid);

// How often each thread went to sleep of its own will, by thread: so often it has been woken.
// sched_yield is no sleep.
using Wakeups = std::map<pid_t, int64_t>;
Wakeups WakeupsOf(pid_t pid);

// The threads that it has now.
std::vector<pid_t> ThreadsOf(pid_t pid);

// The most that was resident at a time, pages of the object store that it had touched among it;
// since the last ResetPeakMemory, which is refused (false) where /proc may not be written to.
std::optional<int64_t> PeakMemoryBytes(pid_t pid);
bool ResetPeakMemory(pid_t pid);

// What it has of memory that nobody shares: its heap and stacks, without the object store.
std::optional<int64_t> PrivateMemoryBytes(pid_t pid);

}  // namespace bench

#endif  // TROUPE_BENCH_CLUSTER_PROCESSES_H_
