// SharedCounters are numbers that processes count together, in a file: in which order things
// happened, or how many at the same time, whatever the clock says.
//
//   const SharedCounters counters(path);      // in each of them; 0 where the file is new
//   const int64_t turn = counters[0]++;
//
// Thread-safe.
#ifndef TROUPE_TESTS_INTEGRATION_SHARED_COUNTERS_H_
#define TROUPE_TESTS_INTEGRATION_SHARED_COUNTERS_H_

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace troupe::testing {

class SharedCounters {
 public:
  static constexpr size_t kCount = 8;

  explicit SharedCounters(const std::string& path) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void* memory = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, kBytes) == 0)
      memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) std::abort();
    close(fd);
    counters_ = static_cast<Counter*>(memory);
  }
  ~SharedCounters() { munmap(counters_, kBytes); }
  SharedCounters(const SharedCounters&) = delete;
  SharedCounters& operator=(const SharedCounters&) = delete;

  std::atomic<int64_t>& operator[](size_t i) const { return counters_[i]; }

 private:
  using Counter = std::atomic<int64_t>;
  static_assert(Counter::is_always_lock_free);
  static constexpr size_t kBytes = kCount * sizeof(Counter);
  Counter* counters_ = nullptr;
};

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_SHARED_COUNTERS_H_
