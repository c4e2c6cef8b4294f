#include <cstdint>
#include <numeric>
#include <vector>

#include "bench/limits.h"
#include "bench/rows.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

int64_t Double(int64_t x) { return 2 * x; }
// The sum of 2 * i for i < n.
int64_t DoubledSum(int64_t n) { return n * (n - 1); }
int64_t Sum(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{0});
}

// As Ray's benchmarks do: submits a thousand calls, gets them all, and begins again.
template <typename Submit>
int64_t SumInBatches(int64_t calls, Submit submit) {
  constexpr int64_t kBatch = 1'000;
  std::vector<troupe::ObjectRef<int64_t>> refs;
  refs.reserve(kBatch);
  int64_t sum = 0;
  for (int64_t i = 0; i < calls; ++i) {
    refs.push_back(submit(i));
    if (refs.size() < kBatch && i + 1 < calls) continue;
    sum += Sum(troupe::Get(refs));
    refs.clear();
  }
  return sum;
}

int64_t SubmitAndGet(int64_t tasks) {
  const auto task = troupe::Task(Double);
  return SumInBatches(tasks, [&](int64_t i) { return task.Remote(i); });
}

class Doubler {
 public:
  int64_t Call(int64_t x) { return 2 * x; }
  int64_t SumOf(const std::vector<int64_t>& values) { return Sum(values); }
};
using Doublers = std::vector<troupe::ActorHandle<Doubler>>;

class Submitter {
 public:
  int64_t Tasks(int64_t count) { return SubmitAndGet(count); }
  int64_t Calls(const Doublers& actors, int64_t count) {
    return SumInBatches(count, [&](int64_t i) {
      const auto& actor = actors[static_cast<size_t>(i) % actors.size()];
      return actor.Task(&Doubler::Call).Remote(i);
    });
  }
};

double TasksSync() {
  constexpr int64_t kTasks = 2'000;
  const auto task = troupe::Task(Double);
  int64_t sum = 0;
  const double seconds = Seconds([&] {
    for (int64_t i = 0; i < kTasks; ++i) sum += troupe::Get(task.Remote(i));
  });
  Expect(sum == DoubledSum(kTasks), "tasks");
  return 1e6 * seconds / kTasks;
}

double TasksAsync() {
  constexpr int64_t kTasks = 50'000;
  int64_t sum = 0;
  const double rate = Rate(kTasks, [&] { sum = SubmitAndGet(kTasks); });
  Expect(sum == DoubledSum(kTasks), "tasks");
  return rate;
}

double ActorCallsSync(const troupe::ActorHandle<Doubler>& actor) {
  constexpr int64_t kCalls = 2'000;
  int64_t sum = 0;
  const double seconds = Seconds([&] {
    for (int64_t i = 0; i < kCalls; ++i) sum += troupe::Get(actor.Task(&Doubler::Call).Remote(i));
  });
  Expect(sum == DoubledSum(kCalls), "calls");
  return 1e6 * seconds / kCalls;
}

double ActorCallsAsync(const Doublers& actors) {
  constexpr int64_t kCalls = 50'000;
  int64_t sum = 0;
  const double rate = Rate(kCalls, [&] { sum = Submitter().Calls(actors, kCalls); });
  Expect(sum == DoubledSum(kCalls), "calls");
  return rate;
}

// What several processes do at once, each `count` times.
template <typename Call>
double RateOfAll(const std::vector<troupe::ActorHandle<Submitter>>& submitters, int64_t count,
                 Call call) {
  std::vector<troupe::ObjectRef<int64_t>> sums;
  const auto all = static_cast<int64_t>(submitters.size()) * count;
  const double rate = Rate(all, [&] {
    for (const auto& submitter : submitters) sums.push_back(call(submitter));
    (void)troupe::Wait(sums, {.num_ready = sums.size()});
  });
  for (const int64_t sum : troupe::Get(sums)) Expect(sum == DoubledSum(count), "calls");
  return rate;
}

double CallsWithArgument(const Doublers& actors) {
  constexpr int64_t kCalls = 20'000;
  const auto argument = troupe::Put(std::vector<int64_t>{1, 2, 3});
  int64_t sum = 0;
  const double rate = Rate(kCalls, [&] {
    sum = SumInBatches(kCalls, [&](int64_t i) {
      const auto& actor = actors[static_cast<size_t>(i) % actors.size()];
      return actor.Task(&Doubler::SumOf).Remote(argument);
    });
  });
  Expect(sum == 6 * kCalls, "calls with an argument");
  return rate;
}

}  // namespace

void AddCallRows(Report& report) {
  report.Row("single_client_tasks_sync", "us", TasksSync, FloorSyncMicros());
  report.Row("single_client_tasks_sync_and_std_async", "us", TasksSync, StdAsyncMicros());
  report.Row("single_client_tasks_async", "1/s", TasksAsync, FloorRate());
  report.Row("single_client_tasks_and_get_batch", "1/s", [] { return TasksAsync() / 1'000; },
             {"1,000 calls of std::async", [] { return StdAsyncRate().measure() / 1'000; }});

  const Doublers one = {troupe::Actor<Doubler>().Remote()};
  const Doublers two = {troupe::Actor<Doubler>().Remote(), troupe::Actor<Doubler>().Remote()};
  const std::vector<troupe::ActorHandle<Submitter>> submitters = {
      troupe::Actor<Submitter>().Remote(), troupe::Actor<Submitter>().Remote()};
  constexpr int64_t kEach = 20'000;
  report.Row(
      "multi_client_tasks_async", "1/s",
      [&] {
        return RateOfAll(submitters, kEach, [&](const auto& submitter) {
          return submitter.Task(&Submitter::Tasks).Remote(kEach);
        });
      },
      FloorRate());
  report.Row(
      "1_1_actor_calls_sync", "us", [&] { return ActorCallsSync(one[0]); }, FloorSyncMicros());
  report.Row(
      "1_1_actor_calls_async", "1/s", [&] { return ActorCallsAsync(one); }, FloorRate());
  report.Row(
      "1_n_actor_calls_async", "1/s", [&] { return ActorCallsAsync(two); }, FloorRate());
  report.Row(
      "n_n_actor_calls_async", "1/s",
      [&] {
        return RateOfAll(submitters, kEach, [&](const auto& submitter) {
          return submitter.Task(&Submitter::Calls).Remote(two, kEach);
        });
      },
      FloorRate());
  report.Row(
      "n_n_actor_calls_with_arg_async", "1/s", [&] { return CallsWithArgument(two); }, FloorRate());
}

}  // namespace bench
