// Fields are named up to a bound.
#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Wide {
  int f0, f1, f2, f3, f4, f5, f6, f7;
  int f8, f9, f10, f11, f12, f13, f14, f15;
  int f16, f17, f18, f19, f20, f21, f22, f23;
  int f24, f25, f26, f27, f28, f29, f30, f31;
  int f32;
};
auto Wrong(const Wide& wide) { return troupe::Put(wide); }
#else
struct Wide {
  int f0, f1, f2, f3, f4, f5, f6, f7;
  int f8, f9, f10, f11, f12, f13, f14, f15;
  int f16, f17, f18, f19, f20, f21, f22, f23;
  int f24, f25, f26, f27, f28, f29, f30, f31;
};
auto Right(const Wide& wide) { return troupe::Put(wide); }
#endif
