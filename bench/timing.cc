#include "bench/timing.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace bench {

double Seconds(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Rate(int64_t operations, const std::function<void()>& f) {
  return static_cast<double>(operations) / Seconds(f);
}

void Expect(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "bench: the work was not done: %s\n", what);
  std::exit(1);
}

}  // namespace bench
