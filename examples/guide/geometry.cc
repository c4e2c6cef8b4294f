// The shared object of docs/guide.md: code that did not exist when the program was linked.
#include "sdk/troupe.h"

namespace {

double Area(double width, double height) { return width * height; }

// Compiled to libgeometry.so.
[[maybe_unused]] const bool registered = troupe::RegisterFunction("geometry.area", Area);

}  // namespace
