// Tasks that end before they have ended by themselves: cancel, deadlines, retries of user errors.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/limits.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

class CancelTest : public CoreTest {
 protected:
  CancelTest() : CoreTest(1) {}

  // Task 1 runs, tasks 2 to `count` are dispatched or queued behind it.
  SendDispatch SubmitAndBeginFirst(uint64_t count) {
    for (uint64_t i = 1; i <= count; ++i) EXPECT_TRUE(Submit(kDriver, Spec(kDriver, i)).ok());
    Perform();
    const SendDispatch first = *FindDispatch(TaskId::Make(kDriver, 1));
    Begin(first);
    return first;
  }
  ErrorKind KindOf(uint64_t sequence) {
    const ErrorInfo* error = ErrorOf(ObjectId::Make(kDriver, sequence));
    return error == nullptr ? ErrorKind::kInternal : error->kind;
  }
  absl::Status Cancel(uint64_t sequence, bool force = false, bool recursive = true) {
    return core_.Cancel(kDriver, {ObjectId::Make(kDriver, sequence), force, recursive});
  }
};

TEST_F(CancelTest, WhatHasNotBegunIsGoneWhereverItWaits) {
  constexpr uint64_t kDepth = Limits::kDispatchDepth;
  constexpr uint64_t kQueued = kDepth + 24;  // 2 to kDepth are at the worker, the others queue
  const SendDispatch first = SubmitAndBeginFirst(kQueued);
  wire::TaskSpec dependent = Spec(kDriver, kQueued + 1);
  dependent.arguments.push_back({ObjectId::Make(kDriver, 1)});
  ASSERT_TRUE(Submit(kDriver, dependent).ok());
  ASSERT_NE(FindDispatch(TaskId::Make(kDriver, 2)), nullptr);
  ASSERT_EQ(FindDispatch(TaskId::Make(kDriver, kQueued)), nullptr);
  for (const uint64_t i : {uint64_t{2}, kQueued, kQueued + 1}) {
    ASSERT_TRUE(Cancel(i).ok());
    EXPECT_EQ(KindOf(i), ErrorKind::kCancelled) << i;
  }
  Perform();
  EXPECT_TRUE(stops_.empty());
  EXPECT_EQ(core_.task_count(), kQueued - 2);
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), ValueOf("12345678")).ok());
  Perform();
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, kQueued)), nullptr);
  (void)first;
}

TEST_F(CancelTest, ARunningTaskIsToldAndItsLateResultIsDropped) {
  const SendDispatch first = SubmitAndBeginFirst(2);
  ASSERT_TRUE(Cancel(1).ok());
  Perform();
  EXPECT_EQ(KindOf(1), ErrorKind::kCancelled);
  ASSERT_EQ(stops_.size(), 1u);
  EXPECT_EQ(stops_[0].worker, first.worker);
  EXPECT_EQ(stops_[0].generation, first.generation);
  EXPECT_TRUE(killed_.empty());
  // Again: nothing new, but with force its process goes.
  ASSERT_TRUE(Cancel(1).ok());
  Perform();
  EXPECT_EQ(stops_.size(), 1u);
  // What it comes back with, in memory of its lease, is free at once.
  ASSERT_TRUE(core_.RequestLease(first.worker, 1000).ok());
  Perform();
  const Location place{leases_[0].space.chunk, leases_[0].space.offset, 1000};
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), {place, {}}).ok());
  Perform();
  EXPECT_EQ(KindOf(1), ErrorKind::kCancelled);
  EXPECT_EQ(core_.objects().bytes_stored(), 0u);
  EXPECT_EQ(core_.task_count(), 1u);
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 2), ValueOf("12345678")).ok());
  Perform();
  EXPECT_EQ(core_.workers().free(), core_.workers().total());
}

TEST_F(CancelTest, ForceKillsTheProcessAndTheOthersMoveWithoutLosingAnAttempt) {
  const SendDispatch first = SubmitAndBeginFirst(2);
  ASSERT_TRUE(Cancel(1, true).ok());
  Perform();
  ASSERT_EQ(killed_, (std::vector{ProcessOf(first.worker)}));
  core_.ProcessDied(killed_[0], "killed by signal 9 (SIGKILL)", 17);
  Perform();
  EXPECT_EQ(KindOf(1), ErrorKind::kCancelled);
  EXPECT_EQ(core_.task_count(), 1u) << "it was retried";
  ASSERT_NE(FindDispatch(TaskId::Make(kDriver, 2)), nullptr);
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 2))->worker, first.worker);
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, 2))->attempt, 1u);
}

// Of a worker that is a thread, and cannot be killed.
TEST_F(CancelTest, WhatAGivenUpWorkerHoldsStaysUntilItHasEnded) {
  const SendDispatch first = SubmitAndBeginFirst(2);
  const ObjectId held = ObjectId::Make(first.worker, 1);
  ASSERT_TRUE(core_.Seal(first.worker, {held, ValueOf("12345678")}).ok());
  ASSERT_TRUE(core_.RequestLease(first.worker, 1000).ok());
  Perform();
  const uint64_t leased = core_.Memory(0).leased_bytes;
  EXPECT_GT(leased, 0u);
  ASSERT_TRUE(Cancel(1, true).ok());
  Perform();
  core_.ProcessDied(killed_[0], "given up", kPid, /*for_want_of_memory=*/false, /*runs_on=*/true);
  Perform();
  EXPECT_EQ(KindOf(1), ErrorKind::kCancelled);
  ASSERT_NE(FindDispatch(TaskId::Make(kDriver, 2)), nullptr);
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 2))->worker, first.worker);
  EXPECT_NE(core_.objects().Find(held), nullptr);
  EXPECT_EQ(core_.Memory(0).leased_bytes, leased);
  core_.ForgetHoldings(first.worker);
  Perform();
  EXPECT_EQ(core_.objects().Find(held), nullptr);
  EXPECT_EQ(core_.Memory(0).leased_bytes, 0u);
}

TEST_F(CancelTest, TheNextProcessStartsWhileAKilledOneDies) {
  const SendDispatch first = SubmitAndBeginFirst(2);
  const auto processes = [&] { return core_.workers().CountsOf(JobId(1)).all(); };
  const int before = processes();
  ASSERT_TRUE(Cancel(1, true).ok());
  Perform();
  EXPECT_EQ(processes(), before + 1);
  EXPECT_EQ(core_.workers().free(), ResourceSet()) << "what it holds is not given twice";
  dispatches_.clear();
  core_.ProcessDied(killed_[0], "killed by signal 9 (SIGKILL)", kPid);
  Perform();
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 2)), nullptr);
  EXPECT_EQ(processes(), before);
}

TEST_F(CancelTest, NoProcessIsStartedForNobody) {
  (void)SubmitAndBeginFirst(1);
  const int before = core_.workers().CountsOf(JobId(1)).all();
  ASSERT_TRUE(Cancel(1, true).ok());
  Perform();
  EXPECT_EQ(core_.workers().CountsOf(JobId(1)).all(), before);
}

TEST_F(CancelTest, DependentsShareItAndADoneTaskStays) {
  SubmitAndBeginFirst(1);
  for (uint64_t i = 2; i <= 4; ++i) {
    wire::TaskSpec link = Spec(kDriver, i);
    link.arguments.push_back({ObjectId::Make(kDriver, i - 1)});
    ASSERT_TRUE(Submit(kDriver, link).ok());
  }
  // The tail leaves the others alone; the head takes all with it.
  ASSERT_TRUE(Cancel(4).ok());
  EXPECT_EQ(KindOf(4), ErrorKind::kCancelled);
  EXPECT_EQ(KindOf(3), ErrorKind::kInternal);
  ASSERT_TRUE(Cancel(1).ok());
  Perform();
  EXPECT_EQ(KindOf(2), ErrorKind::kCancelled);
  EXPECT_EQ(KindOf(3), ErrorKind::kCancelled);
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), ValueOf("12345678")).ok());
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 5)).ok());
  Perform();
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 5), ValueOf("12345678")).ok());
  ASSERT_TRUE(Cancel(5).ok());
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 5)), nullptr);
  EXPECT_EQ(core_.Cancel(ClientId(7), {ObjectId::Make(kDriver, 5), false, true}).code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(CancelTest, RecursiveReachesGrandchildrenWhoseParentHasEnded) {
  const SendDispatch first = SubmitAndBeginFirst(1);
  const auto submit_child = [&](ClientId worker, uint64_t sequence, TaskId parent) {
    wire::TaskSpec child = Spec(worker, sequence);
    child.caller.task = parent;
    child.depth = 1;
    EXPECT_TRUE(Submit(worker, child).ok());
    return child.id;
  };
  const TaskId child = submit_child(first.worker, 1, TaskId::Make(kDriver, 1));
  ASSERT_TRUE(core_.Blocked(first.worker, {{child.Result(0)}, 1}).ok());
  Perform();
  const SendDispatch second = *FindDispatch(child);
  Begin(second);
  const TaskId grandchild = submit_child(second.worker, 1, child);
  const TaskId other = submit_child(second.worker, 2, TaskId());  // of nobody
  ASSERT_TRUE(Complete(child, ValueOf("12345678")).ok());
  Perform();
  ASSERT_TRUE(Cancel(1).ok());
  Perform();
  ASSERT_NE(ErrorOf(grandchild.Result(0)), nullptr);
  EXPECT_EQ(ErrorOf(grandchild.Result(0))->kind, ErrorKind::kCancelled);
  EXPECT_EQ(ErrorOf(other.Result(0)), nullptr);
  // What a task submits after it was cancelled is cancelled, too.
  const TaskId late = submit_child(first.worker, 2, TaskId::Make(kDriver, 1));
  ASSERT_NE(ErrorOf(late.Result(0)), nullptr);
  EXPECT_EQ(ErrorOf(late.Result(0))->kind, ErrorKind::kCancelled);
}

TEST_F(CancelTest, ADeadlineCountsTheTimeInTheQueueAndEndsInAnErrorByTheClock) {
  core_.AdvanceTo(kSecond);
  SubmitAndBeginFirst(1);
  wire::TaskSpec timed = Spec(kDriver, 2);
  timed.timeout_nanos = 20 * kMillisecond;
  ASSERT_TRUE(Submit(kDriver, timed).ok());
  Perform();
  EXPECT_EQ(FindDispatch(timed.id)->time_left_nanos, 20 * kMillisecond);
  EXPECT_EQ(core_.NextDeadline(), kSecond + 20 * kMillisecond);
  core_.AdvanceTo(kSecond + 20 * kMillisecond - 1);
  EXPECT_EQ(KindOf(2), ErrorKind::kInternal);
  core_.AdvanceTo(kSecond + 20 * kMillisecond);
  Perform();
  EXPECT_EQ(KindOf(2), ErrorKind::kDeadlineExceeded);
  EXPECT_TRUE(stops_.empty());
  EXPECT_EQ(ready_.back(), std::pair(kDriver, ObjectId::Make(kDriver, 2)));
  EXPECT_EQ(core_.NextDeadline(), kNever);
}

TEST_F(CancelTest, ATaskThatIgnoresItsStopTokenLosesItsProcessAfterTheGrace) {
  core_.AdvanceTo(kSecond);
  wire::TaskSpec timed = Spec(kDriver, 1);
  timed.timeout_nanos = 20 * kMillisecond;
  timed.grace_nanos = 100 * kMillisecond;
  ASSERT_TRUE(Submit(kDriver, timed).ok());
  Perform();
  Begin(*FindDispatch(timed.id));
  core_.AdvanceTo(kSecond + 20 * kMillisecond);
  Perform();
  EXPECT_EQ(KindOf(1), ErrorKind::kDeadlineExceeded);
  EXPECT_EQ(stops_.size(), 1u);
  EXPECT_TRUE(killed_.empty());
  core_.AdvanceTo(kSecond + 120 * kMillisecond - 1);
  Perform();
  EXPECT_TRUE(killed_.empty());
  core_.AdvanceTo(kSecond + 120 * kMillisecond);
  Perform();
  EXPECT_EQ(killed_.size(), 1u);
  core_.ProcessDied(killed_[0], "killed by signal 9 (SIGKILL)", 17);
  Perform();
  EXPECT_EQ(core_.task_count(), 0u);
  EXPECT_EQ(core_.workers().free(), core_.workers().total());
}

// Found by seed 58.
TEST_F(CancelTest, ACancelledTaskThatDoesNotListenIsKilledAfterItsDeadline) {
  wire::TaskSpec timed = Spec(kDriver, 1);
  timed.timeout_nanos = 20 * kMillisecond;
  timed.grace_nanos = 10 * kMillisecond;
  ASSERT_TRUE(Submit(kDriver, timed).ok());
  Perform();
  Begin(*FindDispatch(timed.id));
  ASSERT_TRUE(Cancel(1).ok());
  core_.AdvanceTo(20 * kMillisecond);
  Perform();
  EXPECT_EQ(KindOf(1), ErrorKind::kCancelled);
  EXPECT_EQ(stops_.size(), 1u);
  EXPECT_TRUE(killed_.empty());
  core_.AdvanceTo(30 * kMillisecond);
  Perform();
  EXPECT_EQ(killed_.size(), 1u);
}

TEST_F(CancelTest, UserErrorsAreRetriedAfterGrowingPausesWhileRetriesAreLeft) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.retry_on = 1234;
  spec.max_retries = 3;
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  const ErrorInfo error{.kind = ErrorKind::kTaskError, .message = "not yet"};
  const auto fail = [&](bool retry) {
    Perform();
    const SendDispatch dispatch = *FindDispatch(spec.id);
    Begin(dispatch);
    ASSERT_TRUE(core_
                    .Complete(dispatch.worker,
                              {spec.id, dispatch.attempt, dispatch.slot, {{error, {}}}, retry})
                    .ok());
    Perform();
  };
  int64_t now = 0;
  for (int64_t pause = 50 * kMillisecond, i = 0; i < 3; ++i, pause *= 2) {
    fail(true);
    EXPECT_EQ(ErrorOf(spec.id.Result(0)), nullptr);
    EXPECT_EQ(core_.workers().free(), core_.workers().total());
    const int64_t next = core_.NextDeadline();
    EXPECT_GE(next - now, pause / 2) << i;
    EXPECT_LE(next - now, pause) << i;
    core_.AdvanceTo(now = next);
  }
  EXPECT_EQ(FindDispatch(spec.id)->attempt, 3u);
  fail(true);
  ASSERT_NE(ErrorOf(spec.id.Result(0)), nullptr) << "there is no retry left";
  // An error that its retry_on does not name is final at once.
  wire::TaskSpec other = Spec(kDriver, 2);
  other.retry_on = 1234;
  spec = other;
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  fail(false);
  EXPECT_NE(ErrorOf(spec.id.Result(0)), nullptr);
}

TEST_F(CancelTest, AFunctionWithMaxCallsGetsAFreshProcessAfterSoMany) {
  for (uint64_t i = 1; i <= 5; ++i) {
    wire::TaskSpec spec = Spec(kDriver, i);
    spec.entry = 77;
    spec.max_calls = 2;
    ASSERT_TRUE(Submit(kDriver, spec).ok());
  }
  for (uint64_t i = 1; i <= 5; ++i) {
    Perform();
    const SendDispatch* dispatch = FindDispatch(TaskId::Make(kDriver, i));
    ASSERT_NE(dispatch, nullptr) << i;
    EXPECT_EQ(dispatch->worker, WorkerOf(ProcessId((i + 1) / 2))) << i;
    ASSERT_TRUE(Complete(TaskId::Make(kDriver, i), ValueOf("12345678")).ok());
    Perform();
    if (i % 2 != 0) continue;
    ASSERT_EQ(ended_.size(), i / 2);
    core_.ProcessDied(ProcessOf(ended_.back()), "exited with code 0", 0);
  }
  EXPECT_EQ(started_.size(), 3u);
}

}  // namespace
}  // namespace troupe::scheduler
