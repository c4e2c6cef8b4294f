// Estimates pi from random points, in independent tasks with a seed each: the same seeds give the
// same estimate, whoever runs them.
//
//   bazel run -c opt //examples:monte_carlo_pi -- [TASKS [POINTS_PER_TASK]]
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

// How many of `points` random points of the unit square lie in the quarter circle.
int64_t CountInside(uint64_t seed, int64_t points) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> coordinate(0, 1);
  int64_t inside = 0;
  for (int64_t i = 0; i < points; ++i) {
    const double x = coordinate(random);
    const double y = coordinate(random);
    inside += x * x + y * y < 1;
  }
  return inside;
}

int64_t Sum(const std::vector<int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t tasks = examples::NumberArgument(argc, argv, 1, "number of tasks", 64, 1, 100'000);
  const int64_t points =
      examples::NumberArgument(argc, argv, 2, "number of points", 200'000, 1, 1'000'000'000);
  const troupe::Cluster cluster = troupe::Init();
  const auto parallel = examples::Timed([&] {
    std::vector<troupe::ObjectRef<int64_t>> counts;
    for (int64_t seed = 0; seed < tasks; ++seed)
      counts.push_back(troupe::Task(CountInside).Remote(seed, points));
    return troupe::Get(troupe::Task(Sum).Remote(counts));
  });
  const auto serial = examples::Timed([&] {
    int64_t inside = 0;
    for (int64_t seed = 0; seed < tasks; ++seed)
      inside += CountInside(static_cast<uint64_t>(seed), points);
    return inside;
  });
  std::printf("%lld tasks of %lld points: pi is about %.6f\n", static_cast<long long>(tasks),
              static_cast<long long>(points),
              4.0 * static_cast<double>(parallel.result) / static_cast<double>(tasks * points));
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
