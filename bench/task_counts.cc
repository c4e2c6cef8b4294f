#include "bench/task_counts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>

#include "bench/timing.h"

namespace bench {
namespace {

constexpr const char* kVariable = "TROUPE_BENCH_TASK_COUNTS";

// Of one thread: a cache line each, since they count at the same time.
struct alignas(64) Count {
  std::atomic<pid_t> pid{0};
  std::atomic<int64_t> tasks{0};
};

// Zeroed pages are an empty one. Rows with clusters of their own use up a few of them a run.
struct SharedCounts {
  pid_t driver = 0;
  std::atomic<size_t> used{0};
  std::array<Count, 16'384> counts;
};

SharedCounts* Map(int file) {
  void* memory = mmap(nullptr, sizeof(SharedCounts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  Expect(memory != MAP_FAILED, "memory for counts of tasks");
  return static_cast<SharedCounts*>(memory);
}

// The driver's; null while there is none.
SharedCounts* driver_counts = nullptr;

Count* CountOfThisThread() {
  const char* path = std::getenv(kVariable);
  Expect(path != nullptr, "a task of a program that counts none");
  const troupe::UniqueFd file(open(path, O_RDWR | O_CLOEXEC));
  Expect(static_cast<bool>(file), "the driver's counts of tasks");
  static SharedCounts* const shared = Map(file.get());
  Expect(shared->driver != getpid(), "a task ran in the driver");
  const size_t index = shared->used.fetch_add(1);
  Expect(index < shared->counts.size(), "more threads than there are counts");
  shared->counts[index].pid = getpid();
  return &shared->counts[index];
}

}  // namespace

void CountTask() {
  thread_local Count* own = nullptr;
  if (own == nullptr) own = CountOfThisThread();
  // Nobody else writes it: a locked addition would cost a twentieth of an empty call of a map.
  own->tasks.store(own->tasks.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

TaskCounts::TaskCounts() : file_(memfd_create("task-counts", MFD_CLOEXEC)) {
  Expect(file_ && ftruncate(file_.get(), sizeof(SharedCounts)) == 0, "a file for counts of tasks");
  driver_counts = Map(file_.get());
  driver_counts->driver = getpid();
  const std::string path =
      "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_.get());
  Expect(setenv(kVariable, path.c_str(), 1) == 0, "the environment");
}

TaskCounts::~TaskCounts() {
  unsetenv(kVariable);
  munmap(driver_counts, sizeof(SharedCounts));
  driver_counts = nullptr;
}

std::map<pid_t, int64_t> TaskCounts::OfEachProcess() {
  std::map<pid_t, int64_t> tasks;
  if (driver_counts == nullptr) return tasks;
  for (size_t i = 0; i < driver_counts->used.load(); ++i) {
    const Count& count = driver_counts->counts[i];
    if (const pid_t pid = count.pid.load(); pid != 0) tasks[pid] += count.tasks.load();
  }
  return tasks;
}

}  // namespace bench
