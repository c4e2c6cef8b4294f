// A mutex belongs to one process.
#include <mutex>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
int Count(const std::mutex& mutex);
auto Wrong(const std::mutex& mutex) { return troupe::Task(Count).Remote(mutex); }
#else
class Counter {
 public:
  int Add(int n) { return sum_ += n; }

 private:
  int sum_ = 0;
};
auto Right() { return troupe::Actor<Counter>().Remote().Task(&Counter::Add).Remote(1); }
#endif
