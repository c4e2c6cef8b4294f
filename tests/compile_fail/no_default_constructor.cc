// A value is made by default, and filled from its bytes.
#include "sdk/troupe.h"

class Celsius {
 public:
  explicit Celsius(double degrees) : degrees_(degrees) {}
#ifdef TROUPE_COMPILE_OK
  Celsius() = default;
#endif
  template <class Archive>
  void serialize(Archive& archive) {
    archive(degrees_);
  }

 private:
  double degrees_ = 0;
};
Celsius Measure();

auto Use() { return troupe::Task(Measure).Remote(); }
