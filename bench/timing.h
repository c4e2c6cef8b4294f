// How long something takes, and the end of a benchmark whose work was not done.
#ifndef TROUPE_BENCH_TIMING_H_
#define TROUPE_BENCH_TIMING_H_

#include <cstdint>
#include <functional>

namespace bench {

double Seconds(const std::function<void()>& f);
// Operations per second of `operations` in `f`.
double Rate(int64_t operations, const std::function<void()>& f);
// Ends the program where the work was not done.
void Expect(bool done, const char* what);

}  // namespace bench

#endif  // TROUPE_BENCH_TIMING_H_
