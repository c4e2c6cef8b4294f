// Actors' methods that are coroutines, on real processes: while one call waits, others go on.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/limits.h"
#include "sdk/troupe.h"

namespace {

using Gate = troupe::ObjectRef<int>;

int Double(int x) { return 2 * x; }

bool IsPending(const troupe::ObjectRef<int>& ref) {
  return troupe::TryGet(ref, absl::ZeroDuration()).status().code() ==
         absl::StatusCode::kDeadlineExceeded;
}
int Throws(int) { throw std::runtime_error("as asked"); }

// A process, or a thread.
bool Lives(int id) { return access(("/proc/" + std::to_string(id)).c_str(), F_OK) == 0; }

class Calls {
 public:
  Calls() = default;
  explicit Calls(int number) : next_(number) {}

  // Waits for the gate between two looks at the same field.
  troupe::Async<int> Pass(Gate gate, int x) {
    begun_.push_back(x);
    const int before = touched_;
    ++touched_;
    const int opened = co_await gate;
    touched_ += opened - before >= 0 ? 1 : 2;
    co_return x + opened;
  }
  std::vector<int> Begun() { return begun_; }
  int Touched() { return touched_; }
  int Next() { return next_++; }
  int Pid() { return gettid(); }  // of a process, that of its main thread

  troupe::Async<int> Inner(Gate gate) { co_return 10 * co_await gate; }
  // References, another coroutine, a task, a call of this actor.
  troupe::Async<int> Everything(const std::string& word, Gate gate,
                                const troupe::ActorHandle<Calls>& self) {
    int sum = static_cast<int>(word.size());
    sum += co_await Inner(gate);
    sum += co_await troupe::Task(Double).Remote(sum);
    sum += co_await self.Task(&Calls::Next).Remote();
    sum += co_await self.Task(&Calls::Pass).Remote(gate, 1);
    // The argument is still there.
    co_return sum + static_cast<int>(word.size());
  }
  troupe::Async<void> Nothing(Gate gate) { (void)co_await gate; }
  troupe::Async<int> AtOnce(int x) { co_return x; }

  troupe::Async<int> ThrowAfter(Gate gate) {
    (void)co_await gate;
    throw std::out_of_range("after the gate");
  }
  troupe::Async<std::string> CatchOfTask() {
    try {
      (void)co_await troupe::Task(Throws).Remote(1);
    } catch (const troupe::TaskError& e) {
      co_return e.info().message;
    }
    co_return "";
  }

  // Its own id and attempt, before and after, and that of its stop token.
  troupe::Async<std::vector<std::string>> WhoAmI(Gate gate) {
    const auto look = [] {
      const troupe::TaskInfo task = troupe::CurrentTask();
      return task.id.ToString() + " " + std::to_string(task.attempt) + " " + task.name + " " +
             absl::FormatTime(task.deadline, absl::UTCTimeZone());
    };
    std::vector<std::string> seen = {look()};
    (void)co_await gate;
    seen.push_back(look());
    co_return seen;
  }
  // What a cancelled call sees.
  troupe::Async<int> NoteStop(Gate gate, Gate other) {
    std::optional<std::string> error;
    try {
      (void)co_await gate;
    } catch (const troupe::Error& e) {
      stops_.push_back(std::string(e.what()) +
                       (troupe::CurrentTask().stop_token().stop_requested() ? " stop" : " go"));
    }
    try {
      (void)co_await other;  // it stays stopped
    } catch (const troupe::Error&) {
      stops_.push_back("again");
    }
    co_return 1;
  }
  std::vector<std::string> Stops() { return stops_; }

  troupe::Async<int> SelfCall(const troupe::ActorHandle<Calls>& self, int depth) {
    if (depth == 0) co_return 1;
    co_return 1 + co_await self.Task(&Calls::SelfCall).Remote(self, depth - 1);
  }
  int BlockOnSelf(const troupe::ActorHandle<Calls>& self) {
    return troupe::Get(self.Task(&Calls::Next).Remote());
  }
  troupe::Async<int> Block(Gate gate) { co_return troupe::Get(gate); }

  troupe::Async<int> ExitAfter(Gate gate) {
    const int opened = co_await gate;
    troupe::ExitActor();
    co_return opened;
  }
  troupe::Async<void> CheckpointAfter(Gate gate) {
    next_ += co_await gate;
    troupe::SaveCheckpoint();
  }
  std::string Checkpoint() const { return std::to_string(next_); }
  void Restore(std::string_view state) { next_ = std::stoi(std::string(state)); }
  void Die() { raise(SIGKILL); }

  // The threads on which a call has run.
  troupe::Async<bool> SameThread(Gate gate) {
    const std::thread::id begun = std::this_thread::get_id();
    for (int i = 0; i < 3; ++i) {
      (void)co_await gate;
      gate = troupe::Task(Double).Remote(i);
      if (std::this_thread::get_id() != begun) co_return false;
    }
    co_return true;
  }

 private:
  std::vector<int> begun_;
  std::vector<std::string> stops_;
  int touched_ = 0;
  int next_ = 0;
};

class ActorCoroutines : public testing::Test {
 protected:
  // Until the call has begun: calls begin in order.
  template <typename A>
  static void WaitForAll(const A& actor) {
    (void)troupe::Get(actor.Task(&Calls::Touched).Remote());
  }
  const troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

TEST_F(ActorCoroutines, AHundredWaitAndOthersGoOn) {
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> gate;
  std::vector<troupe::ObjectRef<int>> passing;
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    passing.push_back(calls.Task(&Calls::Pass).Remote(gate.ref(), i));
    order.push_back(i);
  }
  // Behind them all.
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::Begun).Remote()), order) << "out of order";
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::Touched).Remote()), 100);
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::AtOnce).Remote(7)), 7);
  EXPECT_TRUE(IsPending(passing[0]));
  gate.Set(1000);
  const std::vector<int> passed = troupe::Get(passing);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(passed[static_cast<size_t>(i)], 1000 + i);
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::Touched).Remote()), 200);
}

TEST_F(ActorCoroutines, TheyGoOnAsWhatTheyWaitForComes) {
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> first, second;
  const auto a = calls.Task(&Calls::Pass).Remote(first.ref(), 1);
  const auto b = calls.Task(&Calls::Pass).Remote(second.ref(), 2);
  second.Set(10);
  EXPECT_EQ(troupe::Get(b), 12) << "it waits for the one before it";
  EXPECT_TRUE(IsPending(a));
  first.Set(20);
  EXPECT_EQ(troupe::Get(a), 21);
}

TEST_F(ActorCoroutines, WhatMayBeAwaited) {
  const auto calls = troupe::Actor<Calls>(100).Remote();
  troupe::Promise<int> gate;
  const auto sum = calls.Task(&Calls::Everything).Remote("word", gate.ref(), calls);
  const auto nothing = calls.Task(&Calls::Nothing).Remote(gate.ref());
  WaitForAll(calls);
  gate.Set(2);
  // 4 + 10·2 = 24, + 48 = 72, + 100 = 172, + 3 = 175, + 4.
  EXPECT_EQ(troupe::Get(sum), 179);
  troupe::Get(nothing);
}

TEST_F(ActorCoroutines, ErrorsAreThoseOfTheirCall) {
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> gate, broken;
  const auto thrown = calls.Task(&Calls::ThrowAfter).Remote(gate.ref());
  const auto passes = calls.Task(&Calls::Pass).Remote(gate.ref(), 5);
  const auto fails = calls.Task(&Calls::Pass).Remote(broken.ref(), 5);
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::CatchOfTask).Remote()), "as asked");
  gate.Set(0);
  broken.SetError("the gate is broken");
  try {
    (void)troupe::Get(thrown);
    ADD_FAILURE() << "it was to throw";
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.info().message, "after the gate");
    EXPECT_EQ(e.info().exception_type, "std::out_of_range");
    EXPECT_EQ(e.info().task.Result(0), thrown.id());
  }
  EXPECT_EQ(troupe::Get(passes), 5);
  const absl::Status status = troupe::TryGet(fails).status();
  EXPECT_NE(status.message().find("the gate is broken"), absl::string_view::npos) << status;
}

TEST_F(ActorCoroutines, CurrentTaskIsTheCallsAfterEachWait) {
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> gate;
  const absl::Time deadline = absl::Now() + absl::Hours(1);
  std::vector<troupe::ObjectRef<std::vector<std::string>>> looks;
  for (int i = 0; i < 3; ++i) {
    looks.push_back(
        calls.Task(&Calls::WhoAmI)
            .Options({.name = "call " + std::to_string(i), .deadline = deadline + absl::Minutes(i)})
            .Remote(gate.ref()));
  }
  WaitForAll(calls);
  gate.Set(1);
  std::set<std::string> different;
  for (size_t i = 0; i < looks.size(); ++i) {
    const std::vector<std::string> seen = troupe::Get(looks[i]);
    const std::string id = "t" + looks[i].id().ToString().substr(1);
    EXPECT_EQ(seen[0].substr(0, id.rfind('.')), id.substr(0, id.rfind('.')));
    EXPECT_EQ(seen[0].substr(0, seen[0].rfind(' ')), seen[1].substr(0, seen[1].rfind(' ')));
    EXPECT_NE(seen[0].find("call " + std::to_string(i)), std::string::npos) << seen[0];
    different.insert(seen[1]);
  }
  EXPECT_EQ(different.size(), 3u);
}

TEST_F(ActorCoroutines, ACancelledOneFailsInItsWaitAndOthersGoOn) {
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> gate;
  const auto cancelled = calls.Task(&Calls::NoteStop).Remote(gate.ref(), gate.ref());
  const auto other = calls.Task(&Calls::Pass).Remote(gate.ref(), 1);
  const auto queued = calls.Task(&Calls::Pass).Remote(gate.ref(), 2);
  WaitForAll(calls);
  troupe::Cancel(cancelled);
  EXPECT_THROW((void)troupe::Get(cancelled), troupe::Cancelled);
  std::vector<std::string> stops;
  while (stops.size() < 2) stops = troupe::Get(calls.Task(&Calls::Stops).Remote());
  EXPECT_NE(stops[0].find("it was cancelled"), std::string::npos) << stops[0];
  EXPECT_NE(stops[0].find(" stop"), std::string::npos) << stops[0];
  EXPECT_EQ(stops[1], "again");
  EXPECT_TRUE(IsPending(other));
  gate.Set(1);
  EXPECT_EQ(troupe::Get(other), 2);
  EXPECT_EQ(troupe::Get(queued), 3);
}

TEST_F(ActorCoroutines, ADeadlineEndsASuspendedCall) {
  const auto calls = troupe::Actor<Calls>().Remote();
  const int pid = troupe::Get(calls.Task(&Calls::Pid).Remote());
  troupe::Promise<int> gate;
  const auto late = calls.Task(&Calls::NoteStop)
                        .Options({.timeout = absl::Milliseconds(50)})
                        .Remote(gate.ref(), gate.ref());
  EXPECT_THROW((void)troupe::Get(late), troupe::DeadlineExceeded);
  std::vector<std::string> stops;
  while (stops.size() < 2) stops = troupe::Get(calls.Task(&Calls::Stops).Remote());
  EXPECT_NE(stops[0].find("deadline"), std::string::npos) << stops[0];
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::Pid).Remote()), pid) << "its process was killed";
}

TEST_F(ActorCoroutines, ADeathFailsEachSuspendedCall) {
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> gate;
  std::vector<troupe::ObjectRef<int>> passing;
  for (int i = 0; i < 5; ++i) passing.push_back(calls.Task(&Calls::Pass).Remote(gate.ref(), i));
  troupe::ObjectRef<void> death = calls.Task(&Calls::Die).Remote();
  EXPECT_THROW(troupe::Get(death), troupe::ActorDied);
  for (const auto& pass : passing) EXPECT_THROW((void)troupe::Get(pass), troupe::ActorDied);
}

TEST_F(ActorCoroutines, ARestartMakesSuspendedCallsAgainWhereItMay) {
  const auto calls =
      troupe::Actor<Calls>().Options({.max_restarts = 1, .max_task_retries = 1}).Remote();
  troupe::Promise<int> gate;
  const auto who = calls.Task(&Calls::WhoAmI).Remote(gate.ref());
  std::vector<troupe::ObjectRef<int>> passing;
  for (int i = 0; i < 5; ++i) passing.push_back(calls.Task(&Calls::Pass).Remote(gate.ref(), i));
  const int pid = troupe::Get(calls.Task(&Calls::Pid).Remote());
  kill(pid, SIGKILL);
  while (troupe::TryGet(calls.Task(&Calls::Pid).Remote()).value_or(pid) == pid) {
  }
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::Begun).Remote()), (std::vector{0, 1, 2, 3, 4}));
  gate.Set(1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(troupe::Get(passing[static_cast<size_t>(i)]), 1 + i);
  EXPECT_NE(troupe::Get(who)[1].find(" 2 "), std::string::npos) << "the attempt";
}

TEST_F(ActorCoroutines, CheckpointsAreAskedForByTheCallThatGoesOn) {
  const auto calls = troupe::Actor<Calls>(1).Options({.max_restarts = 1}).Remote();
  troupe::Promise<int> gate, other;
  const auto saves = calls.Task(&Calls::CheckpointAfter).Remote(gate.ref());
  const auto waits = calls.Task(&Calls::Nothing).Remote(other.ref());
  WaitForAll(calls);
  gate.Set(41);
  troupe::Get(saves);
  const int pid = troupe::Get(calls.Task(&Calls::Pid).Remote());
  kill(pid, SIGKILL);
  EXPECT_THROW(troupe::Get(waits), troupe::Unavailable);
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::Next).Remote()), 42);
}

TEST_F(ActorCoroutines, ExitActorWaitsForTheSuspendedCalls) {
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> exit, gate;
  const auto passes = calls.Task(&Calls::Pass).Remote(gate.ref(), 1);
  const auto leaves = calls.Task(&Calls::ExitAfter).Remote(exit.ref());
  WaitForAll(calls);
  exit.Set(3);
  EXPECT_EQ(troupe::Get(leaves), 3);
  EXPECT_THROW((void)troupe::Get(calls.Task(&Calls::Next).Remote()), troupe::ActorDied);
  EXPECT_TRUE(IsPending(passes));
  gate.Set(5);
  EXPECT_EQ(troupe::Get(passes), 6);
  EXPECT_THROW((void)troupe::Get(calls.Task(&Calls::Next).Remote()), troupe::ActorDied);
}

TEST_F(ActorCoroutines, KillEndsOneThatIsLeaving) {
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> gate, open;
  const auto passes = calls.Task(&Calls::Pass).Remote(gate.ref(), 1);
  open.Set(1);
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::ExitAfter).Remote(open.ref())), 1);
  troupe::Kill(calls);
  EXPECT_THROW((void)troupe::Get(passes), troupe::ActorDied);
}

TEST_F(ActorCoroutines, TheLastHandleWaitsForTheSuspendedCalls) {
  troupe::Promise<int> gate;
  troupe::ObjectRef<int> passes;
  int pid = 0;
  {
    const auto calls = troupe::Actor<Calls>().Remote();
    pid = troupe::Get(calls.Task(&Calls::Pid).Remote());
    passes = calls.Task(&Calls::Pass).Remote(gate.ref(), 1);
  }
  EXPECT_EQ(troupe::Get(troupe::Task(Double).Remote(2)), 4);
  EXPECT_TRUE(Lives(pid)) << "it ended before its call";
  gate.Set(5);
  EXPECT_EQ(troupe::Get(passes), 6);
  while (Lives(pid)) std::this_thread::yield();
}

TEST_F(ActorCoroutines, CallsOfItsOwnMayBeNested) {
  const auto calls = troupe::Actor<Calls>().Remote();
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::SelfCall).Remote(calls, 200)), 201);
}

TEST_F(ActorCoroutines, AWaitForACallThatCannotBeginIsRefused) {
  const auto calls = troupe::Actor<Calls>().Remote();
  const auto blocked = calls.Task(&Calls::BlockOnSelf).Remote(calls);
  const absl::Status status = troupe::TryGet(blocked).status();
  EXPECT_NE(status.message().find("ResourceExhausted: what it waits for can never come"),
            absl::string_view::npos)
      << status;
  // Deeper than it may have suspended calls.
  const auto deep =
      calls.Task(&Calls::SelfCall).Remote(calls, troupe::Limits::kMaxSuspendedCalls + 10);
  const absl::Status too_deep = troupe::TryGet(deep).status();
  EXPECT_NE(too_deep.message().find("can never come"), absl::string_view::npos) << too_deep;
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::AtOnce).Remote(3)), 3);
}

TEST_F(ActorCoroutines, MoreThanMayBeSuspendedStayInOrder) {
  constexpr int kCalls = 2 * troupe::Limits::kMaxSuspendedCalls;
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> gate;
  std::vector<troupe::ObjectRef<int>> passing;
  std::vector<int> order;
  for (int i = 0; i < kCalls; ++i) {
    passing.push_back(calls.Task(&Calls::Pass).Remote(gate.ref(), i));
    order.push_back(i);
  }
  const auto behind = calls.Task(&Calls::Begun).Remote();
  EXPECT_THROW((void)troupe::Get(behind, absl::Milliseconds(100)), troupe::DeadlineExceeded);
  gate.Set(1);
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(troupe::Get(passing[static_cast<size_t>(i)]), i + 1);
  EXPECT_EQ(troupe::Get(behind), order);
}

TEST_F(ActorCoroutines, AWaitForWhatTheActorHoldsFails) {
  const troupe::ObjectRef<int> one =
      troupe::Task(Double).Options({.cpus = 2}).Remote(1);  // while nothing is held
  EXPECT_EQ(troupe::Get(one), 2);
  const auto calls = troupe::Actor<Calls>().Options({.cpus = 1}).Remote();
  WaitForAll(calls);
  const auto needs_both = troupe::Task(Double).Options({.cpus = 2}).Remote(1);
  const auto first = calls.Task(&Calls::Pass).Remote(needs_both, 1);
  const absl::Status status = troupe::TryGet(first).status();
  EXPECT_NE(status.message().find("it holds 1 cpus while it waits"), absl::string_view::npos)
      << status;
}

TEST_F(ActorCoroutines, ABlockingGetHoldsUpTheOthers) {
  const auto calls = troupe::Actor<Calls>().Remote();
  troupe::Promise<int> gate, first;
  const auto suspended = calls.Task(&Calls::Pass).Remote(first.ref(), 1);
  const auto blocks = calls.Task(&Calls::Block).Remote(gate.ref());
  const auto behind = calls.Task(&Calls::Next).Remote();
  first.Set(1);
  EXPECT_THROW((void)troupe::Get(behind, absl::Milliseconds(50)), troupe::DeadlineExceeded);
  gate.Set(4);
  EXPECT_EQ(troupe::Get(blocks), 4);
  EXPECT_EQ(troupe::Get(behind), 0);
  EXPECT_EQ(troupe::Get(suspended), 2);
}

TEST_F(ActorCoroutines, WithThreadsEachKeepsItsOwn) {
  const auto calls = troupe::Actor<Calls>()
                         .Options({.max_concurrency = 3, .concurrency_groups = {{"io", 2}}})
                         .Remote();
  troupe::Promise<int> gate;
  std::vector<troupe::ObjectRef<bool>> same;
  for (int i = 0; i < 60; ++i) {
    same.push_back(calls.Task(&Calls::SameThread)
                       .Options({.concurrency_group = i % 2 == 0 ? "io" : ""})
                       .Remote(gate.ref()));
  }
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::AtOnce).Remote(3)), 3);
  gate.Set(1);
  for (const auto& each : same) EXPECT_TRUE(troupe::Get(each));
}

TEST_F(ActorCoroutines, ManyWaitForTasks) {
  const auto calls = troupe::Actor<Calls>().Remote();
  std::vector<troupe::ObjectRef<int>> passing;
  for (int i = 0; i < 500; ++i)
    passing.push_back(calls.Task(&Calls::Pass).Remote(troupe::Task(Double).Remote(i), i));
  for (int i = 0; i < 500; ++i) EXPECT_EQ(troupe::Get(passing[static_cast<size_t>(i)]), 3 * i);
  EXPECT_EQ(troupe::Get(calls.Task(&Calls::Touched).Remote()), 1000);
}

}  // namespace
