// A derived class that adds no field has those of its base.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Shape {
  int colour = 0;
};
struct Square : Shape {};
auto Wrong(const Square& square) { return troupe::Put(square); }
#else
struct Shape {
  int colour = 0;
};
auto Right(const Shape& shape) { return troupe::Put(shape); }
#endif
