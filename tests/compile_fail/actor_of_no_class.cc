// An actor is an object of a class.
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
auto Wrong() { return troupe::Actor<int>(10).Remote(); }
#else
auto Right() { return troupe::Actor<Counter>(10).Remote(); }
#endif
