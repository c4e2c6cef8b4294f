// The program of docs/guide.md that calls a shared object's functions: their code travels by value.
#include <cstdio>
#include <filesystem>
#include <string>

#include "sdk/troupe.h"

namespace {

void CallsByValue(const std::string& file) {
  const troupe::SharedCode geometry(file);  // libgeometry.so
  const troupe::ObjectRef<double> area =
      geometry.CallNamed<double(double, double)>("geometry.area").Remote(2.0, 3.0);
  std::printf("by value, the area is %g\n", troupe::Get(area));
}

}  // namespace

int main() {
  const troupe::Cluster cluster = troupe::Init();
  // Bazel makes it beside the program.
  CallsByValue(std::filesystem::read_symlink("/proc/self/exe").replace_filename("libgeometry.so"));
}
