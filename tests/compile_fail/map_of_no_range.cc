// Map takes the function first, and then the range.
#include <vector>

#include "sdk/troupe.h"

int Square(int x);

void Program(const std::vector<int>& numbers) {
#ifndef TROUPE_COMPILE_OK
  (void)troupe::Map(numbers, Square);
#else
  (void)troupe::Map(Square, numbers);
#endif
}
