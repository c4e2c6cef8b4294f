// An actor does not travel: its handle does.
#include "sdk/troupe.h"

class Counter {
 public:
  explicit Counter(int start) : sum_(start) {}
  int Add(int n) { return sum_ += n; }
  void Into(int& sum) const { sum = sum_; }
  const int* At() const { return &sum_; }
  int Take() && { return sum_; }
  int sum() const { return sum_; }

 private:
  int sum_;
};

#ifndef TROUPE_COMPILE_OK
auto Wrong(const Counter& counter) { return troupe::Put(counter); }
#else
auto Right(const troupe::ActorHandle<Counter>& counter) { return troupe::Put(counter); }
#endif
