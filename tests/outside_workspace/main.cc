// A program outside Troupe's repository: it builds against it by path, and runs on the cluster that
// is up, or on an embedded one.
#include <cstdio>
#include <numeric>
#include <vector>

#include "sdk/troupe.h"

namespace {

double Mean(const std::vector<double>& xs) {
  return std::accumulate(xs.begin(), xs.end(), 0.0) / static_cast<double>(xs.size());
}

}  // namespace

int main() {
  const troupe::Cluster cluster = troupe::Init();
  const auto data = troupe::Put(std::vector<double>(1'000'000, 1.5));
  const double mean = troupe::Get(troupe::Task(Mean).Remote(data));
  std::printf("outside: the mean is %.1f on %s\n", mean,
              cluster.embedded() ? "an embedded cluster" : cluster.address().c_str());
  return mean == 1.5 ? 0 : 1;
}
