// Actors on real processes: order, handles that travel, names, errors, restarts and ends.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/conditions.h"

namespace {

using troupe::testing::Eventually;

// A process, or a thread.
bool Lives(int id) { return access(("/proc/" + std::to_string(id)).c_str(), F_OK) == 0; }

class Counter {
 public:
  explicit Counter(int start) : n_(start) {
    if (start < 0) throw std::invalid_argument("a counter starts at 0 or above");
  }
  int Add(int by) { return n_ += by; }
  int Value() const { return n_; }
  int Pid() const { return gettid(); }  // of a process, that of its main thread
  std::string Self() const { return troupe::CurrentTask().actor.ToString(); }
  void Fail() { throw std::logic_error("the counter is broken"); }
  void Die() { raise(SIGKILL); }

 private:
  int n_;
};

class Log {
 public:
  void Append(int x) { entries_.push_back(x); }
  std::vector<int> Entries() const { return entries_; }

 private:
  std::vector<int> entries_;
};

class ActorsTest : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

TEST_F(ActorsTest, CallsRunInOrderInOneProcess) {
  const auto log = troupe::Actor<Log>().Remote();
  std::vector<int> expected;
  for (int i = 0; i < 2000; ++i) {
    (void)log.Task(&Log::Append).Remote(i);
    expected.push_back(i);
  }
  EXPECT_EQ(troupe::Get(log.Task(&Log::Entries).Remote()), expected);
}

TEST_F(ActorsTest, AReferenceHoldsUpLaterCallsOfTheSameCaller) {
  const auto counter = troupe::Actor<Counter>(10).Remote();
  const troupe::ObjectRef<int> a = counter.Task(&Counter::Add).Remote(1);
  const auto slow = troupe::Task([](int x) {
    std::this_thread::yield();
    return x * 2;
  });
  const troupe::ObjectRef<int> b = counter.Task(&Counter::Add).Remote(slow.Remote(a));
  const troupe::ObjectRef<int> c = counter.Task(&Counter::Value).Remote();
  EXPECT_EQ(troupe::Get(a), 11);
  EXPECT_EQ(troupe::Get(b), 33);
  EXPECT_EQ(troupe::Get(c), 33) << "it went past the call before it";
}

TEST_F(ActorsTest, HandlesArePassedAndStored) {
  const auto counter = troupe::Actor<Counter>(0).Remote();
  const auto add = troupe::Task([](troupe::ActorHandle<Counter> c, int by) {
    return troupe::Get(c.Task(&Counter::Add).Remote(by));
  });
  std::vector<troupe::ObjectRef<int>> added;
  for (int i = 0; i < 20; ++i) added.push_back(add.Remote(counter, 1));
  (void)troupe::Get(added);
  const troupe::ObjectRef<std::vector<troupe::ActorHandle<Counter>>> stored =
      troupe::Put(std::vector{counter, counter});
  EXPECT_EQ(troupe::Get(troupe::Get(stored)[1].Task(&Counter::Value).Remote()), 20);
}

TEST_F(ActorsTest, ACallKnowsWhoseItIs) {
  const auto first = troupe::Actor<Counter>(1).Remote();
  const auto second = troupe::Actor<Counter>(2).Remote();
  EXPECT_EQ(troupe::Get(first.Task(&Counter::Self).Remote()), first.id().ToString());
  EXPECT_EQ(troupe::Get(second.Task(&Counter::Self).Remote()), second.id().ToString());
  EXPECT_NE(first.id(), second.id());
  const auto of_a_task = troupe::Task([] { return troupe::CurrentTask().actor.is_null(); });
  EXPECT_TRUE(troupe::Get(of_a_task.Remote()));
  EXPECT_TRUE(troupe::CurrentTask().actor.is_null());
}

TEST_F(ActorsTest, ErrorsOfMethodsAreValuesAndTheActorGoesOn) {
  const auto counter = troupe::Actor<Counter>(1).Remote();
  EXPECT_THROW(troupe::Get(counter.Task(&Counter::Fail).Remote()), troupe::TaskError);
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(1)), 2);
}

TEST_F(ActorsTest, AConstructorThatThrowsReachesTheCaller) {
  const auto counter = troupe::Actor<Counter>(-1).Remote();
  try {
    (void)troupe::Get(counter.Task(&Counter::Value).Remote());
    FAIL() << "no error";
  } catch (const troupe::ActorDied& e) {
    EXPECT_NE(e.info().message.find("starts at 0"), std::string::npos) << e.what();
  }
}

TEST_F(ActorsTest, ADeathIsToldWithItsCause) {
  const auto counter = troupe::Actor<Counter>(1).Remote();
  try {
    troupe::Get(counter.Task(&Counter::Die).Remote());
    FAIL() << "no error";
  } catch (const troupe::ActorDied& e) {
    EXPECT_NE(e.info().message.find("SIGKILL"), std::string::npos) << e.what();
  }
  EXPECT_THROW((void)troupe::Get(counter.Task(&Counter::Value).Remote()), troupe::ActorDied);
}

TEST_F(ActorsTest, ARestartRunsTheConstructorAgain) {
  const auto counter = troupe::Actor<Counter>(5).Options({.max_restarts = 1}).Remote();
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(1)), 6);
  EXPECT_THROW(troupe::Get(counter.Task(&Counter::Die).Remote()), troupe::Unavailable);
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Value).Remote()), 5);
  EXPECT_THROW(troupe::Get(counter.Task(&Counter::Die).Remote()), troupe::ActorDied);
}

TEST_F(ActorsTest, NamesFindActorsAndTheirClassIsChecked) {
  const auto counter = troupe::Actor<Counter>(7).Options({.name = "hits"}).Remote();
  EXPECT_EQ(troupe::Get(troupe::FindActor<Counter>("hits").Task(&Counter::Value).Remote()), 7);
  EXPECT_THROW((void)troupe::FindActor<Log>("hits"), troupe::TypeMismatch);
  EXPECT_THROW((void)troupe::FindActor<Log>("misses"), troupe::InvalidArgument);
  const auto twin = troupe::Actor<Counter>(8).Options({.name = "hits"}).Remote();
  EXPECT_THROW((void)troupe::Get(twin.Task(&Counter::Value).Remote()), troupe::Error);
}

TEST_F(ActorsTest, KillEndsItAndItsProcess) {
  const auto counter = troupe::Actor<Counter>(7).Remote();
  const int pid = troupe::Get(counter.Task(&Counter::Pid).Remote());
  troupe::Kill(counter);
  EXPECT_THROW((void)troupe::Get(counter.Task(&Counter::Value).Remote()), troupe::ActorDied);
  EXPECT_TRUE(Eventually([&] { return !Lives(pid); }));
}

TEST_F(ActorsTest, TheLastHandleEndsItAfterTheCallsAlreadyMade) {
  int pid = 0;
  std::vector<troupe::ObjectRef<int>> calls;
  {
    const auto counter = troupe::Actor<Counter>(0).Remote();
    pid = troupe::Get(counter.Task(&Counter::Pid).Remote());
    for (int i = 0; i < 100; ++i) calls.push_back(counter.Task(&Counter::Add).Remote(1));
  }
  EXPECT_EQ(troupe::Get(calls.back()), 100);
  EXPECT_TRUE(Eventually([&] { return !Lives(pid); }))
      << "the actor's process " << pid << " lives on";
}

}  // namespace
