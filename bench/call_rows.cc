#include <cstdint>
#include <numeric>
#include <vector>

#include "bench/limits.h"
#include "bench/rows.h"
#include "bench/task_counts.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

// Half a second and more: who has slept needs up to 0.3 s until the kernel has found out which
// process to give a CPU of its own. Ray's benchmarks warm up, and run for two seconds.
constexpr int64_t kPipelined = 400'000;

int64_t Double(int64_t x) {
  CountTask();
  return 2 * x;
}
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
  int64_t Call(int64_t x) { return Double(x); }
  int64_t CallWith(const std::vector<int64_t>& values, int64_t x) {
    return Sum(values) * Double(x);
  }
};
using Doublers = std::vector<troupe::ActorHandle<Doubler>>;

int64_t CallInTurn(const Doublers& actors, int64_t count) {
  return SumInBatches(count, [&](int64_t i) {
    const auto& actor = actors[static_cast<size_t>(i) % actors.size()];
    return actor.Task(&Doubler::Call).Remote(i);
  });
}

class Submitter {
 public:
  int64_t Tasks(int64_t count) { return SubmitAndGet(count); }
  int64_t Calls(const Doublers& actors, int64_t count) { return CallInTurn(actors, count); }
  // Each with an object that this process has put.
  int64_t CallsWithArgument(const Doublers& actors, int64_t count) {
    const auto six = troupe::Put(std::vector<int64_t>{1, 2, 3});
    return SumInBatches(count, [&](int64_t i) {
      const auto& actor = actors[static_cast<size_t>(i) % actors.size()];
      return actor.Task(&Doubler::CallWith).Remote(six, i);
    });
  }
};

double TasksSync(Meter& meter) {
  constexpr int64_t kTasks = 20'000;
  const auto task = troupe::Task(Double);
  int64_t sum = 0;
  const double micros = meter.Micros(kTasks, [&] {
    for (int64_t i = 0; i < kTasks; ++i) sum += troupe::Get(task.Remote(i));
  });
  Expect(sum == DoubledSum(kTasks), "tasks");
  meter.ExpectTasks(kTasks);
  return micros;
}

double TasksAsync(Meter& meter) {
  constexpr int64_t kTasks = kPipelined;
  int64_t sum = 0;
  const double rate = meter.Rate(kTasks, [&] { sum = SubmitAndGet(kTasks); });
  Expect(sum == DoubledSum(kTasks), "tasks");
  meter.ExpectTasks(kTasks);
  return rate;
}

double ActorCallsSync(Meter& meter, const troupe::ActorHandle<Doubler>& actor) {
  constexpr int64_t kCalls = 20'000;
  int64_t sum = 0;
  const double micros = meter.Micros(kCalls, [&] {
    for (int64_t i = 0; i < kCalls; ++i) sum += troupe::Get(actor.Task(&Doubler::Call).Remote(i));
  });
  Expect(sum == DoubledSum(kCalls), "calls");
  meter.ExpectTasks(kCalls);
  return micros;
}

double ActorCallsAsync(Meter& meter, const Doublers& actors) {
  constexpr int64_t kCalls = kPipelined;
  int64_t sum = 0;
  const double rate = meter.Rate(kCalls, [&] { sum = CallInTurn(actors, kCalls); });
  Expect(sum == DoubledSum(kCalls), "calls");
  meter.ExpectTasks(kCalls);
  return rate;
}

// What several processes do at once, each `count` times: their results add up to `factor` times
// those of so many tasks.
template <typename Call>
double RateOfAll(Meter& meter, const std::vector<troupe::ActorHandle<Submitter>>& submitters,
                 int64_t count, int64_t factor, Call call) {
  std::vector<troupe::ObjectRef<int64_t>> sums;
  const auto all = static_cast<int64_t>(submitters.size()) * count;
  const double rate = meter.Rate(all, [&] {
    for (const auto& submitter : submitters) sums.push_back(call(submitter));
    (void)troupe::Wait(sums, {.num_ready = sums.size()});
  });
  for (const int64_t sum : troupe::Get(sums)) Expect(sum == factor * DoubledSum(count), "calls");
  meter.ExpectTasks(all);
  return rate;
}

}  // namespace

void AddCallRows(Report& report) {
  report.Row("single_client_tasks_sync", "us", TasksSync, FloorSyncMicros(), StdAsyncMicros());
  report.Row("single_client_tasks_async", "1/s", TasksAsync, FloorRate(), StdAsyncRate());
  report.Row("single_client_tasks_and_get_batch", "1/s",
             [](Meter& meter) { return TasksAsync(meter) / 1'000; },
             {"1,000 calls of std::async", [] { return StdAsyncRate().measure() / 1'000; }});

  const Doublers one = {troupe::Actor<Doubler>().Remote()};
  const Doublers two = {troupe::Actor<Doubler>().Remote(), troupe::Actor<Doubler>().Remote()};
  const std::vector<troupe::ActorHandle<Submitter>> submitters = {
      troupe::Actor<Submitter>().Remote(), troupe::Actor<Submitter>().Remote()};
  const auto each = kPipelined / static_cast<int64_t>(submitters.size());
  const auto tasks = [&](Meter& meter) {
    return RateOfAll(meter, submitters, each, 1, [&](const auto& submitter) {
      return submitter.Task(&Submitter::Tasks).Remote(each);
    });
  };
  const auto calls = [&](Meter& meter) {
    return RateOfAll(meter, submitters, each, 1, [&](const auto& submitter) {
      return submitter.Task(&Submitter::Calls).Remote(two, each);
    });
  };
  const auto calls_with_argument = [&](Meter& meter) {
    return RateOfAll(meter, submitters, each, 6, [&](const auto& submitter) {
      return submitter.Task(&Submitter::CallsWithArgument).Remote(two, each);
    });
  };
  const Limit calls_without = {"the same calls without it", [&] {
                                 Meter meter;
                                 return calls(meter);
                               }};
  report.Row("multi_client_tasks_async", "1/s", tasks, FloorRate());
  report.Row(
      "1_1_actor_calls_sync", "us", [&](Meter& meter) { return ActorCallsSync(meter, one[0]); },
      FloorSyncMicros(), StdAsyncMicros());
  report.Row(
      "1_1_actor_calls_async", "1/s", [&](Meter& meter) { return ActorCallsAsync(meter, one); },
      FloorRate());
  report.Row(
      "1_n_actor_calls_async", "1/s", [&](Meter& meter) { return ActorCallsAsync(meter, two); },
      FloorRate());
  report.Row("n_n_actor_calls_async", "1/s", calls, FloorRate());
  report.Row("n_n_actor_calls_with_arg_async", "1/s", calls_with_argument, calls_without);
}

}  // namespace bench
