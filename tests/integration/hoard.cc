// Keeps a value of 3 MB and a result of 2 MB of the task Hoard until its input ends: what
// cluster_test.sh looks at from outside.
#include <cstdio>
#include <string>
#include <vector>

#include "sdk/troupe.h"

std::string Hoard(size_t size) { return std::string(size, 'x'); }

int main() {
  const troupe::Cluster cluster = troupe::Init();
  const troupe::ObjectRef<std::string> put = troupe::Put(std::string(3'000'000, 'y'));
  const troupe::ObjectRef<std::string> made = troupe::Task(Hoard).Remote(2'000'000);
  (void)troupe::Wait(std::vector{made});
  std::printf("ready\n");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
