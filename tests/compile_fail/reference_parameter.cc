// What a task changes must be returned: its argument is a copy.
#include <vector>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
void Sort(std::vector<int>& xs);
auto Wrong(std::vector<int> xs) { return troupe::Task(Sort).Remote(xs); }
#else
std::vector<int> Sorted(const std::vector<int>& xs);
auto Right(const std::vector<int>& xs) { return troupe::Task(Sorted).Remote(xs); }
#endif
