// Mergesort by tasks that submit tasks: each gives one half to a task like itself, sorts the other
// half in the same way, and merges. Who waits for a half lends its CPU, so that two workers are
// enough for any depth; but it keeps its process, so that parts are not to be too small.
//
//   bazel run -c opt //examples:mergesort -- [NUMBERS [SMALL]]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <random>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

using Numbers = std::vector<int64_t>;
using Stored = troupe::ObjectRef<troupe::Array<int64_t>>;

// The numbers [begin, end), sorted.
Numbers Sort(const Stored& numbers, size_t begin, size_t end, size_t small) {
  if (end - begin <= small) {
    const troupe::Array<int64_t> all = troupe::Get(numbers);  // where they lie
    Numbers part(all.begin() + begin, all.begin() + end);
    std::sort(part.begin(), part.end());
    return part;
  }
  const size_t middle = begin + (end - begin) / 2;
  const troupe::ObjectRef<Numbers> left = troupe::Task(Sort).Remote(numbers, begin, middle, small);
  const Numbers b = Sort(numbers, middle, end, small);
  const Numbers a = troupe::Get(left);
  Numbers merged;
  merged.reserve(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(merged));
  return merged;
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
    troupe::Builder<int64_t> stored = troupe::Create<int64_t>(count);
    std::copy(numbers.begin(), numbers.end(), stored.span().begin());
    return troupe::Get(troupe::Task(Sort).Remote(stored.Seal(), size_t{0}, count, small));
  });
  const auto serial = examples::Timed([&] {
    Numbers sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  });
  std::printf("%zu numbers in parts of up to %zu\n", count, small);
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
