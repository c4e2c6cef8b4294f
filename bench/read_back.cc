#include "bench/read_back.h"

#include <cstddef>
#include <utility>

#include "bench/task_counts.h"
#include "bench/timing.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

constexpr size_t kOneIn = 100;

// How many of them are the numbers 0, 100, 200 and so on.
int64_t CountRight(const std::vector<int64_t>& values) {
  CountTask();
  int64_t right = 0;
  for (size_t i = 0; i < values.size(); ++i)
    right += values[i] == static_cast<int64_t>(i * kOneIn) ? 1 : 0;
  return right;
}

}  // namespace

void ExpectReadBack(const std::vector<troupe::ObjectRef<int64_t>>& refs, const char* what) {
  std::vector<troupe::ObjectRef<int64_t>> sample;
  for (size_t i = 0; i < refs.size(); i += kOneIn) sample.push_back(refs[i]);
  const auto count = static_cast<int64_t>(sample.size());
  Expect(troupe::Get(troupe::Task(CountRight).Remote(std::move(sample))) == count, what);
}

}  // namespace bench
