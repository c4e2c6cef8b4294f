// What a cluster costs that has worked and has nothing to do.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "bench/cluster_processes.h"
#include "bench/limits.h"
#include "bench/rows.h"
#include "bench/task_counts.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

constexpr auto kSettle = std::chrono::seconds(1);
constexpr double kSeconds = 5;

int64_t Double(int64_t x) {
  CountTask();
  return 2 * x;
}

// What the processes of the cluster used within a while, this one apart: it measures.
struct Idle {
  double cpu_percent = 0;         // of one core, all of them together
  double wakeups_per_second = 0;  // of the one that is woken most
  double worker_private_mib = 0;  // of the largest worker
  double worker_threads = 0;      // of the worker with most
};

struct Use {
  ClusterProcess process;
  double cpu_seconds = 0;
  int64_t wakeups = 0;
};

std::vector<Use> UseUntilNow() {
  std::vector<Use> uses;
  for (const ClusterProcess& process : ClusterProcesses()) {
    if (process.role == Role::kDriver) continue;
    const auto cpu = CpuSeconds(process.pid);
    Expect(cpu.has_value(), "an idle process that lives");
    int64_t wakeups = 0;
    for (const auto& [thread, count] : WakeupsOf(process.pid)) wakeups += count;
    uses.push_back({process, *cpu, wakeups});
  }
  std::sort(uses.begin(), uses.end(),
            [](const Use& a, const Use& b) { return a.process.pid < b.process.pid; });
  return uses;
}

Idle MeasureIdle(Meter& meter, int workers) {
  const troupe::Cluster cluster = troupe::Init({.workers = workers});
  constexpr int64_t kTasks = 10'000;
  int64_t sum = 0;
  meter.Time(kTasks, [&] {
    std::vector<troupe::ObjectRef<int64_t>> refs;
    for (int64_t i = 0; i < kTasks; ++i) refs.push_back(troupe::Task(Double).Remote(i));
    for (const int64_t result : troupe::Get(refs)) sum += result;
  });
  Expect(sum == kTasks * (kTasks - 1), "tasks");
  meter.ExpectTasks(kTasks);

  std::this_thread::sleep_for(kSettle);
  const std::vector<Use> before = UseUntilNow();
  std::this_thread::sleep_for(std::chrono::duration<double>(kSeconds));
  const std::vector<Use> after = UseUntilNow();
  Idle idle;
  Expect(before.size() == after.size() && after.size() > 1, "a node and workers that live");
  for (size_t i = 0; i < after.size(); ++i) {
    const pid_t pid = after[i].process.pid;
    Expect(pid == before[i].process.pid, "processes that live");
    idle.cpu_percent += 100 * (after[i].cpu_seconds - before[i].cpu_seconds) / kSeconds;
    const auto wakeups = static_cast<double>(after[i].wakeups - before[i].wakeups);
    idle.wakeups_per_second = std::max(idle.wakeups_per_second, wakeups / kSeconds);
    if (after[i].process.role != Role::kWorker) continue;
    const auto bytes = static_cast<double>(PrivateMemoryBytes(pid).value_or(0));
    idle.worker_private_mib = std::max(idle.worker_private_mib, bytes / (1 << 20));
    idle.worker_threads = std::max(idle.worker_threads, static_cast<double>(ThreadsOf(pid).size()));
  }
  Expect(idle.worker_private_mib > 0, "the memory of an idle worker");
  return idle;
}

}  // namespace

void AddIdleRows(Report& report) {
  const auto row = [&](const char* name, const char* unit, double Idle::*figure, double most) {
    report.Row(
        name, unit,
        [&](Meter& meter) { return MeasureIdle(meter, report.flags().workers).*figure; },
        AtMost(most));
  };
  row("idle_cluster_cpu", "%", &Idle::cpu_percent, 0.1);
  row("idle_cluster_wakeups", "1/s", &Idle::wakeups_per_second, 1);
  row("idle_worker_private_memory", "MiB", &Idle::worker_private_mib, 3);
  row("idle_worker_threads", "1", &Idle::worker_threads, 4);
}

}  // namespace bench
