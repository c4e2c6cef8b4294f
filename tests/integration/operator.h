// What the program of a cluster's operator (operator.cc) and its callers both know.
#ifndef TROUPE_TESTS_INTEGRATION_OPERATOR_H_
#define TROUPE_TESTS_INTEGRATION_OPERATOR_H_

#include "sdk/troupe.h"

namespace troupe::testing {

class Till {
 public:
  int Add(int by) { return n_ += by; }

 private:
  int n_ = 0;
};

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_OPERATOR_H_
