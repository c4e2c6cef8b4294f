// The fields of an aggregate with a C array cannot be counted.
#include <array>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
struct Matrix {
  double cells[9] = {};
};
auto Wrong(const Matrix& matrix) { return troupe::Put(matrix); }
#else
struct Matrix {
  std::array<double, 9> cells = {};
};
auto Right(const Matrix& matrix) { return troupe::Put(matrix); }
#endif
