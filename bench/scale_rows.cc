#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "bench/limits.h"
#include "bench/read_back.h"
#include "bench/rows.h"
#include "bench/task_counts.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

constexpr int64_t kMany = 10'000;

int64_t Sum(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{0});
}

std::vector<troupe::ObjectRef<int64_t>> ManyRefs(int64_t count) {
  std::vector<troupe::ObjectRef<int64_t>> refs;
  refs.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) refs.push_back(troupe::Put(i));
  return refs;
}

int64_t Next(int64_t x) {
  CountTask();
  return x + 1;
}
int64_t Same(int64_t x) {
  CountTask();
  return x;
}
int64_t SumOfArguments(const std::vector<int64_t>& values) {
  CountTask();
  return Sum(values);
}
// 0, 1, 2 and so on, one for each result.
std::vector<int64_t> UpTo(int64_t count) {
  CountTask();
  std::vector<int64_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  return numbers;
}

constexpr int64_t SumUpTo(int64_t count) { return count * (count - 1) / 2; }

// References to 0, 1, 2 and so on, the results of tasks that are done.
std::vector<troupe::ObjectRef<int64_t>> DoneTasks(int64_t count) {
  std::vector<troupe::ObjectRef<int64_t>> refs;
  refs.reserve(static_cast<size_t>(count));
  const auto task = troupe::Task(Same);
  for (int64_t i = 0; i < count; ++i) refs.push_back(task.Remote(i));
  (void)troupe::Wait(refs, {.num_ready = refs.size()});
  return refs;
}

double GetObjectWithRefs(Meter& meter) {
  const auto many = troupe::Task(ManyRefs).Remote(kMany);
  (void)troupe::Wait(std::vector{many});
  std::vector<troupe::ObjectRef<int64_t>> refs;
  const double rate = meter.Rate(1, [&] { refs = troupe::Get(many); });
  Expect(refs.size() == kMany, "references inside a value");
  ExpectReadBack(refs, "references inside a value");
  return rate;
}

double ManyArguments(Meter& meter) {
  const std::vector<troupe::ObjectRef<int64_t>> refs = ManyRefs(kMany);
  int64_t sum = 0;
  const double seconds =
      meter.Time(1, [&] { sum = troupe::Get(troupe::Task(SumOfArguments).Remote(refs)); });
  Expect(sum == SumUpTo(kMany), "arguments");
  meter.ExpectTasks(1);
  return seconds;
}

double ManyReturns(Meter& meter) {
  constexpr int64_t kReturns = 3'000;
  int64_t sum = 0;
  const double seconds = meter.Time(1, [&] {
    const auto refs = troupe::Task(UpTo).Returns(static_cast<uint32_t>(kReturns)).Remote(kReturns);
    sum = Sum(troupe::Get(refs));
  });
  Expect(sum == SumUpTo(kReturns), "results");
  meter.ExpectTasks(1);
  return seconds;
}

double ManyGets(Meter& meter) {
  const std::vector<troupe::ObjectRef<int64_t>> refs = ManyRefs(kMany);
  int64_t sum = 0;
  const double seconds = meter.Time(kMany, [&] {
    for (const auto& ref : refs) sum += troupe::Get(ref);
  });
  Expect(sum == SumUpTo(kMany), "gets");
  ExpectReadBack(refs, "gets");
  return seconds;
}

double ChainOfTasks(Meter& meter) {
  int64_t end = 0;
  const double seconds = meter.Time(kMany, [&] {
    const auto next = troupe::Task(Next);
    troupe::ObjectRef<int64_t> link = troupe::Put(int64_t{0});
    for (int64_t i = 0; i < kMany; ++i) link = next.Remote(link);
    end = troupe::Get(link);
  });
  Expect(end == kMany, "a chain of tasks");
  meter.ExpectTasks(kMany);
  return seconds;
}

// One at a time, as Ray's benchmark has it: the first of those that are done, until none is left.
double WaitFor1kRefs(Meter& meter) {
  constexpr int64_t kRefs = 1'000;
  std::vector<troupe::ObjectRef<int64_t>> pending = DoneTasks(kRefs);
  std::vector<troupe::ObjectRef<int64_t>> in_order;
  const double seconds = meter.Time(kRefs, [&] {
    while (!pending.empty()) {
      troupe::WaitResult<int64_t> result = troupe::Wait(std::move(pending), {.num_ready = 1});
      in_order.insert(in_order.end(), result.ready.begin(), result.ready.end());
      pending = std::move(result.pending);
    }
  });
  Expect(in_order.size() == kRefs && Sum(troupe::Get(in_order)) == SumUpTo(kRefs), "waiting");
  return seconds * 1e3;
}

double DrainAsCompleted(Meter& meter) {
  const std::vector<troupe::ObjectRef<int64_t>> refs = DoneTasks(kMany);
  int64_t sum = 0;
  const double seconds = meter.Time(kMany, [&] {
    for (const auto& [index, ref] : troupe::AsCompleted(refs)) sum += troupe::Get(ref);
  });
  Expect(sum == SumUpTo(kMany), "what has been completed");
  return seconds * 1e3;
}

}  // namespace

void AddScaleRows(Report& report) {
  report.Row("get_object_containing_10k_refs", "1/s", GetObjectWithRefs, StdAsyncRate());
  report.Row("10k_arguments_to_one_task", "s", ManyArguments, FloorSecondsFor10kCalls());
  report.Row("3k_returns_of_one_task", "s", ManyReturns, FloorSecondsFor10kCalls());
  report.Row("10k_gets", "s", ManyGets, FloorSecondsFor10kCalls());
  report.Row("chain_of_10k_tasks", "s", ChainOfTasks, FloorSecondsFor10kCalls());
  report.Row("single_client_wait_1k_refs", "ms", WaitFor1kRefs, AtMost(10));
  report.Row("drain_10k_done_refs_as_completed", "ms", DrainAsCompleted, AtMost(20));
}

}  // namespace bench
