// A future belongs to one process; an ObjectRef is one that travels.
#include <future>
#include <utility>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
int Twice(std::future<int> x);
auto Wrong(std::future<int> x) { return troupe::Task(Twice).Remote(std::move(x)); }
#else
int Twice(int x);
auto Right(const troupe::ObjectRef<int>& x) { return troupe::Task(Twice).Remote(x); }
#endif
