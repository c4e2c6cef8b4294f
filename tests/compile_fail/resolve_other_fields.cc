// Field by field: the struct of references has as many as the struct of values.
#include "sdk/troupe.h"

struct References {
  troupe::ObjectRef<int> a;
};
struct Values {
  int a = 0;
  int b = 0;
};
struct Whole {
  int a = 0;
};
int Sum(const Values& values) { return values.a + values.b; }
int One(const Whole& whole) { return whole.a; }

void Program(const References& references) {
#ifndef TROUPE_COMPILE_OK
  (void)troupe::Task(Sum).Remote(troupe::Resolve(references));
#else
  (void)troupe::Task(One).Remote(troupe::Resolve(references));
#endif
}
