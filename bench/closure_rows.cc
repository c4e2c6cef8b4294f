// Functions that are bound to 50 MB, which travel once, however many tasks there are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "bench/limits.h"
#include "bench/rows.h"
#include "bench/task_counts.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

constexpr size_t kBytes = 50'000'000;
constexpr size_t kNumbers = kBytes / sizeof(int64_t);
constexpr int64_t kTasks = 20;

// So much of it is read by each task, not the same by two of them.
constexpr int64_t kRead = 1'000;
template <typename Numbers>
int64_t SumOfPart(const Numbers& numbers, int64_t part) {
  CountTask();
  const auto* begin = numbers.data() + part * kRead;
  return std::accumulate(begin, begin + kRead, int64_t{0});
}
int64_t PartOfVector(const std::vector<int64_t>& numbers, int64_t part) {
  return SumOfPart(numbers, part);
}
int64_t PartOfSpan(std::span<const int64_t> numbers, int64_t part) {
  return SumOfPart(numbers, part);
}

const std::vector<int64_t>& Numbers() {
  static const std::vector<int64_t> numbers = [] {
    std::vector<int64_t> up_to(kNumbers);
    std::iota(up_to.begin(), up_to.end(), int64_t{0});
    return up_to;
  }();
  return numbers;
}

// There is one such object in the store, whatever else is.
void ExpectOneCopy() {
  const std::vector<troupe::StoredObject> objects = troupe::Memory(10).objects;
  const auto copies =
      std::count_if(objects.begin(), objects.end(),
                    [](const troupe::StoredObject& object) { return object.size >= kBytes; });
  Expect(copies == 1, "one copy of what is bound");
}

// From the values in this process's memory to the last of 20 results: ms.
template <typename F>
double BindAndCall(Meter& meter, F function) {
  const std::vector<int64_t>& numbers = Numbers();
  std::optional<decltype(troupe::Bind(function, numbers))> bound;
  std::vector<int64_t> sums;
  const double seconds = meter.Time(kTasks, [&] {
    bound.emplace(troupe::Bind(function, numbers));
    const auto task = troupe::Task(*bound);
    std::vector<troupe::ObjectRef<int64_t>> refs;
    for (int64_t i = 0; i < kTasks; ++i) refs.push_back(task.Remote(i));
    sums = troupe::Get(refs);
  });
  ExpectOneCopy();
  const int64_t sum = std::accumulate(sums.begin(), sums.end(), int64_t{0});
  constexpr int64_t kAll = kTasks * kRead;
  Expect(sum == kAll * (kAll - 1) / 2, "calls with what is bound");
  meter.ExpectTasks(kTasks);
  return seconds * 1e3;
}

}  // namespace

void AddClosureRows(Report& report) {
  report.Row(
      "closure_of_50mb_array_20_tasks", "ms",
      [](Meter& meter) { return BindAndCall(meter, PartOfSpan); }, AtMost(60));
  report.Row(
      "closure_of_50mb_vector_20_tasks", "ms",
      [](Meter& meter) { return BindAndCall(meter, PartOfVector); }, AtMost(150));
}

}  // namespace bench
