// A thread belongs to one process.
#include <thread>
#include <utility>

#include "sdk/troupe.h"

#ifndef TROUPE_COMPILE_OK
void Join(std::thread thread);
auto Wrong(std::thread thread) { return troupe::Task(Join).Remote(std::move(thread)); }
#else
void Use(int result);
auto Right() {
  const troupe::ObjectRef<int> running = troupe::Task([] { return 42; }).Remote();
  return troupe::Task(Use).Remote(running);
}
#endif
