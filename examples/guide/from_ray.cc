// The program of docs/from_ray.md.
#include <iostream>
#include <vector>

#include "sdk/troupe.h"

int Square(int x) { return x * x; }

class Total {
 public:
  int Add(int x) { return sum_ += x; }

 private:
  int sum_ = 0;
};

int main() {
  troupe::Cluster cluster = troupe::Init();
  const auto total = troupe::Actor<Total>().Remote();
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 4; ++i)
    refs.push_back(total.Task(&Total::Add).Remote(troupe::Task(Square).Remote(i)));
  std::cout << troupe::Get(refs.back()) << "\n";
}
