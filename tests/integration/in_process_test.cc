// What an in-process cluster has of its own: threads instead of processes, and what that means for
// statics, kills, memory and ends. That all else is as elsewhere is shown by the other tests of
// this folder, which run in both modes.
#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/conditions.h"

namespace {

using troupe::testing::Eventually;

// Of this process: driver and tasks see the same.
std::atomic<int> started_workers{0};
std::atomic<int> begun{0};
std::atomic<bool> gate_is_open{false};
std::atomic<int> ended{0};

int Square(int x) { return x * x; }
int Tid() { return gettid(); }
// Looks at nothing but the gate: a thread that no kill can reach.
int Deaf(int x) {
  ++begun;
  while (!gate_is_open) std::this_thread::yield();
  ++ended;
  return x;
}
// Ends as soon as somebody asks it to.
int Listening() {
  ++begun;
  const std::stop_token stop = troupe::CurrentTask().stop_token();
  while (!stop.stop_requested()) std::this_thread::yield();
  ++ended;
  return 0;
}

int EntriesOf(const char* path) {
  DIR* const directory = opendir(path);
  int entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  return entries;
}
int Threads() { return EntriesOf("/proc/self/task"); }
int Descriptors() { return EntriesOf("/proc/self/fd"); }

class InProcess : public testing::Test {
 protected:
  void SetUp() override {
    begun = 0;
    ended = 0;
    gate_is_open = false;
  }
  static troupe::Cluster Start(int workers = 2) {
    return troupe::Init(
        {.in_process = true, .workers = workers, .object_store_memory = int64_t{64} << 20});
  }
};

TEST_F(InProcess, WorkersAreThreadsOfThisProcess) {
  const troupe::Cluster cluster = Start();
  EXPECT_TRUE(cluster.in_process());
  EXPECT_TRUE(cluster.embedded());
  EXPECT_EQ(cluster.cpus(), 2);
  EXPECT_EQ(troupe::Get(troupe::Task([] { return getpid(); }).Remote()), getpid());
  EXPECT_NE(troupe::Get(troupe::Task(Tid).Remote()), gettid());
  begun = 40;
  EXPECT_EQ(troupe::Get(troupe::Task([] { return begun += 2; }).Remote()), 42);
  EXPECT_EQ(begun, 42);
}

TEST_F(InProcess, IsNotAnotherCluster) {
  try {
    (void)troupe::Init({.address = "unix:/run/node.sock", .in_process = true});
    FAIL() << "no error";
  } catch (const troupe::InvalidArgument& e) {
    EXPECT_NE(std::string(e.what()).find("unix:/run/node.sock"), std::string::npos) << e.what();
  }
  EXPECT_THROW((void)troupe::Init({.address = "embedded", .in_process = true}),
               troupe::InvalidArgument);
  EXPECT_FALSE(troupe::IsInitialized());
}

TEST_F(InProcess, AThousandClustersLeaveNoThreadAndNoDescriptor) {
  {
    const troupe::Cluster cluster = Start(1);  // libuv's threads stay, once they have begun
    (void)troupe::Get(troupe::Put(std::vector<int>(1'000'000, 1)));
    EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(2)), 4);
  }
  const int threads = Threads();
  const int descriptors = Descriptors();
  for (int i = 0; i < 1000; ++i) {
    const troupe::Cluster cluster = Start(1);
    if (i % 2 == 0) {
      ASSERT_EQ(troupe::Get(troupe::Task(Square).Remote(i)), i * i);
    }
  }
  EXPECT_TRUE(Eventually([&] { return Threads() == threads; })) << Threads() << " of " << threads;
  EXPECT_EQ(Descriptors(), descriptors);
}

// Whoever submits from a task does so in that worker's name: its waits lend the CPU.
int Nested(int depth) {
  if (depth == 0) return 1;
  return 1 + troupe::Get(troupe::Task(Nested).Remote(depth - 1));
}

TEST_F(InProcess, NestedTasksLendTheirCpu) {
  const troupe::Cluster cluster = Start(1);
  EXPECT_EQ(troupe::Get(troupe::Task(Nested).Remote(10)), 11);
}

TEST_F(InProcess, AThreadThatATaskStartsSeesTheDriversCluster) {
  const troupe::Cluster cluster = Start();
  const auto task = troupe::Task([] {
    int result = 0;
    std::thread([&] { result = troupe::Get(troupe::Task(Square).Remote(5)); }).join();
    return result;
  });
  EXPECT_EQ(troupe::Get(task.Remote()), 25);
  // So does a callback on what a task waits for.
  const auto then = troupe::Task([] {
    const auto nine = troupe::Task(Square).Remote(3);
    return troupe::Get(troupe::Then(nine, [](int x) { return x + troupe::Get(troupe::Put(1)); }));
  });
  EXPECT_EQ(troupe::Get(then.Remote()), 10);
}

[[maybe_unused]] const bool counts_workers = [] {
  troupe::OnWorkerStart([] {
    ++started_workers;
    (void)troupe::Get(troupe::Put(1));  // the worker's cluster is there
  });
  return true;
}();

int Meet(int others) {
  ++begun;
  while (begun < others) std::this_thread::yield();
  return gettid();
}

TEST_F(InProcess, EachWorkerRunsOnWorkerStartOnItsThread) {
  const troupe::Cluster cluster = Start(3);
  started_workers = 0;
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 3; ++i) refs.push_back(troupe::Task(Meet).Remote(3));
  const std::vector<int> tids = troupe::Get(refs);
  EXPECT_EQ(std::set<int>(tids.begin(), tids.end()).size(), 3u);
  EXPECT_EQ(started_workers, 3);
}

TEST_F(InProcess, WhatIsCancelledByForceRunsOnAndTheNextTaskDoesNotWaitForIt) {
  const troupe::Cluster cluster = Start(1);
  const int before = Threads();
  const troupe::ObjectRef<int> deaf = troupe::Task(Deaf).Remote(1);
  ASSERT_TRUE(Eventually([] { return begun == 1; }));
  const int running = Threads();
  EXPECT_GT(running, before);
  troupe::Cancel(deaf, {.force = true});
  EXPECT_THROW((void)troupe::Get(deaf), troupe::Cancelled);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(3)), 9) << "on its one CPU";
  EXPECT_EQ(ended, 0);
  gate_is_open = true;
  EXPECT_TRUE(Eventually([] { return ended == 1; }));
  // It is gone then, and the other one stays.
  EXPECT_TRUE(Eventually([&] { return Threads() == running; }));
}

// After its end nobody hears of it, and its own waits throw.
TEST_F(InProcess, AWorkerThatIsGivenUpHasNoClusterAnyMore) {
  static std::atomic<int> refused{0};
  refused = 0;
  const troupe::Cluster cluster = Start(1);
  const troupe::ObjectRef<int> late =
      troupe::Task([] {
        ++begun;
        while (!gate_is_open) std::this_thread::yield();
        try {
          (void)troupe::Get(troupe::Task(Square).Remote(1));
        } catch (const troupe::Unavailable&) {
          ++refused;
        }
        return 1;
      })
          .Options({.timeout = absl::Milliseconds(50), .grace = absl::Milliseconds(50)})
          .Remote();
  ASSERT_TRUE(Eventually([] { return begun == 1; }));
  EXPECT_THROW((void)troupe::Get(late), troupe::DeadlineExceeded);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(3)), 9);
  gate_is_open = true;
  EXPECT_TRUE(Eventually([] { return refused == 1; }));
}

// Its code may hold views into the store, and memory that it is filling: both are its own until it
// has ended, however much others want.
TEST_F(InProcess, WhatAGivenUpWorkerHasInItsHandsStays) {
  static std::atomic<int> wrong{-1};
  wrong = -1;
  constexpr size_t kWords = 1'000'000;
  const troupe::Cluster cluster = Start(1);
  troupe::ObjectRef<std::vector<int>> given = troupe::Put(std::vector<int>(kWords, 7));
  const troupe::ObjectRef<int> reader =
      troupe::Task([](std::span<const int> sevens) {
        auto made = troupe::Create<int>(kWords);
        ++begun;
        while (!gate_is_open) std::this_thread::yield();
        for (int& x : made.span()) x = 13;
        wrong = static_cast<int>(kWords - std::count(sevens.begin(), sevens.end(), 7));
        return 0;
      }).Remote(given);
  ASSERT_TRUE(Eventually([] { return begun == 1; }));
  troupe::Cancel(reader, {.force = true});
  EXPECT_THROW((void)troupe::Get(reader), troupe::Cancelled);
  given = {};
  // Where that memory is free, it is the first to be given out again.
  std::vector<troupe::ObjectRef<std::vector<int>>> kept;
  for (int i = 0; i < 10; ++i) kept.push_back(troupe::Put(std::vector<int>(kWords, i)));
  gate_is_open = true;
  EXPECT_TRUE(Eventually([] { return wrong >= 0; }));
  EXPECT_EQ(wrong, 0) << "what it read was given to others";
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(troupe::Get(kept[i]), std::vector<int>(kWords, i)) << "it wrote into it";
}

class Keeper {
 public:
  int Wait() { return Listening(); }
  int Tid() const { return gettid(); }
};

TEST_F(InProcess, AKilledActorsCallIsAskedToStopAndTheActorIsDead) {
  const troupe::Cluster cluster = Start(1);
  // Many, since the call is told by whoever comes first of two threads.
  for (int n = 1; n <= 100; ++n) {
    const auto keeper = troupe::Actor<Keeper>().Remote();
    const troupe::ObjectRef<int> waits = keeper.Task(&Keeper::Wait).Remote();
    ASSERT_TRUE(Eventually([n] { return begun == n; }));
    troupe::Kill(keeper);
    EXPECT_THROW((void)troupe::Get(waits), troupe::ActorDied);
    EXPECT_THROW((void)troupe::Get(keeper.Task(&Keeper::Tid).Remote()), troupe::ActorDied);
    ASSERT_TRUE(Eventually([n] { return ended == n; })) << n;
  }
}

TEST_F(InProcess, AThreadThatDoesNotEndIsNamedAndLeft) {
  std::string said;
  {
    const troupe::Cluster cluster = Start(1);
    (void)troupe::Task(Deaf).Options({.name = "deaf one"}).Remote(1);
    ASSERT_TRUE(Eventually([] { return begun == 1; }));
    testing::internal::CaptureStderr();
  }
  said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("deaf one"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  {
    // It does not disturb the next cluster.
    const troupe::Cluster cluster = Start(1);
    EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(3)), 9);
    gate_is_open = true;
    EXPECT_TRUE(Eventually([] { return ended == 1; }));
    EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(4)), 16);
  }
}

TEST_F(InProcess, AForkedChildHasNoCluster) {
  const troupe::Cluster cluster = Start(1);
  const auto forks = troupe::Task([] {
    const pid_t child = fork();
    if (child == 0) {
      try {
        (void)troupe::Put(1);
      } catch (const troupe::Unavailable&) {
        _exit(17);
      }
      _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  });
  EXPECT_EQ(troupe::Get(forks.Remote()), 17);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(3)), 9);
}

struct Cache {
  Cache() { ++made; }
  ~Cache() { ++destroyed; }
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  int tid = gettid();
  static inline std::atomic<int> made{0};
  static inline std::atomic<int> destroyed{0};
};
troupe::WorkerLocal<Cache> cache;

TEST_F(InProcess, AWorkerLocalGoesWithItsWorker) {
  {
    const troupe::Cluster cluster = Start(2);
    const auto tid_of_cache = troupe::Task([](int others) {
      Meet(others);
      const Cache* const first = &*cache;
      return std::pair(first == &*cache && cache->tid == gettid(), gettid());
    });
    const auto both = troupe::Get(std::vector{tid_of_cache.Remote(2), tid_of_cache.Remote(2)});
    EXPECT_TRUE(both[0].first && both[1].first);
    EXPECT_NE(both[0].second, both[1].second);
    EXPECT_EQ(Cache::made, 2);
    EXPECT_EQ(Cache::destroyed, 0);
  }
  EXPECT_EQ(Cache::destroyed, 2);
}

}  // namespace
