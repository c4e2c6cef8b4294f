// The fields of a class with private ones cannot be seen.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
class Account {
 public:
  explicit Account(double balance = 0) : balance_(balance) {}

 private:
  double balance_;
};
auto Wrong(const Account& account) { return troupe::Put(account); }
#else
class Account {
 public:
  explicit Account(double balance = 0) : balance_(balance) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(balance_);
  }

 private:
  double balance_;
};
auto Right(const Account& account) { return troupe::Put(account); }
#endif
