// Mergesort by tasks that submit tasks: each sorts halves until they are small, and merges. Nobody
// waits: the merge of two halves is a task whose arguments are references to them.
//
//   bazel run -c opt //examples:mergesort -- [NUMBERS [SMALL]]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <random>
#include <span>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

using Numbers = std::vector<int64_t>;

Numbers Merge(std::span<const int64_t> a, std::span<const int64_t> b) {
  Numbers merged;
  merged.reserve(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(merged));
  return merged;
}

// A reference to the sorted numbers [begin, end): from a task that may not have run yet.
troupe::ObjectRef<Numbers> Sort(const troupe::ObjectRef<Numbers>& numbers, size_t begin, size_t end,
                                size_t small) {
  if (end - begin <= small) {
    return troupe::Task([](std::span<const int64_t> all, size_t from, size_t to) {
             Numbers part(all.begin() + static_cast<ptrdiff_t>(from),
                          all.begin() + static_cast<ptrdiff_t>(to));
             std::sort(part.begin(), part.end());
             return part;
           })
        .Remote(numbers, begin, end);
  }
  const size_t middle = begin + (end - begin) / 2;
  return troupe::Task(Merge).Remote(Sort(numbers, begin, middle, small),
                                    Sort(numbers, middle, end, small));
}

// The recursion itself runs in a worker.
troupe::ObjectRef<Numbers> SortAll(troupe::ObjectRef<Numbers> numbers, size_t count, size_t small) {
  return Sort(numbers, 0, count, small);
}

}  // namespace

int main(int argc, char** argv) {
  const auto count = static_cast<size_t>(
      examples::NumberArgument(argc, argv, 1, "number of numbers", 1'000'000, 0, 1'000'000'000));
  const auto small = static_cast<size_t>(
      examples::NumberArgument(argc, argv, 2, "size of a small part", 100'000, 1, 1'000'000'000));
  const troupe::Cluster cluster = troupe::Init();
  std::mt19937_64 random(7);
  Numbers numbers(count);
  for (int64_t& number : numbers) number = static_cast<int64_t>(random() >> 20);

  const auto parallel = examples::Timed([&] {
    const troupe::ObjectRef<Numbers> stored = troupe::Put(numbers);
    return troupe::Get(troupe::Get(troupe::Task(SortAll).Remote(stored, count, small)));
  });
  const auto serial = examples::Timed([&] {
    Numbers sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  });
  std::printf("%zu numbers in parts of up to %zu\n", count, small);
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
