// A program outside Troupe's repository: it builds against it by path, and runs.
#include <cstdio>

#include "core/base/resource_set.h"

int main() {
  const troupe::ResourceSet none;
  std::printf("outside: built against %zu bytes of ResourceSet\n", sizeof(none));
  return 0;
}
