#include "bench/meter.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "bench/system_calls.h"
#include "bench/task_counts.h"
#include "bench/timing.h"

namespace bench {
namespace {

// What was used up until some moment.
struct Use {
  struct Process {
    Role role = Role::kDriver;
    double cpu_seconds = 0;
    Wakeups wakeups;
    bool peak_was_reset = false;
  };
  std::map<pid_t, Process> processes;

  // Looking costs this process, the driver, more CPU than a short operation: its own clock is read
  // last before f, and first after it.
  static Use Before() {
    Use use;
    std::vector<ClusterProcess> all = ClusterProcesses();
    std::reverse(all.begin(), all.end());  // the driver is the first
    for (const auto& [pid, role] : all) {
      Process process = {role, 0, WakeupsOf(pid), ResetPeakMemory(pid)};
      const auto cpu = CpuSeconds(pid);
      if (!cpu) continue;  // it has ended
      process.cpu_seconds = *cpu;
      use.processes[pid] = std::move(process);
    }
    return use;
  }
  static Use After() {
    Use use;
    const double own = CpuSeconds(getpid()).value_or(0);
    for (const auto& [pid, role] : ClusterProcesses()) {
      const auto cpu = role == Role::kDriver ? own : CpuSeconds(pid);
      if (cpu) use.processes[pid] = {role, *cpu, WakeupsOf(pid), false};
    }
    return use;
  }
};

int64_t Difference(const Wakeups& after, const Wakeups& before) {
  int64_t sum = 0;
  for (const auto& [thread, count] : after) {
    const auto was = before.find(thread);
    sum += count - (was == before.end() ? 0 : was->second);
  }
  return sum;
}

void Add(const Use& before, const Use& after, Costs* costs) {
  for (const auto& [pid, now] : after.processes) {
    const auto found = before.processes.find(pid);
    const bool is_new = found == before.processes.end();
    const Use::Process was = is_new ? Use::Process{now.role, 0, {}, true} : found->second;
    costs->cpu_seconds[IndexOf(now.role)] += now.cpu_seconds - was.cpu_seconds;
    costs->wakeups += Difference(now.wakeups, was.wakeups);
    const auto peak = PeakMemoryBytes(pid);
    if (!was.peak_was_reset || !peak) continue;
    auto& most = costs->peak_memory_bytes[IndexOf(now.role)];
    most = std::max(most.value_or(0), *peak);
  }
}

std::vector<int64_t> TasksSince(const std::map<pid_t, int64_t>& before) {
  std::vector<int64_t> tasks;
  for (const auto& [pid, count] : TaskCounts::OfEachProcess()) {
    const auto was = before.find(pid);
    const int64_t since = count - (was == before.end() ? 0 : was->second);
    if (since > 0) tasks.push_back(since);
  }
  std::sort(tasks.begin(), tasks.end(), std::greater<>());
  return tasks;
}

}  // namespace

double Meter::Time(int64_t operations, const std::function<void()>& f) {
  const auto tasks_before = TaskCounts::OfEachProcess();
  double seconds = 0;
  if (counting_system_calls_) {
    seconds = TimeAndCount(operations, f);
  } else {
    const Use before = Use::Before();
    seconds = Seconds(f);
    Add(before, Use::After(), &costs_);
    costs_.operations += operations;
  }
  costs_.tasks_per_worker = TasksSince(tasks_before);
  last_tasks_ = 0;
  for (const int64_t tasks : costs_.tasks_per_worker) last_tasks_ += tasks;
  return seconds;
}

double Meter::Rate(int64_t operations, const std::function<void()>& f) {
  return static_cast<double>(operations) / Time(operations, f);
}

double Meter::Micros(int64_t operations, const std::function<void()>& f) {
  return 1e6 * Time(operations, f) / static_cast<double>(operations);
}

double Meter::TimeAndCount(int64_t operations, const std::function<void()>& f) {
  std::vector<pid_t> pids;
  for (const ClusterProcess& process : ClusterProcesses()) pids.push_back(process.pid);
  const auto counter = SystemCallCounter::Start(pids);
  const double seconds = Seconds(f);
  if (counter) {
    counted_system_calls_ += counter->count();
    counted_operations_ += operations;
    costs_.system_calls_per_operation =
        static_cast<double>(counted_system_calls_) / static_cast<double>(counted_operations_);
  }
  return seconds;
}

void Meter::ExpectTasks(int64_t least) const {
  const std::string what =
      "workers ran " + std::to_string(last_tasks_) + " tasks of " + std::to_string(least);
  Expect(last_tasks_ >= least, what.c_str());
}

}  // namespace bench
