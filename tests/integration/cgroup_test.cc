// A cluster in a memory cgroup of its own. `.ci/run cgroup`, as root: a cgroup is nothing that
// every machine can give to a test.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sdk/troupe.h"
#include "tests/integration/memory_group.h"
#include "tests/integration/processes.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

// So much, piece by piece, and keeps it until it is killed.
size_t Keep(size_t bytes) {
  std::vector<std::vector<char>> pieces;
  while (pieces.size() * kMiB < bytes) pieces.emplace_back(kMiB, 'x');
  while (!troupe::CurrentTask().stop_token().stop_requested()) std::this_thread::yield();
  return pieces.size();
}
// All at once, in the kernel.
bool TakeAtOnce(size_t bytes) {
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
              -1, 0) != MAP_FAILED;
}
int Square(int x) { return x * x; }

// Runs `program` in a process of that cgroup; its exit code.
template <typename F>
int RunIn(const troupe::testing::MemoryGroup& group, F program) {
  const pid_t child = fork();
  if (child == 0) {
    group.Enter();
    _exit(program());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// 0 where the task fails with OutOfMemory, whose text has `expected`, and the cluster goes on.
template <typename F>
int ExpectOutOfMemory(F task, size_t bytes, const std::string& expected) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 2, .object_store_memory = int64_t{8} << 20});
  try {
    (void)troupe::Get(troupe::Task(task).Options({.max_retries = 0}).Remote(bytes));
    return 1;
  } catch (const troupe::OutOfMemory& e) {
    std::fprintf(stderr, "%s\n", e.what());
    if (std::string(e.what()).find(expected) == std::string::npos) return 2;
  } catch (const troupe::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 3;
  }
  return troupe::Get(troupe::Task(Square).Remote(3)) == 9 ? 0 : 4;
}

class Cgroup : public testing::Test {
 protected:
  void Make(size_t limit_bytes) {
    group_.emplace(limit_bytes);
    ASSERT_TRUE(group_->made()) << "no memory cgroup can be made: are you root?";
  }
  void TearDown() override {
    // The last of its processes may be on their way out.
    EXPECT_TRUE(
        troupe::testing::BecomesTrue([this] { return group_->Remove(); }, std::chrono::seconds(10)))
        << "a process is left in it";
  }
  std::optional<troupe::testing::MemoryGroup> group_;
};

TEST_F(Cgroup, OfWhichATaskTakesTooMuch) {
  Make(512 * kMiB);
  // 97 % of it, with what the cluster itself has: less than the kernel would kill for.
  EXPECT_EQ(
      RunIn(*group_,
            [] { return ExpectOutOfMemory(Keep, 495 * kMiB, "of 512.0 MiB that the machine"); }),
      0);
}

// 0 where a store larger than the cgroup is refused, and one that is not asked for fits into it.
int ExpectTheStoreToFit(size_t limit) {
  try {
    const troupe::Cluster cluster =
        troupe::Init({.workers = 1, .object_store_memory = static_cast<int64_t>(2 * limit)});
    return 1;
  } catch (const troupe::InvalidArgument& e) {
    std::fprintf(stderr, "%s\n", e.what());
    if (std::string(e.what()).find("ask for less") == std::string::npos) return 2;
  }
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const uint64_t cap = troupe::Memory(0).cap_bytes;
  if (cap > limit * 3 / 10 || cap < limit * 3 / 10 - 4096) return 3;
  std::vector<troupe::ObjectRef<troupe::Array<uint8_t>>> refs;
  for (size_t i = 0; i < 2 * cap / kMiB; ++i) {
    try {
      troupe::Builder<uint8_t> builder = troupe::Create<uint8_t>(kMiB);
      std::fill_n(builder.data(), kMiB, static_cast<uint8_t>(i));
      refs.push_back(builder.Seal());
    } catch (const troupe::ResourceExhausted& e) {
      std::fprintf(stderr, "%s\n", e.what());
      break;
    }
  }
  if (refs.size() * kMiB < cap * 8 / 10 || refs.size() * kMiB > cap) return 4;
  for (size_t i = 0; i < refs.size(); ++i) {
    const troupe::Array<uint8_t> bytes = troupe::Get(refs[i]);
    if (std::count(bytes.data(), bytes.data() + kMiB, static_cast<uint8_t>(i)) !=
        static_cast<ptrdiff_t>(kMiB)) {
      return 5;
    }
  }
  return 0;
}

TEST_F(Cgroup, InWhichTheStoreHasItsShare) {
  constexpr size_t kLimit = 96 * kMiB;
  Make(kLimit);
  EXPECT_EQ(RunIn(*group_, [] { return ExpectTheStoreToFit(kLimit); }), 0);
}

TEST_F(Cgroup, WhoseMemoryIsGoneAtOnce) {
  Make(96 * kMiB);
  // The cluster may happen to look in the last moment, and be faster than the kernel.
  int code = 2;
  for (int i = 0; i < 5 && code == 2; ++i)
    code =
        RunIn(*group_, [] { return ExpectOutOfMemory(TakeAtOnce, 1'024 * kMiB, "by the kernel"); });
  EXPECT_EQ(code, 0);
}

}  // namespace
