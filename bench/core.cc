// The common benchmarks of task and actor systems, under the names that Ray gave them.
//
//   bazel run -c opt //bench:core -- [--filter=TEXT] [--json] [--runs=N] [--workers=N]
//
// Every result is checked: a figure counts only where the work was done.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <future>
#include <numeric>
#include <string>
#include <vector>

#include "bench/report.h"
#include "sdk/troupe.h"

namespace {

using bench::Expect;
using bench::Rate;
using bench::Seconds;

int64_t Double(int64_t x) { return 2 * x; }

int64_t Sum(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{0});
}

// A value with many references inside.
std::vector<troupe::ObjectRef<int64_t>> ManyRefs(int64_t count) {
  std::vector<troupe::ObjectRef<int64_t>> refs;
  for (int64_t i = 0; i < count; ++i) refs.push_back(troupe::Put(i));
  return refs;
}

class Doubler {
 public:
  int64_t Call(int64_t x) { return 2 * x; }
};

// The sum of 2 * i for i < n.
int64_t DoubledSum(int64_t n) { return n * (n - 1); }

// --- The limits.

double StdAsyncRate() {
  constexpr int64_t kCalls = 2'000;
  int64_t sum = 0;
  const double rate = Rate(kCalls, [&] {
    for (int64_t i = 0; i < kCalls; ++i) sum += std::async(std::launch::async, Double, i).get();
  });
  Expect(sum == DoubledSum(kCalls), "std::async");
  return rate;
}

double CopyGigabytesPerSecond(size_t bytes) {
  static std::vector<char> from(bytes, 1);
  static char* to = [&] {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    Expect(memory != MAP_FAILED, "mmap");
    return static_cast<char*>(memory);
  }();
  constexpr int kTimes = 10;
  const double seconds = Seconds([&] {
    for (int i = 0; i < kTimes; ++i) {
      from[0] = static_cast<char>(i);
      std::memcpy(to, from.data(), bytes);
      Expect(to[0] == from[0], "memcpy");
    }
  });
  return static_cast<double>(kTimes) * static_cast<double>(bytes) / 1e9 / seconds;
}

double HeapCopyRate() {
  constexpr int64_t kValues = 100'000;
  int64_t sum = 0;
  const double rate = Rate(kValues, [&] {
    for (int64_t i = 0; i < kValues; ++i) {
      const auto copy = std::make_unique<int64_t>(i);
      asm volatile("" : : "r"(copy.get()) : "memory");
      sum += 2 * *copy;
    }
  });
  Expect(sum == DoubledSum(kValues), "copies on the heap");
  return rate;
}

// A process that begins and ends at once.
double SpawnSeconds() {
  return Seconds([] {
    const pid_t child = fork();
    if (child == 0) {
      execl("/bin/true", "true", nullptr);
      _exit(127);
    }
    int status = 0;
    Expect(waitpid(child, &status, 0) == child && status == 0, "/bin/true");
  });
}

// --- The rows.

double TasksSync() {
  constexpr int64_t kTasks = 2'000;
  const auto task = troupe::Task(Double);
  int64_t sum = 0;
  const double rate = Rate(kTasks, [&] {
    for (int64_t i = 0; i < kTasks; ++i) sum += troupe::Get(task.Remote(i));
  });
  Expect(sum == DoubledSum(kTasks), "tasks");
  return rate;
}

double TasksAsync() {
  constexpr int64_t kTasks = 20'000;
  const auto task = troupe::Task(Double);
  std::vector<int64_t> results;
  const double rate = Rate(kTasks, [&] {
    std::vector<troupe::ObjectRef<int64_t>> refs;
    refs.reserve(kTasks);
    for (int64_t i = 0; i < kTasks; ++i) refs.push_back(task.Remote(i));
    results = troupe::Get(refs);
  });
  Expect(Sum(results) == DoubledSum(kTasks), "tasks");
  return rate;
}

double ActorCallsSync(const troupe::ActorHandle<Doubler>& actor) {
  constexpr int64_t kCalls = 2'000;
  int64_t sum = 0;
  const double rate = Rate(kCalls, [&] {
    for (int64_t i = 0; i < kCalls; ++i) sum += troupe::Get(actor.Task(&Doubler::Call).Remote(i));
  });
  Expect(sum == DoubledSum(kCalls), "calls");
  return rate;
}

double ActorCallsAsync(const troupe::ActorHandle<Doubler>& actor) {
  constexpr int64_t kCalls = 20'000;
  std::vector<int64_t> results;
  const double rate = Rate(kCalls, [&] {
    std::vector<troupe::ObjectRef<int64_t>> refs;
    refs.reserve(kCalls);
    for (int64_t i = 0; i < kCalls; ++i) refs.push_back(actor.Task(&Doubler::Call).Remote(i));
    results = troupe::Get(refs);
  });
  Expect(Sum(results) == DoubledSum(kCalls), "calls");
  return rate;
}

double PutCalls() {
  constexpr int64_t kPuts = 50'000;
  std::vector<troupe::ObjectRef<int64_t>> refs;
  refs.reserve(kPuts);
  const double rate = Rate(kPuts, [&] {
    for (int64_t i = 0; i < kPuts; ++i) refs.push_back(troupe::Put(i));
  });
  Expect(troupe::Get(troupe::Task(Double).Remote(refs.back())) == 2 * (kPuts - 1), "puts");
  return rate;
}

double GetCalls() {
  constexpr int64_t kGets = 100'000;
  const auto ref = troupe::Put(int64_t{7});
  int64_t sum = 0;
  const double rate = Rate(kGets, [&] {
    for (int64_t i = 0; i < kGets; ++i) sum += troupe::Get(ref);
  });
  Expect(sum == 7 * kGets, "gets");
  return rate;
}

constexpr size_t kPutBytes = size_t{64} << 20;

double PutGigabytes() {
  static const std::vector<char> value(kPutBytes, 1);
  constexpr int kTimes = 10;
  const double seconds = Seconds([&] {
    for (int i = 0; i < kTimes; ++i) Expect(!troupe::Put(value).id().is_null(), "a put");
  });
  return static_cast<double>(kTimes) * static_cast<double>(kPutBytes) / 1e9 / seconds;
}

double GetObjectWithRefs() {
  constexpr int64_t kRefs = 10'000;
  const auto many = troupe::Task(ManyRefs).Remote(kRefs);
  (void)troupe::Wait(std::vector{many});
  size_t count = 0;
  const double rate = Rate(1, [&] { count = troupe::Get(many).size(); });
  Expect(count == kRefs, "references inside a value");
  return rate;
}

double ManyArguments() {
  constexpr int64_t kArguments = 10'000;
  const std::vector<troupe::ObjectRef<int64_t>> refs = ManyRefs(kArguments);
  int64_t sum = 0;
  const double seconds = Seconds([&] { sum = troupe::Get(troupe::Task(Sum).Remote(refs)); });
  Expect(2 * sum == DoubledSum(kArguments), "arguments");
  return seconds;
}

// The time from Init to the first result of a cluster that did not exist.
double ColdStartSeconds(int workers) {
  int64_t result = 0;
  const double seconds = Seconds([&] {
    const troupe::Cluster cluster = troupe::Init({.workers = workers});
    result = troupe::Get(troupe::Task(Double).Remote(21));
  });
  Expect(result == 42, "the first task");
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report(bench::Flags::Parse(argc, argv));
  const int workers = report.flags().workers;
  report.Row(
      "cold_start", "s", [&] { return ColdStartSeconds(workers); }, "starting /bin/true",
      SpawnSeconds);

  const troupe::Cluster cluster =
      troupe::Init({.workers = workers, .object_store_memory = int64_t{1} << 30});
  const auto actor = troupe::Actor<Doubler>().Remote();
  const std::string async = "std::async in this process";
  report.Row("single_client_tasks_sync", "1/s", TasksSync, async, StdAsyncRate);
  report.Row("single_client_tasks_async", "1/s", TasksAsync, async, StdAsyncRate);
  report.Row(
      "1_1_actor_calls_sync", "1/s", [&] { return ActorCallsSync(actor); }, async, StdAsyncRate);
  report.Row(
      "1_1_actor_calls_async", "1/s", [&] { return ActorCallsAsync(actor); }, async, StdAsyncRate);
  const std::string heap = "a copy on this process's heap";
  report.Row("single_client_put_calls", "1/s", PutCalls, heap, HeapCopyRate);
  report.Row("single_client_get_calls", "1/s", GetCalls, heap, HeapCopyRate);
  report.Row("single_client_put_gigabytes", "GB/s", PutGigabytes, "memcpy into warm shared pages",
             [] { return CopyGigabytesPerSecond(kPutBytes); });
  report.Row("get_object_containing_10k_refs", "1/s", GetObjectWithRefs, async, StdAsyncRate);
  report.Row("10k_arguments_to_one_task", "s", ManyArguments, "10,000 calls of std::async",
             [] { return 10'000 / StdAsyncRate(); });
}
