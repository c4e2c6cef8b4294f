// What a constructor takes travels to another process.
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
struct Log {
  explicit Log(Counter* sink);
};
auto Wrong(Counter* sink) { return troupe::Actor<Log>(sink).Remote(); }
#else
struct Log {
  explicit Log(troupe::ActorHandle<Counter> sink);
};
auto Right(const troupe::ActorHandle<Counter>& counter) {
  return troupe::Actor<Log>(counter).Remote();
}
#endif
