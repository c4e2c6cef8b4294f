#include <stdlib.h>
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "bench/limits.h"
#include "bench/rows.h"
#include "bench/task_counts.h"
#include "core/base/clock.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

constexpr int64_t kShortCalls = 500'000;    // a worker
constexpr int64_t kEmptyCalls = 1'000'000;  // as many as the peer makes

int64_t OneMicrosecond(int64_t x) {
  CountTask();
  const int64_t end = troupe::MonotonicNanos() + 1'000;
  while (troupe::MonotonicNanos() < end) {
  }
  return x + 1;
}
// Nothing but what shows that it was called.
void Empty(int64_t) { CountTask(); }

int64_t CallSerially(int64_t calls) {
  int64_t sum = 0;
  for (int64_t i = 0; i < calls; ++i) sum += OneMicrosecond(i);
  return sum;
}

std::vector<int64_t> UpTo(int64_t n) {
  std::vector<int64_t> numbers(static_cast<size_t>(n));
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  return numbers;
}

// Calls a microsecond, of all workers together.
double MapShortCalls(Meter& meter, int workers) {
  const std::vector<int64_t> numbers = UpTo(workers * kShortCalls);
  const auto calls = static_cast<int64_t>(numbers.size());
  int64_t sum = 0;
  const double rate = meter.Rate(calls, [&] {
    for (const auto& [i, y] : troupe::Map(OneMicrosecond, numbers)) sum += y;
  });
  Expect(sum == calls * (calls + 1) / 2, "a map of short calls");
  meter.ExpectTasks(calls);
  return rate / 1e6;
}

// The same where each worker calls it in a loop.
double CallShortCallsSerially(int workers) {
  std::vector<troupe::ObjectRef<int64_t>> sums;
  const double rate = Rate(workers * kShortCalls, [&] {
    for (int i = 0; i < workers; ++i)
      sums.push_back(troupe::Task(CallSerially).Remote(kShortCalls));
    (void)troupe::Wait(sums, {.num_ready = sums.size()});
  });
  for (const int64_t sum : troupe::Get(sums))
    Expect(sum == kShortCalls * (kShortCalls + 1) / 2, "loops of short calls");
  return rate / 1e6;
}

double MapEmptyCalls(Meter& meter) {
  const std::vector<int64_t> numbers = UpTo(kEmptyCalls);
  int64_t calls = 0;
  const double rate = meter.Rate(kEmptyCalls, [&] {
    auto results = troupe::Map(Empty, numbers);
    while (results.Next().has_value()) ++calls;
  });
  Expect(calls == kEmptyCalls, "a map of empty calls");
  meter.ExpectTasks(kEmptyCalls);
  return rate;
}

// --- multiprocessing.Pool.map of an empty function.

// Beside us where Bazel runs us, and below us elsewhere; empty where it is not.
std::string PeerProgram() {
  const std::string program = "bench/peers/multiprocessing_pool.py";
  if (access(program.c_str(), R_OK) == 0) return program;
  char self[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", self, sizeof(self));
  if (size <= 0) return "";
  const std::string below =
      std::string(self, static_cast<size_t>(size)) + ".runfiles/troupe/" + program;
  return access(below.c_str(), R_OK) == 0 ? below : "";
}

double RunPeer(const std::string& program) {
  const std::string command =
      "PYTHONDONTWRITEBYTECODE=1 python3 '" + program + "' --runs=1 --filter=map_empty_function";
  FILE* output = popen(command.c_str(), "r");
  Expect(output != nullptr, command.c_str());
  std::string text;
  char bytes[512];
  for (size_t size; (size = fread(bytes, 1, sizeof(bytes), output)) > 0;) text.append(bytes, size);
  Expect(pclose(output) == 0, command.c_str());
  const std::string key = "\"value\": ";
  const size_t at = text.find(key);
  Expect(at != std::string::npos, text.c_str());
  return std::strtod(text.c_str() + at + key.size(), nullptr);
}

Limit PoolMapRate() {
  const std::string program = PeerProgram();
  if (program.empty() || std::system("command -v python3 > /dev/null") != 0) {
    // On two cores that did nothing else.
    return {"multiprocessing.Pool.map, as recorded", [] { return 12e6; }};
  }
  return {"multiprocessing.Pool.map", [program] { return RunPeer(program); }};
}

}  // namespace

void AddMapRows(Report& report) {
  const int workers = report.flags().workers;
  report.Row("map_1us_function", "1/us",
             [&](Meter& meter) { return MapShortCalls(meter, workers); },
             {"the workers' own loops", [&] { return CallShortCallsSerially(workers); }});
  report.Row("map_empty_function", "1/s", MapEmptyCalls, PoolMapRate());
}

}  // namespace bench
