// The receiver makes a value and then fills it.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Reading {
  const int sensor = 0;
  double value = 0;
};
auto Wrong(const Reading& reading) { return troupe::Put(reading); }
#else
struct Reading {
  int sensor = 0;
  double value = 0;
};
auto Right(const Reading& reading) { return troupe::Put(reading); }
#endif
