#include <iostream>

#include "sdk/troupe.h"

int Square(int x) { return x * x; }

int main() {
  troupe::Cluster cluster = troupe::Init();
  troupe::ObjectRef<int> nine = troupe::Task(Square).Remote(3);
  std::cout << troupe::Get(nine) << "\n";
}
