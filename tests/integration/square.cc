// The smallest program: what cluster_test.sh runs on clusters that were there before it.
#include <cstdio>

#include "sdk/troupe.h"

int Square(int x) { return x * x; }

int main() {
  const troupe::Cluster cluster = troupe::Init();
  std::printf("%d\n", troupe::Get(troupe::Task(Square).Remote(3)));
}
