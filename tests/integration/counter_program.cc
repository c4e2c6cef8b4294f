// An actor and who calls it, built twice: foreign_build_test.sh has one build call the actor of the
// other.
#include <cstdio>
#include <string>

#include "sdk/troupe.h"

class Counter {
 public:
  int Add(int by) { return n_ += by; }

 private:
  int n_ = 0;
};
[[maybe_unused]] const bool registered = troupe::RegisterFunction("Counter.Add", &Counter::Add);

// What makes one build differ from the other.
const char* Build() { return TROUPE_TEST_BUILD; }

int main(int argc, char** argv) {
  const troupe::Cluster cluster = troupe::Init();
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "make") {
    const auto made =
        troupe::Actor<Counter>().Options({.name = "counter", .detached = true}).Remote();
    std::printf("%s made it: %d\n", Build(), troupe::Get(made.Task(&Counter::Add).Remote(1)));
    return 0;
  }
  const auto found = troupe::FindActor<Counter>("counter");
  const int n = what == "named" ? troupe::Get(found.CallNamed<int(int)>("Counter.Add").Remote(1))
                                : troupe::Get(found.Task(&Counter::Add).Remote(1));
  std::printf("%s counts %d\n", Build(), n);
}
