#include <cstdint>
#include <numeric>
#include <vector>

#include "bench/limits.h"
#include "bench/rows.h"
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

double ColdStart(int workers) {
  int64_t result = 0;
  const double seconds = Seconds([&] {
    const troupe::Cluster cluster = troupe::Init({.workers = workers});
    result = troupe::Get(troupe::Task([](int64_t x) { return 2 * x; }).Remote(21));
  });
  Expect(result == 42, "the first task");
  return seconds;
}

double GetObjectWithRefs() {
  const auto many = troupe::Task(ManyRefs).Remote(kMany);
  (void)troupe::Wait(std::vector{many});
  int64_t count = 0;
  const double rate = Rate(1, [&] { count = static_cast<int64_t>(troupe::Get(many).size()); });
  Expect(count == kMany, "references inside a value");
  return rate;
}

double ManyArguments() {
  const std::vector<troupe::ObjectRef<int64_t>> refs = ManyRefs(kMany);
  int64_t sum = 0;
  const double seconds = Seconds([&] { sum = troupe::Get(troupe::Task(Sum).Remote(refs)); });
  Expect(2 * sum == kMany * (kMany - 1), "arguments");
  return seconds;
}

double ManyGets() {
  const std::vector<troupe::ObjectRef<int64_t>> refs = ManyRefs(kMany);
  int64_t sum = 0;
  const double seconds = Seconds([&] {
    for (const auto& ref : refs) sum += troupe::Get(ref);
  });
  Expect(2 * sum == kMany * (kMany - 1), "gets");
  return seconds;
}

double ChainOfTasks() {
  int64_t end = 0;
  const double seconds = Seconds([&] {
    const auto next = troupe::Task([](int64_t x) { return x + 1; });
    troupe::ObjectRef<int64_t> link = troupe::Put(int64_t{0});
    for (int64_t i = 0; i < kMany; ++i) link = next.Remote(link);
    end = troupe::Get(link);
  });
  Expect(end == kMany, "a chain of tasks");
  return seconds;
}

// One at a time, as Ray's benchmark has it.
double WaitFor1kRefs() {
  std::vector<troupe::ObjectRef<int64_t>> pending;
  for (int64_t i = 0; i < 1'000; ++i)
    pending.push_back(troupe::Task([](int64_t x) { return x; }).Remote(i));
  size_t rounds = 0;
  const double seconds = Seconds([&] {
    while (!pending.empty()) {
      pending = troupe::Wait(pending, {.num_ready = 1}).pending;
      ++rounds;
    }
  });
  Expect(rounds >= 1, "waiting");
  return seconds;
}

}  // namespace

void AddStartRows(Report& report) {
  report.Row(
      "cold_start", "s", [&] { return ColdStart(report.flags().workers); }, SpawnSeconds());
}

void AddScaleRows(Report& report) {
  report.Row("get_object_containing_10k_refs", "1/s", GetObjectWithRefs, StdAsyncRate());
  report.Row("10k_arguments_to_one_task", "s", ManyArguments, FloorSecondsFor10kCalls());
  report.Row("10k_gets", "s", ManyGets, FloorSecondsFor10kCalls());
  report.Row("chain_of_10k_tasks", "s", ChainOfTasks, FloorSecondsFor10kCalls());
  report.Row("single_client_wait_1k_refs", "s", WaitFor1kRefs, FloorSecondsFor10kCalls());
}

}  // namespace bench
