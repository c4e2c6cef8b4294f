// A type has the problem of its fields, however deep.
#include <memory>
#include <mutex>
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Account {
  double balance = 0;
  std::vector<std::shared_ptr<std::mutex>> locks;
};
auto Wrong(const Account& account) { return troupe::Put(account); }
#else
struct Account {
  double balance = 0;
};
auto Right(const Account& account) { return troupe::Put(account); }
#endif
