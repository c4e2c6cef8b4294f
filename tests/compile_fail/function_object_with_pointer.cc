// A function object travels by its fields.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Scale {
  const double* factor;
  double operator()(double x) const { return *factor * x; }
};
auto Wrong(const double* factor) { return troupe::Task(Scale{factor}).Remote(2.0); }
#else
struct Scale {
  double factor;
  double operator()(double x) const { return factor * x; }
};
auto Right(const double* factor) { return troupe::Task(Scale{*factor}).Remote(2.0); }
#endif
