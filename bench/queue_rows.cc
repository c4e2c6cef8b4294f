#include <cstdint>
#include <thread>
#include <vector>

#include "bench/limits.h"
#include "bench/private_memory.h"
#include "bench/rows.h"
#include "bench/task_counts.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

constexpr int64_t kMillion = 1'000'000;
// What a queued task may take in the node and in the driver together.
constexpr double kMostBytes = 500;

int64_t Double(int64_t x) {
  CountTask();
  return 2 * x;
}

// Has its CPU until it is cancelled, and hardly uses it.
void Blocker() {
  while (!troupe::CurrentTask().stop_token().stop_requested())
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

struct Queued {
  double seconds = 0;
  double bytes_each = 0;
};

// Submits them while nobody can run any, then lets them go.
Queued QueueAMillion(Meter& meter, int workers) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = workers, .submission_window = static_cast<int>(kMillion) + 100});
  std::vector<troupe::ObjectRef<void>> blockers;
  for (int i = 0; i < workers; ++i) blockers.push_back(troupe::Task(Blocker).Remote());
  const auto task = troupe::Task(Double);
  std::vector<troupe::ObjectRef<int64_t>> refs;
  refs.reserve(kMillion);
  const int64_t before = PrivateMemory::Now().sum();
  int64_t queued_bytes = 0;
  int64_t sum = 0;
  const double seconds = meter.Time(kMillion, [&] {
    for (int64_t i = 0; i < kMillion; ++i) refs.push_back(task.Remote(i));
    // What it is answered comes after all that was submitted.
    (void)troupe::TryGet(refs.back(), absl::ZeroDuration());
    (void)troupe::Memory(1);
    queued_bytes = PrivateMemory::Now().sum() - before;
    for (const auto& blocker : blockers) troupe::Cancel(blocker);
    for (const auto& ref : refs) sum += troupe::Get(ref);
  });
  Expect(sum == kMillion * (kMillion - 1), "a million tasks");
  meter.ExpectTasks(kMillion);
  // The references' own place among them is the program's.
  const auto own = static_cast<int64_t>(refs.size() * sizeof(refs[0]));
  return {seconds, static_cast<double>(queued_bytes - own) / kMillion};
}

}  // namespace

void AddQueueRows(Report& report) {
  const int workers = report.flags().workers;
  report.Row(
      "1m_queued_tasks", "s", [&](Meter& meter) { return QueueAMillion(meter, workers).seconds; },
      FloorSecondsFor1mCalls());
  report.Row(
      "1m_queued_tasks_bytes_each", "B",
      [&](Meter& meter) { return QueueAMillion(meter, workers).bytes_each; }, AtMost(kMostBytes));
}

}  // namespace bench
