#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "bench/limits.h"
#include "bench/rows.h"
#include "core/base/clock.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

constexpr absl::Duration kTimeout = absl::Milliseconds(50);
constexpr absl::Duration kGrace = absl::Milliseconds(50);
constexpr int64_t kMemoryLimit = int64_t{256} << 20;

double MillisSince(int64_t nanos) {
  return static_cast<double>(troupe::MonotonicNanos() - nanos) / 1e6;
}

// When a process was last known to live: a word of memory that the driver shares with a worker,
// which cannot return anything any more.
class LastSign {
 public:
  // The driver's, in a file of no name; the path by which a worker of this program reaches it.
  LastSign() : file_(memfd_create("last-sign", MFD_CLOEXEC)) {
    Expect(file_ >= 0 && ftruncate(file_, kBytes) == 0, "memory for a sign of life");
    Map();
  }
  // The worker's.
  explicit LastSign(const std::string& path) : file_(open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    Expect(file_ >= 0, "the driver's memory");
    Map();
  }
  ~LastSign() {
    munmap(nanos_, kBytes);
    close(file_);
  }
  LastSign(const LastSign&) = delete;
  LastSign& operator=(const LastSign&) = delete;

  std::string path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_);
  }
  void Give() const { nanos_->store(troupe::MonotonicNanos()); }
  int64_t nanos() const { return nanos_->load(); }

 private:
  static constexpr size_t kBytes = sizeof(std::atomic<int64_t>);

  void Map() {
    void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
    Expect(memory != MAP_FAILED, "mmap");
    nanos_ = static_cast<std::atomic<int64_t>*>(memory);
  }

  int file_;
  std::atomic<int64_t>* nanos_ = nullptr;
};

// --- The ways to die, each of which gives a sign just before.

int Segfault(const std::string& path) {
  const LastSign sign(path);
  sign.Give();
  raise(SIGSEGV);
  return 0;
}

int ExitWithThree(const std::string& path) {
  const LastSign sign(path);
  sign.Give();
  _exit(3);
}

int ThrowOnAThread(const std::string& path) {
  const LastSign sign(path);
  std::thread([&] {
    sign.Give();
    throw std::runtime_error("nobody catches it");
  }).join();
  return 0;
}

// A piece is as much as is written within half a millisecond.
int TakeAllMemory(const std::string& path) {
  const LastSign sign(path);
  std::vector<std::vector<char>> pieces;
  for (;;) {
    pieces.emplace_back(size_t{1} << 18, 'x');
    sign.Give();
  }
}

int Spin() {
  for (volatile uint64_t i = 0;;) i = i + 1;
}

int64_t Now() { return troupe::MonotonicNanos(); }

int SpinFor50Ms(int item) {
  const int64_t end = troupe::MonotonicNanos() + 50'000'000;
  while (troupe::MonotonicNanos() < end) {
  }
  return item;
}

// From a worker's death to the error at its caller.
template <typename E>
double MillisFromDeathToError(int (*die)(const std::string&), const std::string& cause) {
  const LastSign sign;
  const auto dead = troupe::Task(die).Options({.max_retries = 0}).Remote(sign.path());
  try {
    (void)troupe::Get(dead);
  } catch (const E& error) {
    const double millis = MillisSince(sign.nanos());
    Expect(std::string(error.what()).find(cause) != std::string::npos, error.what());
    return millis;
  }
  Expect(false, "a death");
  return 0;
}

struct Deadline {
  double error_millis = 0;  // after it, at the caller
  double slot_millis = 0;   // after it and the grace: the next task of these CPUs has begun
};

// A task that has every CPU and listens to nobody.
Deadline MeasureDeadline(int workers) {
  const double cpus = workers;
  (void)troupe::Get(troupe::Task(Now).Options({.cpus = cpus}).Remote());  // a worker is there
  const int64_t deadline = troupe::MonotonicNanos() + absl::ToInt64Nanoseconds(kTimeout);
  const auto deaf =
      troupe::Task(Spin).Options({.cpus = cpus, .timeout = kTimeout, .grace = kGrace}).Remote();
  const auto next = troupe::Task(Now).Options({.cpus = cpus}).Remote();
  Deadline late;
  try {
    (void)troupe::Get(deaf);
    Expect(false, "a deadline");
  } catch (const troupe::DeadlineExceeded&) {
    late.error_millis = MillisSince(deadline);
  }
  const int64_t killed = deadline + absl::ToInt64Nanoseconds(kGrace);
  late.slot_millis = static_cast<double>(troupe::Get(next) - killed) / 1e6;
  return late;
}

// Of ten calls a worker, which take half a second.
double MapWithTimeout(int workers) {
  std::vector<int> items(10 * static_cast<size_t>(workers));
  const int64_t begin = troupe::MonotonicNanos();
  try {
    (void)troupe::Map(SpinFor50Ms, items, {.timeout = absl::Milliseconds(200)}).ToVector();
    Expect(false, "a timeout");
  } catch (const troupe::DeadlineExceeded&) {
  }
  return MillisSince(begin);
}

// What it measures, and what its whole course costs: one operation.
Report::Measure WithCosts(const std::function<double()>& measure) {
  return [measure](Meter& meter) {
    double measured = 0;
    meter.Time(1, [&] { measured = measure(); });
    return measured;
  };
}

}  // namespace

void AddTimeRows(Report& report) {
  const int workers = report.flags().workers;
  const troupe::Cluster cluster = troupe::Init(
      {.workers = workers, .object_store_memory = int64_t{64} << 20, .memory_limit = kMemoryLimit});
  report.Row("deadline_to_error", "ms",
             WithCosts([&] { return MeasureDeadline(workers).error_millis; }), AtMost(5));
  report.Row("deadline_and_grace_to_next_task", "ms",
             WithCosts([&] { return MeasureDeadline(workers).slot_millis; }), AtMost(5));
  using troupe::WorkerCrashed;
  report.Row("sigsegv_to_error", "ms",
             WithCosts([] { return MillisFromDeathToError<WorkerCrashed>(Segfault, "SIGSEGV"); }),
             AtMost(20));
  report.Row("exit_to_error", "ms", WithCosts([] {
               return MillisFromDeathToError<WorkerCrashed>(ExitWithThree, "exited with code 3");
             }),
             AtMost(20));
  report.Row("uncaught_exception_to_error", "ms", WithCosts([] {
               return MillisFromDeathToError<WorkerCrashed>(ThrowOnAThread, "nobody catches it");
             }),
             AtMost(20));
  report.Row("out_of_memory_to_error", "ms", WithCosts([] {
               return MillisFromDeathToError<troupe::OutOfMemory>(TakeAllMemory, "memory_limit");
             }),
             AtMost(20));
  report.Row("map_with_timeout_200ms", "ms", WithCosts([&] { return MapWithTimeout(workers); }),
             AtMost(250));
}

}  // namespace bench
