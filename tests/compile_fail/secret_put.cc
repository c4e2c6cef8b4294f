// A secret stays in its process; where it is to be found may travel.
#include <string>

#include "sdk/troupe.h"

void Program() {
#ifndef TROUPE_COMPILE_OK
  (void)troupe::Put(troupe::Secret<std::string>("hunter2"));
#else
  (void)troupe::Put(troupe::SecretRef("env:PASSWORD"));
#endif
}
