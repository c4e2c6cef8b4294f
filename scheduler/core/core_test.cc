// The rules of the core, one by one: events in, actions out. What many of them do together is for
// //tests/simulation.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class OneCpu : public CoreTest {
 protected:
  OneCpu() : CoreTest(1) {}
};

class SmallStore : public CoreTest {
 protected:
  SmallStore() : CoreTest(2, 1 << 20) {}
};

TEST_F(CoreTest, ATaskRunsAndItsResultIsTold) {
  const TaskId task = TaskId::Make(kDriver, 1);
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  Perform();
  ASSERT_NE(FindDispatch(task), nullptr);
  EXPECT_TRUE(ready_.empty());
  ASSERT_TRUE(Complete(task, ValueOf("12345678")).ok());
  Perform();
  EXPECT_EQ(ready_, (std::vector{std::pair(kDriver, task.Result(0))}));
  EXPECT_EQ(core_.task_count(), 0u);
  ASSERT_TRUE(core_.Release(kDriver, {{{task.Result(0), 1}}}).ok());
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(CoreTest, ATaskWaitsForItsArgumentAndSharesItsError) {
  wire::TaskSpec second = Spec(kDriver, 2);
  second.arguments.push_back({ObjectId::Make(kDriver, 1)});
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  ASSERT_TRUE(Submit(kDriver, second).ok());
  Perform();
  EXPECT_EQ(FindDispatch(second.id), nullptr);
  const ErrorInfo error{.kind = ErrorKind::kTaskError, .message = "no luck"};
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), {error, {}}).ok());
  Perform();
  EXPECT_EQ(FindDispatch(second.id), nullptr) << "it ran with an argument that failed";
  ASSERT_NE(ErrorOf(second.id.Result(0)), nullptr);
  EXPECT_EQ(ErrorOf(second.id.Result(0))->message, "no luck");
}

TEST_F(CoreTest, WhatNoClusterHasIsInfeasibleAtOnceAndNamesIt) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.cpu_units = 100 * kResourceUnit;
  spec.resources = {{"gpu", kResourceUnit}};
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  Perform();
  ASSERT_NE(ErrorOf(spec.id.Result(0)), nullptr);
  EXPECT_EQ(ErrorOf(spec.id.Result(0))->kind, ErrorKind::kInfeasible);
  EXPECT_NE(ErrorOf(spec.id.Result(0))->message.find("gpu"), std::string::npos);
  EXPECT_TRUE(started_.empty());
}

TEST_F(CoreTest, AWorkersDeathRetriesTheTaskThatHadBegunAndForgivesTheOthers) {
  for (uint64_t i = 1; i <= 8; ++i) ASSERT_TRUE(Submit(kDriver, Spec(kDriver, i)).ok());
  Perform();
  const SendDispatch first = *FindDispatch(TaskId::Make(kDriver, 1));
  Begin(first);
  core_.ProcessDied(ProcessOf(first.worker), "killed by signal 9 (SIGKILL)", 17);
  Perform();
  uint32_t highest_attempt = 0;
  for (uint64_t i = 1; i <= 8; ++i) {
    const SendDispatch* dispatch = FindDispatch(TaskId::Make(kDriver, i));
    ASSERT_NE(dispatch, nullptr);
    EXPECT_NE(dispatch->worker, first.worker);
    EXPECT_EQ(dispatch->attempt, i == 1 ? 2u : 1u) << i;
    highest_attempt = std::max(highest_attempt, dispatch->attempt);
  }
  // Its one retry is used up.
  const SendDispatch again = *FindDispatch(TaskId::Make(kDriver, 1));
  Begin(again);
  core_.ProcessDied(ProcessOf(again.worker), "killed by signal 9 (SIGKILL)", 18);
  Perform();
  const ErrorInfo* error = ErrorOf(ObjectId::Make(kDriver, 1));
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->kind, ErrorKind::kWorkerCrashed);
  EXPECT_EQ(error->message, "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(error->attempt, 2u);
  EXPECT_EQ(error->pid, 18);
}

TEST_F(CoreTest, ThreeWorkersThatCannotStartFailWhatWaitsForThem) {
  workers_join_ = false;
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  for (size_t i = 0; i < 3; ++i) {
    Perform();
    ASSERT_EQ(started_.size(), i + 1);
    core_.ProcessDied(started_.back(), "exited with code 127", 0);
  }
  Perform();
  ASSERT_NE(ErrorOf(ObjectId::Make(kDriver, 1)), nullptr);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 1))->message,
            "no worker could be started: exited with code 127");
  EXPECT_EQ(started_.size(), 3u);
}

TEST_F(CoreTest, TenWorkersThatDieBeforeTheyBeginFailWhatWaitsForThem) {
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  for (size_t i = 0; i < 10; ++i) {
    Perform();
    ASSERT_EQ(started_.size(), i + 1);
    ASSERT_EQ(dispatches_.size(), i + 1) << "each has joined, and was given the task";
    EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 1)), nullptr) << i;
    core_.ProcessDied(started_.back(), "killed by signal 6 (SIGABRT)", 17);
  }
  Perform();
  ASSERT_NE(ErrorOf(ObjectId::Make(kDriver, 1)), nullptr);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 1))->message,
            "no worker could be started: killed by signal 6 (SIGABRT)");
  EXPECT_EQ(started_.size(), 10u);
}

TEST_F(CoreTest, AWorkerThatBeginsShowsThatWorkersStart) {
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 9; ++i) {
      Perform();
      core_.ProcessDied(started_.back(), "killed by signal 6 (SIGABRT)", 17);
    }
    Perform();
    ASSERT_EQ(ErrorOf(ObjectId::Make(kDriver, 1)), nullptr) << round;
    ASSERT_TRUE(
        Complete(TaskId::Make(kDriver, static_cast<uint64_t>(round) + 1), ValueOf("12345678"))
            .ok());
    core_.ProcessDied(started_.back(), "killed by signal 9 (SIGKILL)", 18);
    ASSERT_TRUE(Submit(kDriver, Spec(kDriver, static_cast<uint64_t>(round) + 2)).ok());
  }
}

TEST_F(CoreTest, WhatHasStartedOnceIsTriedManyTimesMore) {
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  Perform();
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), ValueOf("12345678")).ok());
  workers_join_ = false;
  core_.ProcessDied(started_.back(), "killed by signal 9 (SIGKILL)", 17);
  started_.clear();
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 2)).ok());
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 2)), nullptr) << i;
    Perform();
    ASSERT_EQ(started_.size(), i + 1);
    core_.ProcessDied(started_.back(), "killed by signal 9 (SIGKILL)", 18);
  }
  ASSERT_NE(ErrorOf(ObjectId::Make(kDriver, 2)), nullptr);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 2))->message,
            "no worker could be started: killed by signal 9 (SIGKILL)");
}

TEST_F(OneCpu, AParentThatWaitsLendsItsCpuAndWhatWasQueuedBehindItMoves) {
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 2)).ok());
  Perform();
  const SendDispatch parent = *FindDispatch(TaskId::Make(kDriver, 1));
  const SendDispatch behind = *FindDispatch(TaskId::Make(kDriver, 2));
  EXPECT_EQ(behind.worker, parent.worker);
  Begin(parent);
  wire::TaskSpec child = Spec(parent.worker, 1);
  child.depth = 1;
  ASSERT_TRUE(Submit(parent.worker, child).ok());
  ASSERT_TRUE(core_.Blocked(parent.worker, {{child.id.Result(0)}, 1}).ok());
  Perform();
  ASSERT_NE(FindDispatch(child.id), nullptr);
  EXPECT_NE(FindDispatch(child.id)->worker, parent.worker);
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 2))->worker, parent.worker);
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, 2))->attempt, 1u);
  ASSERT_EQ(taken_back_.size(), 1u) << "it need not keep the frame while it waits";
  EXPECT_EQ(taken_back_[0].worker, parent.worker);
  // The child, which was sent after it, came back first.
  EXPECT_EQ(taken_back_[0].generations, (std::vector{behind.generation + 1, behind.generation}));
  EXPECT_EQ(started_.size(), 2u);
  ASSERT_TRUE(Complete(child.id, ValueOf("12345678")).ok());
  ASSERT_TRUE(core_.Unblocked(parent.worker).ok());
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), ValueOf("12345678")).ok());
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 2), ValueOf("12345678")).ok());
  Perform();
  EXPECT_EQ(core_.task_count(), 0u);
  EXPECT_EQ(core_.workers().free(), core_.workers().total());
}

TEST_F(CoreTest, AWorkerIsToldOfTheFramesThatItNeedNotKeep) {
  for (uint64_t i = 1; i <= 8; ++i) ASSERT_TRUE(Submit(kDriver, Spec(kDriver, i)).ok());
  Perform();
  const SendDispatch busy = *FindDispatch(TaskId::Make(kDriver, 1));
  Begin(busy);
  std::vector<uint64_t> queued;  // behind the one that is busy
  for (const SendDispatch& dispatch : dispatches_) {
    if (dispatch.worker == busy.worker && dispatch.generation != busy.generation)
      queued.push_back(dispatch.generation);
  }
  ASSERT_FALSE(queued.empty());
  EXPECT_TRUE(taken_back_.empty());
  // The other worker does all the rest.
  for (size_t i = 0; i < dispatches_.size(); ++i) {
    if (dispatches_[i].worker == busy.worker) continue;
    const auto spec = wire::DecodeClientMessage(dispatches_[i].spec.bytes());
    ASSERT_TRUE(Complete(std::get<wire::TaskSpec>(*spec).id, ValueOf("12345678")).ok());
    Perform();
  }
  EXPECT_EQ(core_.task_count(), 1u);
  std::vector<uint64_t> told;
  for (const SendTakenBack& taken_back : taken_back_) {
    ASSERT_EQ(taken_back.worker, busy.worker);
    told.insert(told.end(), taken_back.generations.begin(), taken_back.generations.end());
  }
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, queued);
}

TEST_F(OneCpu, NestingThatCanNeverEndIsRefusedAtItsDeepest) {
  ClientId submitter = kDriver;
  const int cap = Limits::MaxWorkersPerJob(1);
  for (int depth = 0; depth < cap; ++depth) {
    wire::TaskSpec spec = Spec(submitter, 1);
    spec.depth = static_cast<uint32_t>(depth);
    ASSERT_TRUE(Submit(submitter, spec).ok());
    Perform();
    const SendDispatch* dispatch = FindDispatch(spec.id);
    ASSERT_NE(dispatch, nullptr) << depth;
    EXPECT_TRUE(refusals_.empty());
    Begin(*dispatch);
    submitter = dispatch->worker;
    if (depth == cap - 1) break;
    ASSERT_TRUE(core_.Blocked(submitter, {{TaskId::Make(submitter, 1).Result(0)}, 1}).ok());
  }
  ASSERT_TRUE(Submit(submitter, Spec(submitter, 1)).ok());
  ASSERT_TRUE(core_.Blocked(submitter, {{TaskId::Make(submitter, 1).Result(0)}, 1}).ok());
  Perform();
  ASSERT_EQ(refusals_.size(), 1u);
  EXPECT_EQ(refusals_[0].kind, ErrorKind::kResourceExhausted);
  EXPECT_NE(refusals_[0].message.find("nest less deeply"), std::string::npos);
}

TEST_F(CoreTest, CallsOfAnActorKeepTheirOrderWhenTheirProcessDies) {
  wire::TaskSpec actor = Spec(kDriver, 1);
  actor.kind = wire::TaskKind::kActorCreation;
  actor.cpu_units = 0;
  actor.max_restarts = 1;
  ASSERT_TRUE(Submit(kDriver, actor).ok());
  Perform();
  ASSERT_TRUE(Complete(actor.id, ValueOf("12345678")).ok());
  for (uint64_t i = 1; i <= 4; ++i) {
    wire::TaskSpec call = Spec(kDriver, 1 + i);
    call.kind = wire::TaskKind::kActorCall;
    call.cpu_units = 0;
    call.actor = actor.id.Result(0);
    call.sequence = i;
    ASSERT_TRUE(Submit(kDriver, call).ok());
  }
  Perform();
  const SendDispatch first = *FindDispatch(TaskId::Make(kDriver, 2));
  Begin(first);
  dispatches_.clear();
  core_.ProcessDied(ProcessOf(first.worker), "killed by signal 9 (SIGKILL)", 17);
  Perform();
  // The one that had begun may have run: it fails. The others come after the new constructor.
  ASSERT_NE(ErrorOf(ObjectId::Make(kDriver, 2)), nullptr);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 2))->kind, ErrorKind::kUnavailable);
  ASSERT_TRUE(Complete(actor.id, ValueOf("12345678")).ok());
  Perform();
  std::vector<uint64_t> order;
  for (const SendDispatch& dispatch : dispatches_) {
    const auto message = wire::DecodeClientMessage(dispatch.spec.bytes());
    order.push_back(std::get<wire::TaskSpec>(*message).sequence);
  }
  EXPECT_EQ(order, (std::vector<uint64_t>{0, 2, 3, 4}));
}

TEST_F(CoreTest, ACallThatFailsByItsArgumentLetsTheNextOneGo) {
  wire::TaskSpec actor = Spec(kDriver, 1);
  actor.kind = wire::TaskKind::kActorCreation;
  actor.cpu_units = 0;
  ASSERT_TRUE(Submit(kDriver, actor).ok());
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 2)).ok());
  Perform();
  ASSERT_TRUE(Complete(actor.id, ValueOf("12345678")).ok());
  for (uint64_t i = 1; i <= 2; ++i) {
    wire::TaskSpec call = Spec(kDriver, 2 + i);
    call.kind = wire::TaskKind::kActorCall;
    call.cpu_units = 0;
    call.actor = actor.id.Result(0);
    call.sequence = i;
    if (i == 1) call.arguments.push_back({ObjectId::Make(kDriver, 2)});
    ASSERT_TRUE(Submit(kDriver, call).ok());
  }
  Perform();
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, 4)), nullptr) << "it overtook the call before it";
  const ErrorInfo error{.kind = ErrorKind::kTaskError, .message = "no luck"};
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 2), {error, {}}).ok());
  Perform();
  EXPECT_NE(ErrorOf(ObjectId::Make(kDriver, 3)), nullptr);
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 4)), nullptr);
}

TEST_F(CoreTest, AnActorEndsWithItsLastHandleAndADetachedOneGoesOn) {
  for (uint64_t i = 1; i <= 2; ++i) {
    wire::TaskSpec actor = Spec(kDriver, i);
    actor.kind = wire::TaskKind::kActorCreation;
    actor.cpu_units = 0;
    actor.detached = i == 2;
    if (i == 2) actor.actor_name = "stays";
    ASSERT_TRUE(Submit(kDriver, actor).ok());
    Perform();
    ASSERT_TRUE(Complete(actor.id, ValueOf("12345678")).ok());
    ASSERT_TRUE(core_.Release(kDriver, {{{actor.id.Result(0), 1}}}).ok());
    Perform();
  }
  EXPECT_EQ(ended_, (std::vector{WorkerOf(started_[0])}));
  EXPECT_EQ(core_.actor_count(), 1u);
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.actor_count(), 1u);
  EXPECT_TRUE(core_.HasJob(JobId(1))) << "its image is needed if the actor restarts";
  // What the detached actor submits runs, without its driver.
  const ClientId worker = WorkerOf(started_[1]);
  ASSERT_TRUE(Submit(worker, Spec(worker, 1)).ok());
  Perform();
  EXPECT_NE(FindDispatch(TaskId::Make(worker, 1)), nullptr);
}

TEST_F(CoreTest, ADriversEndCancelsItsTasksAndKillsItsWorkers) {
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(Submit(kDriver, Spec(kDriver, i)).ok());
  Perform();
  const SendDispatch running = *FindDispatch(TaskId::Make(kDriver, 1));
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.task_count(), 0u);
  EXPECT_EQ(killed_, started_);
  // Its messages that were under way are too late, not wrong.
  EXPECT_TRUE(core_.Complete(running.worker, {TaskId::Make(kDriver, 1), 1, running.slot, {}}).ok());
  EXPECT_TRUE(Submit(running.worker, Spec(running.worker, 1)).ok());
  EXPECT_EQ(core_.task_count(), 0u);
  for (const ProcessId process : started_) core_.ProcessDied(process, "killed", 0);
  Perform();
  EXPECT_FALSE(core_.HasJob(JobId(1)));
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(SmallStore, ProducersWaitForMemoryAndAreToldAfter30Seconds) {
  core_.AdvanceTo(kSecond);
  ASSERT_TRUE(core_.RequestLease(kDriver, 600'000).ok());
  Perform();
  ASSERT_EQ(leases_.size(), 1u);
  const ObjectId object = ObjectId::Make(kDriver, 1);
  const Location place{leases_[0].space.chunk, leases_[0].space.offset, 600'000};
  ASSERT_TRUE(core_.Seal(kDriver, {object, {place, {}}}).ok());
  ASSERT_TRUE(core_.RequestLease(kDriver, 600'000).ok());
  ASSERT_TRUE(core_.RequestLease(kDriver, 600'000).ok());
  core_.AdvanceTo(30 * kSecond);
  Perform();
  EXPECT_EQ(leases_.size(), 1u);
  EXPECT_TRUE(refusals_.empty());
  // Freed memory goes to the first in the queue.
  ASSERT_TRUE(core_.Release(kDriver, {{{object, 1}}}).ok());
  Perform();
  EXPECT_EQ(leases_.size(), 2u);
  // That was progress: the other one has 30 more seconds.
  EXPECT_EQ(core_.NextDeadline(), 60 * kSecond);
  core_.AdvanceTo(60 * kSecond);
  Perform();
  ASSERT_EQ(refusals_.size(), 1u);
  EXPECT_EQ(refusals_[0].kind, ErrorKind::kResourceExhausted);
  EXPECT_NE(refusals_[0].message.find("--object_store_memory"), std::string::npos);
  // What can never fit is refused at once.
  ASSERT_TRUE(core_.RequestLease(kDriver, 2 << 20).ok());
  Perform();
  EXPECT_EQ(refusals_.size(), 2u);
}

// Clients that lie: the core says what they did, and keeps its state.
TEST_F(CoreTest, LiesAreRefusedWithAReason) {
  constexpr ClientId kOther = ClientId(2);
  core_.DriverJoined(kOther, JobId(2));
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  Perform();
  const SendDispatch dispatch = *FindDispatch(TaskId::Make(kDriver, 1));
  const ObjectId result = ObjectId::Make(kDriver, 1);
  const auto refused = [](const absl::Status& status, std::string_view why) {
    EXPECT_FALSE(status.ok()) << why;
    EXPECT_NE(std::string(status.message()).find(why), std::string::npos) << status;
  };

  wire::TaskSpec spec = Spec(kOther, 1);
  spec.arguments.push_back({result});
  refused(Submit(kOther, spec), "was never granted it");
  refused(Submit(kOther, Spec(kDriver, 9)), "");   // an id of another maker
  refused(Submit(kDriver, Spec(kDriver, 1)), "");  // an id that exists
  spec = Spec(kOther, 2);
  spec.num_returns = 0;
  refused(Submit(kOther, spec), "0 results");
  spec = Spec(kOther, 3);
  spec.cpu_units = -1;
  refused(Submit(kOther, spec), "negative");
  spec.cpu_units = 1;
  spec.resources = {{"gpu", -1}};  // which would make others richer
  refused(Submit(kOther, spec), "a negative amount of gpu");
  spec = Spec(kDriver, 4);
  spec.kind = wire::TaskKind::kActorCall;
  spec.actor = result;
  spec.sequence = 1;
  refused(Submit(kDriver, spec), "is no actor");

  refused(core_.Release(kOther, {{{result, 1}}}), "");
  refused(core_.Release(kDriver, {{{result, 2}}}), "");
  refused(core_.Claim(kOther, {result, 0, 1}), "");
  refused(core_.Claim(kDriver, {result, 0, 1}), "");  // it holds nothing yet
  refused(core_.Subscribe(kOther, {{result}}), "");
  refused(core_.Kill(kDriver, {result, true}), "no actor");
  refused(core_.RequestLease(kDriver, 0), "0 bytes");
  refused(core_.ReturnLease(kDriver, {ChunkId(1), 0, 64}), "");
  refused(core_.Seal(kDriver, {ObjectId::Make(kDriver, 50), {Location{ChunkId(7), 0, 64}, {}}}),
          "");
  refused(core_.Seal(kDriver, {ObjectId::Make(kDriver, 51), {wire::Pending{}, {}}}),
          "without a value");

  const wire::Value value = ValueOf("12345678");
  const TaskId task = TaskId::Make(kDriver, 1);
  refused(core_.Complete(kDriver, {task, 1, dispatch.slot, {value}}), "is no worker");
  refused(core_.Complete(dispatch.worker, {task, 2, dispatch.slot, {value}}), "does not have");
  refused(core_.Complete(dispatch.worker, {task, 1, dispatch.slot, {value, value}}),
          "2 results instead of 1");
  refused(core_.Complete(dispatch.worker, {TaskId::Make(kDriver, 77), 1, 0, {value}}),
          "does not have");
  ASSERT_TRUE(Complete(task, value).ok());
  refused(core_.Complete(dispatch.worker, {task, 1, dispatch.slot, {value}}), "does not have");
  refused(core_.Seal(kDriver, {result, {value.content, {}}}), "");
  EXPECT_EQ(core_.WorkerJoined(ProcessId(99), ClientId(99)).code(), absl::StatusCode::kNotFound);

  // Both liars are cut off; nothing of theirs is left.
  core_.DriverLeft(kOther);
  core_.DriverLeft(kDriver);
  Perform();
  for (const ProcessId process : started_) core_.ProcessDied(process, "killed", 0);
  Perform();
  EXPECT_EQ(core_.objects().count(), 0u);
  EXPECT_EQ(core_.task_count(), 0u);
  EXPECT_EQ(core_.job_count(), 0u);
}

// --- Calls of another build.

TEST_F(CoreTest, CallsOfAnotherBuildAreRefusedUnlessTheyAreNamed) {
  constexpr ClientId kOther = ClientId(2), kTwin = ClientId(3), kOwner = ClientId(4);
  core_.DriverJoined(kOther, JobId(2),
                     {.name = "", .build_id = "other", .executable = "/bin/other"});
  core_.DriverJoined(kTwin, JobId(3), {.name = "", .build_id = "own", .executable = "/bin/twin"});
  core_.DriverJoined(kOwner, JobId(4), {.name = "", .build_id = "own", .executable = "/bin/own"});
  wire::TaskSpec creation = Spec(kOwner, 1);
  creation.kind = wire::TaskKind::kActorCreation;
  creation.cpu_units = 0;
  creation.actor_name = "shared";
  creation.detached = true;
  ASSERT_TRUE(Submit(kOwner, creation).ok());
  Perform();
  const auto call = [&](ClientId caller, uint64_t sequence, std::string_view function) {
    EXPECT_TRUE(core_.FindActor(caller, {sequence, "shared"}).ok());
    wire::TaskSpec spec = Spec(caller, sequence);
    spec.kind = wire::TaskKind::kActorCall;
    spec.cpu_units = 0;
    spec.actor = creation.id.Result(0);
    spec.sequence = sequence;
    spec.function = function;
    EXPECT_TRUE(Submit(caller, spec).ok());
    Perform();
    return spec.id.Result(0);
  };
  const ErrorInfo* error = ErrorOf(call(kOther, 1, ""));
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->kind, ErrorKind::kBuildMismatch);
  EXPECT_NE(error->message.find("/bin/other, build "), std::string::npos) << error->message;
  EXPECT_NE(error->message.find("the actor runs /bin/own, build "), std::string::npos)
      << error->message;
  EXPECT_EQ(ErrorOf(call(kOther, 2, "Counter.Add")), nullptr);
  EXPECT_EQ(ErrorOf(call(kTwin, 1, "")), nullptr) << "the same build, another job";
}

}  // namespace
}  // namespace troupe::scheduler
