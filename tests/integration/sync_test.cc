// Locks, semaphores, events, barriers, queues and variables, among real processes that get killed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sdk/sync/barrier.h"
#include "sdk/sync/event.h"
#include "sdk/sync/queue.h"
#include "sdk/sync/semaphore.h"
#include "sdk/sync/variable.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"

namespace {

using troupe::testing::BecomesTrue;

constexpr absl::Duration kSoon = absl::Seconds(20);

// What is lost when two of them run at a time.
void AddToFile(const troupe::Lock& lock, const std::string& path, int times) {
  for (int i = 0; i < times; ++i) {
    const troupe::Permit permit = lock.Acquire();
    int value = 0;
    std::ifstream(path) >> value;
    std::ofstream(path) << value + 1;
  }
}

TEST(Lock, LetsOneGoOnAtATime) {
  const troupe::Cluster cluster = troupe::Init({.workers = 4});
  const auto lock = troupe::Lock::New();
  const std::string path = ::testing::TempDir() + "/count";
  std::ofstream(path) << 0;
  std::vector<troupe::ObjectRef<void>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(troupe::Task(AddToFile).Remote(lock, path, 50));
  troupe::Get(tasks);
  int value = 0;
  std::ifstream(path) >> value;
  EXPECT_EQ(value, 200);
}

// Acquires, says who it is, and never gives back.
void HoldForEver(const troupe::Lock& lock, const troupe::Variable<int>& holder) {
  const troupe::Permit permit = lock.Acquire();
  holder.Set(getpid());
  for (;;) pause();
}

TEST(Lock, PassesOnWhenItsHolderDies) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  const auto lock = troupe::Lock::New();
  const auto holder = troupe::Variable<int>::New();
  const auto task = troupe::Task(HoldForEver).Options({.max_retries = 0}).Remote(lock, holder);
  const int pid = holder.Get();
  EXPECT_FALSE(lock.TryAcquire());
  kill(pid, SIGKILL);
  EXPECT_TRUE(lock.TryAcquire(kSoon));
  EXPECT_THROW(troupe::Get(task), troupe::WorkerCrashed);
}

TEST(Lock, IsFoundByItsName) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto lock = troupe::Lock::Named("accounts");
  const troupe::Permit permit = lock.Acquire();
  const auto taken = troupe::Task([] {
                       return troupe::Lock::Named("accounts").TryAcquire().has_value();
                     }).Remote();
  EXPECT_FALSE(troupe::Get(taken));
  EXPECT_EQ(troupe::Lock::Named("accounts"), lock);
  EXPECT_THROW((void)troupe::Lock::Named(""), troupe::InvalidArgument);
}

TEST(Lock, IsNotGivenBackByAForkedChild) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto lock = troupe::Lock::New();
  troupe::Permit permit = lock.Acquire();
  const pid_t child = fork();
  if (child == 0) {
    permit.Release();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(lock.TryAcquire());
  permit.Release();
  EXPECT_TRUE(lock.TryAcquire());
}

struct Job {
  troupe::Lock lock;
  int number = 0;
};
bool TryJob(const Job& job) { return job.lock.TryAcquire().has_value(); }

TEST(Lock, TravelsInsideValues) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const Job job{troupe::Lock::New(), 1};
  EXPECT_TRUE(troupe::Get(troupe::Task(TryJob).Remote(job)));
  troupe::Permit permit = job.lock.Acquire();
  EXPECT_FALSE(troupe::Get(troupe::Task(TryJob).Remote(job)));
  permit.Release();
  EXPECT_TRUE(troupe::Get(troupe::Task(TryJob).Remote(troupe::Put(job))));
  EXPECT_THROW((void)troupe::Lock().Acquire(), troupe::InvalidArgument);
}

TEST(Semaphore, Counts) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto semaphore = troupe::Semaphore::New(3);
  troupe::Permit two = semaphore.Acquire(2);
  EXPECT_EQ(semaphore.Available(), 1);
  {
    const auto one = semaphore.TryAcquire();
    EXPECT_TRUE(one.has_value());
    EXPECT_FALSE(semaphore.TryAcquire());
  }
  EXPECT_EQ(semaphore.Available(), 1);
  EXPECT_FALSE(semaphore.TryAcquire(absl::Milliseconds(20), 3));
  two.Release();
  EXPECT_TRUE(semaphore.TryAcquire(kSoon, 3));
  EXPECT_THROW((void)semaphore.Acquire(4), troupe::InvalidArgument);
  EXPECT_THROW((void)semaphore.Acquire(0), troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::Semaphore::New(0), troupe::InvalidArgument);
}

TEST(Semaphore, AWaitInVainLeavesNothingBehind) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto semaphore = troupe::Semaphore::New(2);
  troupe::Permit one = semaphore.Acquire();
  EXPECT_FALSE(semaphore.TryAcquire(absl::Milliseconds(20), 2));
  EXPECT_TRUE(semaphore.TryAcquire());  // the one that waited for two holds it up no more
  // Nor one that waited behind it.
  std::optional<troupe::Permit> two;
  std::thread first([&] { two = semaphore.TryAcquire(absl::Milliseconds(200), 2); });
  const auto behind = semaphore.TryAcquire(kSoon);
  first.join();
  EXPECT_FALSE(two.has_value());
  EXPECT_TRUE(behind.has_value());
}

bool WaitFor(const troupe::Event& event) { return event.Wait(); }

TEST(Event, LetsAllGoOn) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  const auto event = troupe::Event::New();
  std::vector<troupe::ObjectRef<bool>> waiting;
  for (int i = 0; i < 5; ++i) waiting.push_back(troupe::Task(WaitFor).Remote(event));
  EXPECT_FALSE(event.Wait(absl::Milliseconds(1)));
  EXPECT_FALSE(event.IsSet());
  event.Set();
  event.Set();
  EXPECT_EQ(troupe::Get(waiting), std::vector<bool>(5, true));
  EXPECT_TRUE(event.IsSet());
  EXPECT_TRUE(event.Wait());
  event.Clear();
  EXPECT_FALSE(event.Wait(absl::ZeroDuration()));
}

class Party {
 public:
  explicit Party(troupe::Barrier barrier) : barrier_(std::move(barrier)) {}
  int64_t Wait() { return barrier_.Wait(); }
  int Pid() { return getpid(); }

 private:
  troupe::Barrier barrier_;
};

TEST(Barrier, WaitsForAllAndBeginsAnew) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto barrier = troupe::Barrier::New(3);
  std::vector<troupe::ActorHandle<Party>> parties;
  for (int i = 0; i < 3; ++i) parties.push_back(troupe::Actor<Party>(barrier).Remote());
  for (int round = 0; round < 3; ++round) {
    std::vector<troupe::ObjectRef<int64_t>> places;
    for (const auto& party : parties) places.push_back(party.Task(&Party::Wait).Remote());
    const std::vector<int64_t> all = troupe::Get(places);
    EXPECT_EQ(std::set<int64_t>(all.begin(), all.end()), (std::set<int64_t>{0, 1, 2}));
  }
  EXPECT_THROW((void)troupe::Barrier::New(0), troupe::InvalidArgument);
}

TEST(Barrier, WhoLeavesHasNotArrived) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto barrier = troupe::Barrier::New(2);
  EXPECT_THROW((void)barrier.Wait(absl::Milliseconds(1)), troupe::DeadlineExceeded);
  const auto dead = troupe::Actor<Party>(barrier).Remote();
  const int pid = troupe::Get(dead.Task(&Party::Pid).Remote());
  const auto waits = dead.Task(&Party::Wait).Remote();
  const auto waiting = [&](int64_t count) {
    return BecomesTrue([&] { return barrier.Waiting() == count; }, std::chrono::seconds(20));
  };
  ASSERT_TRUE(waiting(1));
  kill(pid, SIGKILL);
  EXPECT_THROW((void)troupe::Get(waits), troupe::ActorDied);
  ASSERT_TRUE(waiting(0)) << "the dead one counts";
  const auto party = troupe::Actor<Party>(barrier).Remote();
  const auto other = party.Task(&Party::Wait).Remote();
  EXPECT_EQ(barrier.Wait() + troupe::Get(other), 1);
}

void Produce(const troupe::Queue<int>& queue, int first, int count) {
  for (int i = first; i < first + count; ++i) queue.Put(i);
}
int64_t Consume(const troupe::Queue<int>& queue, int count) {
  int64_t sum = 0;
  for (int i = 0; i < count; ++i) sum += queue.Get();
  return sum;
}

TEST(Queue, PassesEachItemToOneConsumer) {
  const troupe::Cluster cluster = troupe::Init({.workers = 4});
  const auto queue = troupe::Queue<int>::New({.capacity = 3});
  std::vector<troupe::ObjectRef<void>> producers;
  std::vector<troupe::ObjectRef<int64_t>> consumers;
  for (int i = 0; i < 2; ++i) {
    producers.push_back(troupe::Task(Produce).Remote(queue, 100 * i, 100));
    consumers.push_back(troupe::Task(Consume).Remote(queue, 100));
  }
  troupe::Get(producers);
  const std::vector<int64_t> sums = troupe::Get(consumers);
  EXPECT_EQ(sums[0] + sums[1], 199 * 200 / 2);
  EXPECT_EQ(queue.Size(), 0u);
}

TEST(Queue, KeepsOrderAndBounds) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto queue = troupe::Queue<std::string>::New({.capacity = 3});
  queue.PutBatch({"a", "b"});
  queue.Put("c");
  EXPECT_THROW(queue.Put("d", absl::Milliseconds(1)), troupe::DeadlineExceeded);
  EXPECT_EQ(queue.Size(), 3u);
  EXPECT_EQ(queue.GetBatch(2), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(queue.GetBatch(10), std::vector<std::string>{"c"});
  EXPECT_THROW((void)queue.Get(absl::Milliseconds(1)), troupe::DeadlineExceeded);
  EXPECT_THROW((void)queue.GetBatch(0), troupe::InvalidArgument);
  EXPECT_THROW(queue.PutBatch({"1", "2", "3", "4"}), troupe::InvalidArgument);
  EXPECT_THROW(queue.PutRef({}), troupe::InvalidArgument);
  queue.PutBatch({});
  EXPECT_EQ(queue.Size(), 0u);
}

int TakeForEver(const troupe::Queue<int>& queue, const troupe::Variable<int>& taker) {
  taker.Set(getpid());
  return queue.Get();
}

TEST(Queue, AnItemIsNotGivenToTheDead) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  const auto queue = troupe::Queue<int>::New();
  const auto taker = troupe::Variable<int>::New();
  const auto task = troupe::Task(TakeForEver).Options({.max_retries = 0}).Remote(queue, taker);
  kill(taker.Get(), SIGKILL);
  EXPECT_THROW((void)troupe::Get(task), troupe::WorkerCrashed);
  queue.Put(7);
  EXPECT_EQ(queue.Get(kSoon), 7);  // if it was given to the dead one, it has come back
}

// What a consumer does, up to where its process would die.
TEST(Queue, WhatDidNotArriveComesBackToTheFront) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto queue = troupe::Queue<int>::New();
  queue.PutBatch({1, 2, 3});
  {
    const troupe::Promise<void> token;
    const auto ticket = troupe::Get(
        queue.server().Task(&troupe::Queue<int>::Server::Get).Remote(uint64_t{2}, token.ref()));
    EXPECT_EQ(troupe::Get(ticket.promised).size(), 2u);
    EXPECT_EQ(queue.Size(), 1u);
  }
  EXPECT_TRUE(BecomesTrue([&] { return queue.Size() == 3; }, std::chrono::seconds(20)));
  EXPECT_EQ(queue.GetBatch(10), (std::vector<int>{1, 2, 3}));
}

TEST(Variable, IsReplacedForAll) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  const auto variable = troupe::Variable<std::string>::Named("phase");
  EXPECT_THROW((void)variable.Get(absl::Milliseconds(1)), troupe::DeadlineExceeded);
  const auto seen =
      troupe::Task([] { return troupe::Variable<std::string>::Named("phase").Get(); }).Remote();
  variable.Set("begin");
  EXPECT_EQ(troupe::Get(seen), "begin");
  variable.Set("end");
  EXPECT_EQ(variable.Get(), "end");
  variable.SetRef(troupe::Put(std::string("again")));
  EXPECT_EQ(variable.Get(), "again");
  variable.Clear();
  EXPECT_THROW((void)variable.Get(absl::Milliseconds(1)), troupe::DeadlineExceeded);
  EXPECT_THROW((void)troupe::Variable<int>::Named("phase"), troupe::TypeMismatch);
}

}  // namespace
