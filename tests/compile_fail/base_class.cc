// The fields of an aggregate with a base class cannot be named.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Shape {
  int colour = 0;
};
struct Circle : Shape {
  double radius = 0;
};
auto Wrong(const Circle& circle) { return troupe::Put(circle); }
#else
struct Shape {
  int colour = 0;
};
struct Circle : Shape {
  double radius = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(colour, radius);
  }
};
auto Right(const Circle& circle) { return troupe::Put(circle); }
#endif
