// Waiting on real processes: in the order of completion, callbacks, futures, registered exceptions.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"

namespace {

int Square(int x) { return x * x; }
int Throws(int x) { throw std::runtime_error("no luck with " + std::to_string(x)); }

// Opened by the test when a task is to go on.
class Gate {
 public:
  bool Open() { return open_ = true; }
  bool IsOpen() const { return open_; }

 private:
  bool open_ = false;
};
int WaitFor(const troupe::ActorHandle<Gate>& gate) {
  while (!troupe::Get(gate.Task(&Gate::IsOpen).Remote())) std::this_thread::yield();
  return 1;
}

class NoSuchUser : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
class QuotaExceeded : public std::exception {
 public:
  QuotaExceeded() = default;
  QuotaExceeded(int used, int allowed) : used_(used), allowed_(allowed) {}
  const char* what() const noexcept override { return "the quota is exceeded"; }
  int over() const { return used_ - allowed_; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(used_, allowed_);
  }

 private:
  int used_ = 0;
  int allowed_ = 0;
};
[[maybe_unused]] const bool registered[] = {troupe::RegisterException<NoSuchUser>(),
                                            troupe::RegisterException<QuotaExceeded>()};
int ThrowsNoSuchUser(const std::string& name) { throw NoSuchUser("there is no " + name); }
int ThrowsQuota(int used) { throw QuotaExceeded(used, 3); }

class WaitingTest : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

TEST_F(WaitingTest, EachCompletionComesOnceWithItsIndex) {
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 300; ++i) refs.push_back(troupe::Task(Square).Remote(i));
  std::set<size_t> seen;
  for (auto [index, ref] : troupe::AsCompleted(refs)) {
    EXPECT_EQ(troupe::Get(ref), static_cast<int>(index * index));
    EXPECT_TRUE(seen.insert(index).second) << index;
  }
  EXPECT_EQ(seen.size(), refs.size());
  for ([[maybe_unused]] auto [index, ref] :
       troupe::AsCompleted(std::vector<troupe::ObjectRef<int>>()))
    FAIL();
}

TEST_F(WaitingTest, WhatIsDoneFirstComesFirst) {
  const auto gate = troupe::Actor<Gate>().Remote();
  const std::vector<troupe::ObjectRef<int>> refs = {troupe::Task(WaitFor).Remote(gate),
                                                    troupe::Task(Square).Remote(3)};
  auto completed = troupe::AsCompleted(refs);
  EXPECT_EQ(completed.Next()->index, 1u);
  EXPECT_EQ(completed.pending(), 1u);
  EXPECT_TRUE(troupe::Get(gate.Task(&Gate::Open).Remote()));
  EXPECT_EQ(completed.Next()->index, 0u);
  EXPECT_FALSE(completed.Next().has_value());
}

TEST_F(WaitingTest, ReferencesAreAddedWhileIterating) {
  // Each number below 100 leads to two more: a tree whose nodes are counted.
  auto pages = troupe::AsCompleted(std::vector{troupe::Task(Square).Remote(1)});
  std::deque<int> numbers = {1};
  int visited = 0;
  for (auto [index, page] : pages) {
    ++visited;
    const int number = numbers.at(index);
    EXPECT_EQ(troupe::Get(page), number * number);
    for (const int next : {2 * number, 2 * number + 1}) {
      if (next >= 100) continue;
      numbers.push_back(next);
      EXPECT_EQ(pages.Add(troupe::Task(Square).Remote(next)), numbers.size() - 1);
    }
  }
  EXPECT_EQ(visited, 99);
}

TEST_F(WaitingTest, CompletionsOfFailedTasksAndDeadlines) {
  const std::vector<troupe::ObjectRef<int>> failing = {troupe::Task(Throws).Remote(1)};
  for (auto [index, ref] : troupe::AsCompleted(failing))
    EXPECT_THROW((void)troupe::Get(ref), troupe::TaskError) << index;
  const auto gate = troupe::Actor<Gate>().Remote();
  const std::vector<troupe::ObjectRef<int>> waiting = {troupe::Task(WaitFor).Remote(gate)};
  auto late = troupe::AsCompleted(waiting, absl::Milliseconds(1));
  EXPECT_THROW((void)late.Next(), troupe::DeadlineExceeded);
  EXPECT_TRUE(troupe::Get(gate.Task(&Gate::Open).Remote()));
  EXPECT_THROW((void)troupe::AsCompleted(std::vector<troupe::ObjectRef<int>>(1)),
               troupe::InvalidArgument);
}

// Inside a task, too: the waiting task lends its CPU.
TEST_F(WaitingTest, TasksWaitInTheOrderOfCompletion) {
  const auto sum = troupe::Task([](int count) {
    std::vector<troupe::ObjectRef<int>> refs;
    for (int i = 0; i < count; ++i) refs.push_back(troupe::Task(Square).Remote(i));
    int total = 0;
    for (auto [index, ref] : troupe::AsCompleted(refs)) total += troupe::Get(ref);
    return total;
  });
  std::vector<troupe::ObjectRef<int>> sums;
  for (int i = 0; i < 4; ++i) sums.push_back(sum.Remote(50));
  for (const int total : troupe::Get(sums)) EXPECT_EQ(total, 40'425);
}

TEST_F(WaitingTest, ManyThatAreDoneAreDrainedAtOnce) {
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 10'000; ++i) refs.push_back(troupe::Task(Square).Remote(i % 100));
  (void)troupe::Wait(refs, {.num_ready = refs.size()});
  const auto start = std::chrono::steady_clock::now();
  size_t drained = 0;
  for ([[maybe_unused]] auto [index, ref] : troupe::AsCompleted(std::move(refs))) ++drained;
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(drained, 10'000u);
  std::printf("10,000 references whose tasks are done: %.1f ms\n", taken.count());
  EXPECT_LT(taken.count(), 2'000);  // a rescan for each would take longer
}

TEST_F(WaitingTest, TheFirstFailureIsThrownAtOnce) {
  const auto gate = troupe::Actor<Gate>().Remote();
  const std::vector<troupe::ObjectRef<int>> refs = {troupe::Task(WaitFor).Remote(gate),
                                                    troupe::Task(Throws).Remote(7)};
  EXPECT_THROW((void)troupe::Get(refs), troupe::TaskError);  // the gate is still closed
  const auto throws = [](int x) { (void)Throws(x); };
  const auto waits = [](troupe::ActorHandle<Gate> its_gate) { (void)WaitFor(std::move(its_gate)); };
  const std::vector<troupe::ObjectRef<void>> dones = {troupe::Task(waits).Remote(gate),
                                                      troupe::Task(throws).Remote(7)};
  EXPECT_THROW(troupe::Get(dones), troupe::TaskError);
  EXPECT_TRUE(troupe::Get(gate.Task(&Gate::Open).Remote()));
}

TEST_F(WaitingTest, AVeryLongTimeoutIsOne) {
  const absl::Duration ages = absl::Hours(24 * 365 * 400);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Options({.timeout = ages}).Remote(3), ages), 9);
  const std::vector<troupe::ObjectRef<int>> refs = {troupe::Task(Square).Remote(2)};
  EXPECT_EQ(troupe::Wait(refs, {.timeout = ages}).ready.size(), 1u);
}

TEST_F(WaitingTest, WaitTakesOneAfterTheOther) {
  std::vector<troupe::ObjectRef<int>> pending;
  for (int i = 0; i < 200; ++i) pending.push_back(troupe::Task(Square).Remote(i));
  size_t ready = 0;
  while (!pending.empty()) {
    auto result = troupe::Wait(std::move(pending));
    ready += result.ready.size();
    pending = std::move(result.pending);
  }
  EXPECT_EQ(ready, 200u);
  const troupe::ObjectRef<int> ref = troupe::Put(1);
  EXPECT_THROW((void)troupe::Wait(std::vector{ref, troupe::Put(2), ref}), troupe::InvalidArgument);
}

TEST_F(WaitingTest, ThenIsAnotherTask) {
  EXPECT_EQ(troupe::Get(troupe::Then(troupe::Then(troupe::Task(Square).Remote(2), Square), Square)),
            256);
  EXPECT_THROW((void)troupe::Get(troupe::Then(troupe::Task(Throws).Remote(1), Square)),
               troupe::TaskError);
}

TEST_F(WaitingTest, FuturesGetValuesAndErrors) {
  std::future<int> nine = troupe::ToFuture(troupe::Task(Square).Remote(3));
  EXPECT_EQ(nine.get(), 9);
  std::future<int> error = troupe::ToFuture(troupe::Task(Throws).Remote(3));
  EXPECT_THROW((void)error.get(), troupe::TaskError);
  std::future<void> done = troupe::ToFuture(troupe::Task([] {}).Remote());
  EXPECT_NO_THROW(done.get());
  std::future<int> there = troupe::ToFuture(troupe::Put(5));
  EXPECT_EQ(there.get(), 5);
}

TEST_F(WaitingTest, CallbacksRunWhereTheCallerWants) {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> posted;
  std::vector<int> values;
  std::thread::id ran_on;
  for (int i = 0; i < 3; ++i) {
    troupe::OnReady(
        troupe::Task(Square).Remote(i),
        [&](std::function<void()> f) {
          const std::lock_guard<std::mutex> lock(mutex);
          posted.push_back(std::move(f));
          changed.notify_all();
        },
        [&](const troupe::ObjectRef<int>& ready) {
          ran_on = std::this_thread::get_id();
          values.push_back(troupe::Get(ready, absl::ZeroDuration()));
        });
  }
  for (int done = 0; done < 3; ++done) {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return !posted.empty(); });
    const std::function<void()> f = std::move(posted.front());
    posted.pop_front();
    lock.unlock();
    f();
  }
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_EQ(std::multiset<int>(values.begin(), values.end()), (std::multiset<int>{0, 1, 4}));
}

TEST(WaitingAtTheEndTest, WhoeverWaitsIsTold) {
  std::future<int> future;
  {
    const troupe::Cluster cluster = troupe::Init({.workers = 1});
    const auto gate = troupe::Actor<Gate>().Remote();
    future = troupe::ToFuture(troupe::Task(WaitFor).Remote(gate));
  }
  EXPECT_THROW((void)future.get(), troupe::Unavailable);
}

TEST_F(WaitingTest, RegisteredExceptionsArriveAsThemselves) {
  try {
    (void)troupe::Get(troupe::Task(ThrowsNoSuchUser).Remote("Ada"));
    FAIL();
  } catch (const NoSuchUser& e) {
    EXPECT_STREQ(e.what(), "there is no Ada");
  }
  try {
    (void)troupe::Get(troupe::Task(ThrowsQuota).Remote(5));
    FAIL();
  } catch (const QuotaExceeded& e) {
    EXPECT_EQ(e.over(), 2);
  }
  // Along a dependency, too; and as a Status without exceptions.
  EXPECT_THROW((void)troupe::Get(troupe::Then(troupe::Task(ThrowsQuota).Remote(5), Square)),
               QuotaExceeded);
  const auto status = troupe::TryGet(troupe::Task(ThrowsNoSuchUser).Remote("Bob")).status();
  EXPECT_NE(status.ToString().find("NoSuchUser: there is no Bob"), std::string::npos) << status;
}

}  // namespace
