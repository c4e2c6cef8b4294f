#include <sys/mman.h>
#include <time.h>
#include <uv.h>

#include <chrono>
#include <thread>

namespace troupe::testdata {

void EverythingForbidden() {
  uv_loop_t loop;
  uv_loop_init(&loop);
  std::thread([] {}).join();
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const auto start = std::chrono::steady_clock::now();
  mmap(nullptr, static_cast<size_t>(start.time_since_epoch().count()), PROT_READ, MAP_PRIVATE, -1,
       0);
}

}  // namespace troupe::testdata
