// Actors, event by event: checkpoints, retries of calls, pending calls, and the ways to end.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class ActorsTest : public CoreTest {
 protected:
  // Actor number 1, alive.
  ClientId StartActor(wire::TaskSpec spec = Spec(kDriver, 1)) {
    spec.kind = wire::TaskKind::kActorCreation;
    spec.cpu_units = 0;
    spec.type_name = "Counter";
    EXPECT_TRUE(Submit(kDriver, spec).ok());
    Perform();
    EXPECT_TRUE(Complete(spec.id, ValueOf("12345678")).ok());
    Perform();
    return FindDispatch(spec.id)->worker;
  }
  TaskId Call(uint64_t number, std::string_view group = "") {
    wire::TaskSpec call = Spec(kDriver, 1 + number);
    call.kind = wire::TaskKind::kActorCall;
    call.cpu_units = 0;
    call.actor = ObjectId::Make(kDriver, 1);
    call.sequence = number;
    call.concurrency_group = group;
    EXPECT_TRUE(Submit(kDriver, call).ok());
    Perform();
    return call.id;
  }
  void SaveCheckpoint(ClientId worker, uint64_t sequence) {
    const ObjectId state = ObjectId::Make(worker, sequence);
    ASSERT_TRUE(core_.Seal(worker, {state, ValueOf("the state")}).ok());
    ASSERT_TRUE(core_.Checkpoint(worker, {state}).ok());
    ASSERT_TRUE(core_.Release(worker, {{{state, 1}}}).ok());
  }
};

TEST_F(ActorsTest, ARestartIsGivenTheLastCheckpointAndDeathFreesIt) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_restarts = 1;
  const ClientId worker = StartActor(spec);
  EXPECT_FALSE(FindDispatch(spec.id)->restores);
  SaveCheckpoint(worker, 1);
  SaveCheckpoint(worker, 2);
  EXPECT_EQ(core_.objects().Find(ObjectId::Make(worker, 1)), nullptr) << "the older one stays";
  core_.ProcessDied(ProcessOf(worker), "killed by signal 9 (SIGKILL)", 17);
  Perform();
  const SendDispatch again = *FindDispatch(spec.id);
  EXPECT_NE(again.worker, worker);
  EXPECT_TRUE(again.restores);
  EXPECT_EQ(again.values.back().id, ObjectId::Make(worker, 2));
  core_.ProcessDied(ProcessOf(again.worker), "killed by signal 9 (SIGKILL)", 18);
  Perform();
  EXPECT_EQ(core_.objects().Find(ObjectId::Make(worker, 2)), nullptr);
}

TEST_F(ActorsTest, GroupsAreDispatchedPastOneAnother) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_concurrency = 2;
  spec.concurrency_groups = {{"io", 3}};
  StartActor(spec);
  // More than the first group may have, so that one of them waits here.
  const size_t depth = 2 + Limits::kActorDispatchDepth / 2;
  for (uint64_t i = 1; i <= depth + 1; ++i) Call(i);
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 1 + depth)), nullptr);
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, 2 + depth)), nullptr);
  const TaskId io = Call(depth + 2, "io");
  ASSERT_NE(FindDispatch(io), nullptr) << "it waits for calls of another group";
  EXPECT_EQ(FindDispatch(io)->group, 1u);
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, 2))->group, 0u);
  ASSERT_TRUE(Complete(io, ValueOf("12345678")).ok());
  Perform();
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, 2 + depth)), nullptr);
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 2), ValueOf("12345678")).ok());
  Perform();
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 2 + depth)), nullptr);
}

TEST_F(ActorsTest, ACallOfAnUnknownGroupSaysWhichThereAre) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.concurrency_groups = {{"io", 1}, {"compute", 2}};
  StartActor(spec);
  const TaskId call = Call(1, "oi");
  ASSERT_NE(ErrorOf(call.Result(0)), nullptr);
  EXPECT_EQ(ErrorOf(call.Result(0))->kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(ErrorOf(call.Result(0))->message,
            "the actor Counter has no concurrency group \"oi\"; it has \"io\", \"compute\"");
  // The next one is no worse for it.
  EXPECT_NE(FindDispatch(Call(2, "io")), nullptr);
}

TEST_F(ActorsTest, MoreThreadsThanAllowedAreALie) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.kind = wire::TaskKind::kActorCreation;
  spec.max_concurrency = Limits::kMaxActorThreads;
  spec.concurrency_groups = {{"io", 1}};
  EXPECT_FALSE(Submit(kDriver, spec).ok());
  spec.id = TaskId::Make(kDriver, 2);
  spec.max_concurrency = 1;
  spec.concurrency_groups = {{"io", 1}, {"io", 1}};
  EXPECT_FALSE(Submit(kDriver, spec).ok());
}

TEST_F(ActorsTest, CheckpointsOfOthersAreRefused) {
  const ClientId worker = StartActor();
  ASSERT_TRUE(core_.Seal(kDriver, {ObjectId::Make(kDriver, 50), ValueOf("12345678")}).ok());
  EXPECT_FALSE(core_.Checkpoint(kDriver, {ObjectId::Make(kDriver, 50)}).ok());
  EXPECT_FALSE(core_.Checkpoint(worker, {ObjectId::Make(kDriver, 50)}).ok());
  EXPECT_FALSE(core_.ExitActor(kDriver).ok());
}

TEST_F(ActorsTest, CallsAreTriedAgainInOrderWhereTheActorSaysSo) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_restarts = -1;
  spec.max_task_retries = 1;
  const ClientId worker = StartActor(spec);
  for (uint64_t i = 1; i <= 3; ++i) Call(i);
  Begin(*FindDispatch(TaskId::Make(kDriver, 2)));
  dispatches_.clear();
  core_.ProcessDied(ProcessOf(worker), "killed by signal 9 (SIGKILL)", 17);
  Perform();
  ASSERT_TRUE(Complete(spec.id, ValueOf("12345678")).ok());
  Perform();
  std::vector<uint32_t> attempts;
  for (const SendDispatch& dispatch : dispatches_) attempts.push_back(dispatch.attempt);
  EXPECT_EQ(attempts, (std::vector<uint32_t>{2, 2, 1, 1}));  // the creation, then the calls
  // Its retry is used up.
  const SendDispatch first = *FindDispatch(TaskId::Make(kDriver, 2));
  Begin(first);
  core_.ProcessDied(ProcessOf(first.worker), "killed by signal 9 (SIGKILL)", 18);
  Perform();
  ASSERT_NE(ErrorOf(ObjectId::Make(kDriver, 2)), nullptr);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 2))->kind, ErrorKind::kUnavailable);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 3)), nullptr);
}

// Found by seed 3193: what was on its way when the process was killed counts, as in any other
// death.
TEST_F(ActorsTest, WhatAKilledProcessHadSubmittedRuns) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_restarts = -1;
  const ClientId worker = StartActor(spec);
  ASSERT_TRUE(core_.Kill(kDriver, {ObjectId::Make(kDriver, 1), false}).ok());
  ASSERT_TRUE(Submit(worker, Spec(worker, 1)).ok());
  Perform();
  EXPECT_EQ(ErrorOf(ObjectId::Make(worker, 1)), nullptr);
  EXPECT_NE(FindDispatch(TaskId::Make(worker, 1)), nullptr);
}

TEST_F(ActorsTest, MorePendingCallsThanAllowedFail) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_pending_calls = 2;
  StartActor(spec);
  for (uint64_t i = 1; i <= 3; ++i) Call(i);
  ASSERT_NE(ErrorOf(ObjectId::Make(kDriver, 4)), nullptr);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 4))->kind, ErrorKind::kResourceExhausted);
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 2), ValueOf("12345678")).ok());
  Perform();
  Call(4);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 5)), nullptr);
}

TEST_F(ActorsTest, AnActorThatExitsEndsInOrderAndItsLaterCallsFail) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_restarts = -1;
  const ClientId worker = StartActor(spec);
  for (uint64_t i = 1; i <= 3; ++i) Call(i);
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 2), ValueOf("12345678")).ok());
  ASSERT_TRUE(core_.ExitActor(worker).ok());
  Perform();
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 2)), nullptr);
  for (uint64_t i = 3; i <= 4; ++i) {
    ASSERT_NE(ErrorOf(ObjectId::Make(kDriver, i)), nullptr) << i;
    EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, i))->kind, ErrorKind::kActorDied);
  }
  EXPECT_EQ(ended_, (std::vector{worker}));
  EXPECT_TRUE(killed_.empty());
  // One that does not end by itself is killed after 30 seconds.
  EXPECT_EQ(core_.NextDeadline(), 30 * kSecond);
  core_.AdvanceTo(30 * kSecond);
  Perform();
  EXPECT_EQ(killed_, (std::vector{ProcessOf(worker)}));
  core_.ProcessDied(ProcessOf(worker), "killed by signal 9 (SIGKILL)", 17);
  Perform();
  EXPECT_EQ(core_.task_count(), 0u) << "it was restarted";
  EXPECT_EQ(core_.NextDeadline(), kNever);
}

TEST_F(ActorsTest, ADriverLearnsHowManyOfItsTasksAreDone) {
  constexpr ClientId kOther = ClientId(2);
  core_.DriverJoined(kOther, JobId(2), {"small", kResourceUnit, 32});
  std::vector<uint64_t> told;
  for (uint64_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(Submit(kOther, Spec(kOther, i)).ok());
    Perform();
    ASSERT_TRUE(Complete(TaskId::Make(kOther, i), ValueOf("12345678")).ok());
    Perform();
  }
  for (const SendFinished& finished : finished_) {
    EXPECT_EQ(finished.client, kOther);
    told.push_back(finished.count);
  }
  EXPECT_EQ(told, (std::vector<uint64_t>{2, 4}));  // in steps of a sixteenth of its window
}

}  // namespace
}  // namespace troupe::scheduler
