// Actors' calls that are suspended, event by event: who begins meanwhile, the bound, and the ends.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/limits.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

constexpr uint64_t kDepth = 1 + Limits::kActorDispatchDepth;  // of an actor with one thread
constexpr uint64_t kBound = 150;  // more than state words, few enough to check all after each event

class SuspendTest : public CoreTest {
 protected:
  SuspendTest()
      : CoreTest(Core::Config{.total = ResourceSet::Cpus(2),
                              .store_bytes = kStoreBytes,
                              .max_suspended_calls = kBound}) {}

  // Actor number 1, alive.
  ClientId StartActor(wire::TaskSpec spec = Spec(kDriver, 1), int64_t cpu_units = 0) {
    spec.kind = wire::TaskKind::kActorCreation;
    spec.cpu_units = cpu_units;
    spec.type_name = "Counter";
    EXPECT_TRUE(Submit(kDriver, spec).ok());
    Perform();
    EXPECT_TRUE(Complete(spec.id, ValueOf("12345678")).ok());
    Perform();
    worker_ = FindDispatch(spec.id)->worker;
    return worker_;
  }
  // By the driver, or by the actor's own process.
  TaskId Call(uint64_t number, ClientId caller = kDriver) {
    wire::TaskSpec call = Spec(caller, 1 + number);
    call.kind = wire::TaskKind::kActorCall;
    call.cpu_units = 0;
    call.actor = ObjectId::Make(kDriver, 1);
    call.sequence = number;
    EXPECT_TRUE(Submit(caller, call).ok());
    Perform();
    return call.id;
  }
  // The process has a handle of its own actor, as one that came with an argument.
  void GiveItself() {
    wire::TaskSpec give = Spec(kDriver, 900'000);
    give.kind = wire::TaskKind::kActorCall;
    give.cpu_units = 0;
    give.actor = ObjectId::Make(kDriver, 1);
    give.sequence = 1;
    give.arguments.push_back({wire::Argument::Inline{{}, {give.actor}}});
    EXPECT_TRUE(Submit(kDriver, give).ok());
    Perform();
    EXPECT_TRUE(Complete(give.id, ValueOf("12345678")).ok());
    Perform();
  }
  // A pending object that the worker has made, so that it may wait for it.
  ObjectId Pending(uint64_t sequence) {
    const ObjectId promise = ObjectId::Make(worker_, sequence);
    EXPECT_TRUE(core_.MakePromise(worker_, {promise}).ok());
    return promise;
  }
  absl::Status Suspend(TaskId call, ObjectId awaits, bool begun = true) {
    const SendDispatch dispatch = *FindDispatch(call);
    if (begun) Begin(dispatch);
    const absl::Status status =
        core_.Suspend(dispatch.worker, {call, dispatch.attempt, dispatch.slot, awaits, 0});
    Perform();
    return status;
  }
  absl::Status Resume(TaskId call) {
    const SendDispatch dispatch = *FindDispatch(call);
    const absl::Status status =
        core_.Resume(dispatch.worker, {call, dispatch.attempt, dispatch.slot});
    Perform();
    return status;
  }

  ClientId worker_ = ClientId::kNone;
};

TEST_F(SuspendTest, ASuspendedCallMakesRoomForTheNext) {
  StartActor();
  for (uint64_t i = 1; i <= kDepth + 2; ++i) Call(i);
  const TaskId first = TaskId::Make(kDriver, 2);
  const TaskId next = TaskId::Make(kDriver, kDepth + 2), later = TaskId::Make(kDriver, kDepth + 3);
  EXPECT_EQ(FindDispatch(next), nullptr);
  ASSERT_TRUE(Suspend(first, Pending(1)).ok());
  EXPECT_NE(FindDispatch(next), nullptr);
  EXPECT_EQ(FindDispatch(later), nullptr);
  // It runs again, and makes room only when it is done.
  ASSERT_TRUE(Resume(first).ok());
  EXPECT_EQ(FindDispatch(later), nullptr);
  ASSERT_TRUE(Complete(first, ValueOf("12345678")).ok());
  Perform();
  EXPECT_EQ(FindDispatch(later), nullptr) << "there are two ahead less, and one was given";
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 3), ValueOf("12345678")).ok());
  Perform();
  EXPECT_NE(FindDispatch(later), nullptr);
}

TEST_F(SuspendTest, NoMoreThanTheBoundAreSuspended) {
  StartActor();
  constexpr uint64_t kMost = 1 + kBound;
  const ObjectId gate = Pending(1);
  for (uint64_t i = 1; i <= kMost + 3; ++i) Call(i);
  for (uint64_t i = 1; i <= kMost; ++i)
    ASSERT_TRUE(Suspend(TaskId::Make(kDriver, 1 + i), gate).ok()) << i;
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, 2 + kMost)), nullptr);
  EXPECT_TRUE(refused_waits_.empty()) << "a promise may be kept";
  ASSERT_TRUE(Resume(TaskId::Make(kDriver, 5)).ok());
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, 2 + kMost)), nullptr);
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 5), ValueOf("12345678")).ok());
  Perform();
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 2 + kMost)), nullptr);
}

TEST_F(SuspendTest, LiesAreRefused) {
  StartActor();
  const TaskId call = Call(1);
  const SendDispatch dispatch = *FindDispatch(call);
  const ObjectId gate = Pending(1);
  const auto message = [](const absl::Status& status) { return std::string(status.message()); };
  const auto says = [&](const absl::Status& status, const std::string& what) {
    return message(status).find(what) != std::string::npos;
  };
  EXPECT_TRUE(says(Suspend(call, gate, /*begun=*/false), "which it has not begun"));
  Begin(dispatch);
  EXPECT_TRUE(says(core_.Suspend(kDriver, {call, 1, dispatch.slot, gate, 0}), "does not have"));
  EXPECT_TRUE(says(core_.Suspend(worker_, {call, 2, dispatch.slot, gate, 0}), "does not have"));
  EXPECT_TRUE(says(core_.Suspend(worker_, {call, 1, dispatch.slot + 1, gate, 0}), "not have"));
  EXPECT_TRUE(says(core_.Suspend(worker_, {call, 1, dispatch.slot, gate, 64}), "on thread 64"));
  EXPECT_TRUE(says(Suspend(call, ObjectId::Make(worker_, 77)), "was never granted it"));
  EXPECT_TRUE(says(Resume(call), "which is not suspended"));
  ASSERT_TRUE(Suspend(call, gate).ok());
  EXPECT_TRUE(says(Suspend(call, gate), "twice"));
  ASSERT_TRUE(Resume(call).ok());
  EXPECT_TRUE(says(Resume(call), "which is not suspended"));
  // Not what is no call.
  const TaskId task = TaskId::Make(kDriver, 50);
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 50)).ok());
  Perform();
  EXPECT_TRUE(says(Suspend(task, gate), "which is no actor's call"));
}

TEST_F(SuspendTest, ACancelledOneIsToldAndItsResultDropped) {
  StartActor();
  const TaskId call = Call(1), other = Call(2);
  ASSERT_TRUE(Suspend(call, Pending(1)).ok());
  ASSERT_TRUE(Suspend(other, Pending(2)).ok());
  ASSERT_TRUE(core_.Cancel(kDriver, {call.Result(0), false, true}).ok());
  Perform();
  ASSERT_EQ(stops_.size(), 1u);
  EXPECT_EQ(stops_[0].generation, FindDispatch(call)->generation);
  EXPECT_EQ(ErrorOf(call.Result(0))->kind, ErrorKind::kCancelled);
  ASSERT_TRUE(Resume(call).ok());
  ASSERT_TRUE(Complete(call, ValueOf("12345678")).ok());
  Perform();
  EXPECT_EQ(ErrorOf(other.Result(0)), nullptr);
  EXPECT_EQ(ErrorOf(call.Result(0))->kind, ErrorKind::kCancelled);
}

TEST_F(SuspendTest, ADeathFailsThemOrTheyAreMadeAgainInOrder) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_restarts = -1;
  spec.max_task_retries = 1;
  StartActor(spec);
  for (uint64_t i = 1; i <= 3; ++i) Call(i);
  ASSERT_TRUE(Suspend(TaskId::Make(kDriver, 2), Pending(1)).ok());
  ASSERT_TRUE(Suspend(TaskId::Make(kDriver, 3), Pending(2)).ok());
  dispatches_.clear();
  core_.ProcessDied(ProcessOf(worker_), "killed by signal 9 (SIGKILL)", 17);
  Perform();
  ASSERT_TRUE(Complete(spec.id, ValueOf("12345678")).ok());
  Perform();
  std::vector<uint32_t> attempts;
  for (const SendDispatch& dispatch : dispatches_) attempts.push_back(dispatch.attempt);
  EXPECT_EQ(attempts, (std::vector<uint32_t>{2, 2, 2, 1}));  // the creation, then the calls
  worker_ = FindDispatch(spec.id)->worker;
  ASSERT_TRUE(Suspend(TaskId::Make(kDriver, 2), Pending(1)).ok());
  core_.ProcessDied(ProcessOf(worker_), "killed by signal 9 (SIGKILL)", 18);
  Perform();
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 2))->kind, ErrorKind::kUnavailable);
}

TEST_F(SuspendTest, AnActorThatExitsFinishesThem) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.actor_name = "the actor";
  StartActor(spec);
  const TaskId suspended = Call(1), exits = Call(2), behind = Call(3);
  ASSERT_TRUE(Suspend(suspended, Pending(1)).ok());
  ASSERT_TRUE(Complete(exits, ValueOf("12345678")).ok());
  ASSERT_TRUE(core_.ExitActor(worker_).ok());
  Perform();
  EXPECT_EQ(ErrorOf(behind.Result(0))->kind, ErrorKind::kActorDied);
  EXPECT_EQ(ErrorOf(Call(4).Result(0))->kind, ErrorKind::kActorDied);
  EXPECT_EQ(ErrorOf(suspended.Result(0)), nullptr);
  EXPECT_TRUE(ended_.empty());
  ASSERT_TRUE(core_.ExitActor(worker_).ok()) << "once more";
  // Its name is free for another one.
  wire::TaskSpec again = Spec(kDriver, 60);
  again.kind = wire::TaskKind::kActorCreation;
  again.actor_name = "the actor";
  ASSERT_TRUE(Submit(kDriver, again).ok());
  EXPECT_EQ(ErrorOf(again.id.Result(0)), nullptr);
  ASSERT_TRUE(Resume(suspended).ok());
  ASSERT_TRUE(Complete(suspended, ValueOf("12345678")).ok());
  Perform();
  EXPECT_EQ(ErrorOf(suspended.Result(0)), nullptr);
  EXPECT_EQ(ended_, (std::vector{worker_}));
}

TEST_F(SuspendTest, KillEndsOneThatExits) {
  StartActor();
  const TaskId suspended = Call(1);
  ASSERT_TRUE(Suspend(suspended, Pending(1)).ok());
  ASSERT_TRUE(core_.ExitActor(worker_).ok());
  ASSERT_TRUE(core_.Kill(kDriver, {ObjectId::Make(kDriver, 1), true}).ok());
  Perform();
  EXPECT_EQ(ErrorOf(suspended.Result(0))->kind, ErrorKind::kActorDied);
  EXPECT_EQ(killed_, (std::vector{ProcessOf(worker_)}));
}

TEST_F(SuspendTest, AWaitForWhatIsQueuedBehindItIsRefused) {
  StartActor();
  GiveItself();
  // As many as it may have, each of which waits for a later one.
  constexpr uint64_t kMost = 1 + kBound;
  for (uint64_t i = 2; i <= kMost + 1; ++i) Call(i);
  for (uint64_t i = 1; i <= kMost; ++i) {
    const TaskId own = Call(i, worker_);
    EXPECT_TRUE(refused_waits_.empty()) << i;
    ASSERT_TRUE(Suspend(TaskId::Make(kDriver, 2 + i), own.Result(0)).ok()) << i;
  }
  ASSERT_EQ(refused_waits_.size(), 1u);
  EXPECT_EQ(refused_waits_[0].task, TaskId::Make(kDriver, 2 + kMost));
  EXPECT_EQ(refused_waits_[0].wait, 1u);
  EXPECT_EQ(refused_waits_[0].error.kind, ErrorKind::kResourceExhausted);
  EXPECT_NE(refused_waits_[0].error.message.find("can never come"), std::string::npos);
}

TEST_F(SuspendTest, AGetOfACallOfItsOwnIsRefused) {
  StartActor();
  GiveItself();
  const TaskId call = Call(2);
  Begin(*FindDispatch(call));
  const TaskId own = Call(1, worker_);
  ASSERT_NE(FindDispatch(own), nullptr);
  ASSERT_TRUE(core_.Blocked(worker_, {{own.Result(0)}, 1, 1}).ok());
  Perform();
  ASSERT_EQ(refused_waits_.size(), 1u);
  EXPECT_TRUE(refused_waits_[0].task.is_null());
  EXPECT_EQ(refused_waits_[0].wait, 1u);
}

TEST_F(SuspendTest, AGetWhileAnotherThreadIsFreeIsNot) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_concurrency = 2;
  StartActor(spec);
  GiveItself();
  const TaskId call = Call(2);
  Begin(*FindDispatch(call));
  const TaskId own = Call(1, worker_);
  ASSERT_TRUE(core_.Blocked(worker_, {{own.Result(0)}, 1, 1}).ok());
  Perform();
  EXPECT_TRUE(refused_waits_.empty());
  // But once that waits for the first one, they do.
  Begin(*FindDispatch(own));
  ASSERT_TRUE(core_.Unblocked(worker_).ok());
  ASSERT_TRUE(core_.Blocked(worker_, {{own.Result(0), own.Result(0)}, 1, 3}).ok());
  Perform();
  EXPECT_EQ(refused_waits_.size(), 1u);
}

// Seed 8744: it cannot come to its end before its thread does.
TEST_F(SuspendTest, ACancelledOneOnABlockedThreadIsNoHelp) {
  StartActor();
  GiveItself();
  const TaskId suspended = Call(2), call = Call(3);
  ASSERT_TRUE(Suspend(suspended, Pending(500)).ok());
  Begin(*FindDispatch(call));
  const TaskId own = Call(1, worker_);
  ASSERT_TRUE(core_.Cancel(kDriver, {suspended.Result(0), false, false}).ok());
  ASSERT_TRUE(core_.Blocked(worker_, {{own.Result(0)}, 1, 1}).ok());
  Perform();
  EXPECT_EQ(refused_waits_.size(), 1u);
}

TEST_F(SuspendTest, OneThatWaitsForItsBlockedThreadIsNoHelp) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_concurrency = 2;
  StartActor(spec);
  GiveItself();
  const TaskId suspended = Call(2), call = Call(3);
  ASSERT_TRUE(Suspend(suspended, Pending(500)).ok());  // on thread 0
  Begin(*FindDispatch(call));
  // It has a handle on that one's result.
  wire::TaskSpec give = Spec(kDriver, 900'001);
  give.kind = wire::TaskKind::kActorCall;
  give.actor = ObjectId::Make(kDriver, 1);
  give.cpu_units = 0;
  give.sequence = 4;
  give.arguments.push_back({wire::Argument::Inline{{}, {suspended.Result(0)}}});
  ASSERT_TRUE(Submit(kDriver, give).ok());
  Perform();
  ASSERT_TRUE(Complete(give.id, ValueOf("12345678")).ok());
  Perform();
  ASSERT_TRUE(core_.Blocked(worker_, {{suspended.Result(0)}, 1, 2}).ok());
  Perform();
  EXPECT_TRUE(refused_waits_.empty()) << "it goes on on the other thread";
  ASSERT_TRUE(core_.Unblocked(worker_).ok());
  ASSERT_TRUE(core_.Blocked(worker_, {{suspended.Result(0)}, 1, 1}).ok());
  Perform();
  EXPECT_EQ(refused_waits_.size(), 1u);
}

TEST_F(SuspendTest, WhatItHoldsWhileAllItsCallsAreSuspended) {
  StartActor(Spec(kDriver, 1), kResourceUnit);
  const TaskId call = Call(1);
  Begin(*FindDispatch(call));
  wire::TaskSpec both = Spec(worker_, 1);
  both.cpu_units = 2 * kResourceUnit;
  ASSERT_TRUE(Submit(worker_, both).ok());
  Perform();
  EXPECT_TRUE(refused_waits_.empty());
  ASSERT_TRUE(Suspend(call, both.id.Result(0)).ok());
  ASSERT_EQ(refused_waits_.size(), 1u);
  EXPECT_EQ(refused_waits_[0].task, call);
  EXPECT_NE(refused_waits_[0].error.message.find("it holds 1 cpus while it waits"),
            std::string::npos);
}

TEST_F(SuspendTest, WhyNamesWhatASuspendedCallWaitsFor) {
  StartActor();
  const TaskId call = Call(1);
  ASSERT_TRUE(Suspend(call, Pending(1)).ok());
  const std::string why = core_.Why(call.Result(0));
  EXPECT_NE(why.find("is suspended on w-1, in co_await, for:"), std::string::npos) << why;
  EXPECT_NE(core_.Report("list tasks")->find("suspended"), std::string::npos);
}

}  // namespace
}  // namespace troupe::scheduler
