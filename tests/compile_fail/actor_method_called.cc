// A method of an actor is sent by Remote, too.
#include "sdk/troupe.h"

struct Counter {
  int Add(int by);
};

void Program(const troupe::ActorHandle<Counter>& counter) {
#ifndef TROUPE_COMPILE_OK
  (void)counter.Task (&Counter::Add)(1);
#else
  (void)counter.Task(&Counter::Add).Remote(1);
#endif
}
