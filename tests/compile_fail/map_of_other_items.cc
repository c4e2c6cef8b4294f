// The function of a Map takes the items of the range.
#include <string>
#include <vector>

#include "sdk/troupe.h"

int Square(int x) { return x * x; }

void Program(const std::vector<std::string>& words, const std::vector<int>& numbers) {
#ifndef TROUPE_COMPILE_OK
  (void)troupe::Map(Square, words);
  (void)numbers;
#else
  (void)troupe::Map(Square, numbers);
  (void)words;
#endif
}
