// Which member is set, nobody knows.
#include <variant>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Reading {
  int sensor = 0;
  union {
    int count;
    float level;
  };
};
auto Wrong(const Reading& reading) { return troupe::Put(reading); }
#else
struct Reading {
  int sensor = 0;
  std::variant<int, float> value;
};
auto Right(const Reading& reading) { return troupe::Put(reading); }
#endif
