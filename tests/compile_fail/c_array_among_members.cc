// The fields of an aggregate with a C array cannot be counted.
#include <array>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Reading {
  int sensor = 0;
  double samples[4] = {};
  int unit = 0;
};
auto Wrong(const Reading& reading) { return troupe::Put(reading); }
#else
struct Reading {
  int sensor = 0;
  std::array<double, 4> samples = {};
  int unit = 0;
};
auto Right(const Reading& reading) { return troupe::Put(reading); }
#endif
