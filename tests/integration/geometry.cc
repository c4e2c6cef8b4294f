// A shared object that programs call by value, in the version that the build gives it.
#include <stdexcept>
#include <string>
#include <vector>

#include "sdk/troupe.h"

// With the name that shared_code_test gives a function of its own.
std::string WhoseIsThis() { return "the shared object's"; }

namespace {

double Area(double width, double height) { return width * height; }
int Version() { return TROUPE_TEST_VERSION; }
int Calls() {
  static int calls = 0;
  return ++calls;
}
double Sum(const std::vector<double>& xs) {
  double sum = 0;
  for (const double x : xs) sum += x;
  return sum;
}
double Scaled(double factor, double x) { return factor * x; }
struct Square {
  double side = 0;
  double Area() const { return side * side; }
};
double AreaOf(const Square& square) { return square.Area(); }
int Throws() { throw std::out_of_range("there is no such side"); }
troupe::Generator<int> CountTo(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}
std::string AskWhoseThisIs() { return WhoseIsThis(); }
int InATaskOfItsOwn() { return troupe::Get(troupe::Task(Version).Remote()); }

[[maybe_unused]] const bool registered[] = {
    troupe::RegisterFunction("geometry.area", Area),
    troupe::RegisterFunction("geometry.version", Version),
    troupe::RegisterFunction("geometry.calls", Calls),
    troupe::RegisterFunction("geometry.sum", Sum),
    troupe::RegisterFunction("geometry.scaled", troupe::Bind(Scaled, 3.0)),
    troupe::RegisterFunction("geometry.area_of", AreaOf),
    troupe::RegisterFunction("geometry.throws", Throws),
    troupe::RegisterFunction("geometry.count_to", CountTo),
    troupe::RegisterFunction("geometry.whose", AskWhoseThisIs),
    troupe::RegisterFunction("geometry.in_a_task_of_its_own", InATaskOfItsOwn),
};

}  // namespace
