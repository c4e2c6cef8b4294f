#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "bench/cluster_processes.h"
#include "bench/limits.h"
#include "bench/rows.h"
#include "bench/task_counts.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

int64_t Double(int64_t x) {
  CountTask();
  return 2 * x;
}

// An actor has a process of its own.
class Doubler {
 public:
  int64_t Call(int64_t x) { return Double(x); }
  int64_t Process() { return getpid(); }
};

double ColdStart(Meter& meter, int workers) {
  std::optional<troupe::Cluster> cluster;
  int64_t result = 0;
  const double seconds = meter.Time(1, [&] {
    cluster.emplace(troupe::Init({.workers = workers}));
    result = troupe::Get(troupe::Task(Double).Remote(21));
  });
  Expect(result == 42, "the first task");
  meter.ExpectTasks(1);
  return seconds;
}

// Until the first result of a process that was not there before: ms, on average of several.
double StartMoreWorkers(Meter& meter, int workers) {
  constexpr int kWorkers = 10;
  const troupe::Cluster cluster = troupe::Init({.workers = workers});
  Expect(troupe::Get(troupe::Task(Double).Remote(21)) == 42, "the first task");
  const std::vector<ClusterProcess> before = ClusterProcesses();
  std::vector<troupe::ActorHandle<Doubler>> actors;
  int64_t sum = 0;
  const double seconds = meter.Time(kWorkers, [&] {
    for (int64_t i = 0; i < kWorkers; ++i) {
      actors.push_back(troupe::Actor<Doubler>().Remote());
      sum += troupe::Get(actors.back().Task(&Doubler::Call).Remote(i));
    }
  });
  Expect(sum == kWorkers * (kWorkers - 1), "first calls");
  meter.ExpectTasks(kWorkers);
  std::vector<int64_t> processes;
  for (const auto& process : before) processes.push_back(process.pid);
  for (const auto& actor : actors)
    processes.push_back(troupe::Get(actor.Task(&Doubler::Process).Remote()));
  std::sort(processes.begin(), processes.end());
  Expect(std::adjacent_find(processes.begin(), processes.end()) == processes.end(),
         "each actor in a process of its own, a new one");
  return seconds * 1e3 / kWorkers;
}

Limit SpawnMillis() {
  return {"starting /bin/true", [] { return SpawnSeconds().measure() * 1e3; }};
}

}  // namespace

void AddStartRows(Report& report) {
  const int workers = report.flags().workers;
  report.Row(
      "cold_start", "s", [&](Meter& meter) { return ColdStart(meter, workers); }, SpawnSeconds());
  report.Row(
      "start_one_more_worker", "ms", [&](Meter& meter) { return StartMoreWorkers(meter, workers); },
      SpawnMillis());
}

}  // namespace bench
