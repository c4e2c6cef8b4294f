// The program of a cluster's operator: its registered functions are what others may call.
#include "tests/integration/operator.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "sdk/troupe.h"

namespace troupe::testing {
namespace {

double Area(double width, double height) { return width * height; }
std::string Executable() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : "";
}
std::string Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}
int Twice(int x) { return 2 * x; }
// Code of its own: it may name that as it likes.
int TwiceElsewhere(int x) { return troupe::Get(troupe::Task(Twice).Remote(x)); }
troupe::ActorHandle<Till> OpenTill() { return troupe::Actor<Till>().Remote(); }

[[maybe_unused]] const bool registered[] = {
    troupe::RegisterFunction("operator.area", Area),
    troupe::RegisterFunction("operator.executable", Executable),
    troupe::RegisterFunction("operator.variable", Variable),
    troupe::RegisterFunction("operator.twice_elsewhere", TwiceElsewhere),
    troupe::RegisterFunction("operator.open_till", OpenTill),
    troupe::RegisterFunction("Till.Add", &Till::Add),
};

}  // namespace
}  // namespace troupe::testing

// It is only ever a worker.
int main() { return 0; }
