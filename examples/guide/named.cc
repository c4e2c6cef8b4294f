// The programs of docs/guide.md: functions by name.
#include <cstdio>

#include "sdk/troupe.h"

namespace {

double Area(double width, double height) { return width * height; }

class Counter {
 public:
  int Add(int by) { return n_ += by; }

 private:
  int n_ = 0;
};

// At namespace scope, since workers never reach main.
[[maybe_unused]] const bool registered[] = {
    troupe::RegisterFunction("geometry.area", Area),
    troupe::RegisterFunction("Counter.Add", &Counter::Add),
};

void CallsByName() {
  const troupe::ObjectRef<double> area =
      troupe::CallNamed<double(double, double)>("geometry.area").Remote(2.0, 3.0);
  std::printf("the area is %g\n", troupe::Get(area));
  const auto counter = troupe::Actor<Counter>().Remote();
  (void)counter.Task(&Counter::Add).Remote(1);  // by the method: of the same build alone
  const troupe::ObjectRef<int> two = counter.CallNamed<int(int)>("Counter.Add").Remote(1);
  std::printf("the counter is at %d\n", troupe::Get(two));
}

}  // namespace

int main() {
  const troupe::Cluster cluster = troupe::Init();
  CallsByName();
}
