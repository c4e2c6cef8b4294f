// Who goes first: priorities and their inheritance, resources that many want, shares of jobs.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

class OrderTest : public CoreTest {
 protected:
  explicit OrderTest(double cpus = 1) : CoreTest(cpus) {}

  static TaskId Id(uint64_t sequence) { return TaskId::Make(kDriver, sequence); }
  void SubmitWith(uint64_t sequence, int32_t priority, std::vector<ObjectId> arguments = {}) {
    wire::TaskSpec spec = Spec(kDriver, sequence);
    spec.priority = priority;
    for (const ObjectId id : arguments) spec.arguments.push_back({id});
    ASSERT_TRUE(Submit(kDriver, spec).ok());
    Perform();
  }
  // The dispatches that have not been taken back, in order.
  std::vector<uint64_t> Order() {
    std::vector<uint64_t> order;
    for (const SendDispatch& dispatch : dispatches_) {
      const auto spec = wire::DecodeClientMessage(dispatch.spec.bytes());
      order.push_back(std::get<wire::TaskSpec>(*spec).id.Result(0).sequence());
    }
    return order;
  }
};

class TwoCpus : public OrderTest {
 protected:
  TwoCpus() : OrderTest(2) {}
};

TEST_F(OrderTest, AnUrgentTaskGoesNextThoughAThousandOthersWereThere) {
  for (uint64_t i = 1; i <= 1000; ++i) SubmitWith(i, 0);
  Begin(*FindDispatch(Id(1)));
  dispatches_.clear();
  SubmitWith(1001, 5);
  // Those behind the running one were taken back, and come after it.
  ASSERT_FALSE(dispatches_.empty());
  EXPECT_EQ(Order().front(), 1001u);
  EXPECT_EQ(Order()[1], 2u);
  // A more urgent one goes before it, an equally urgent one behind it.
  dispatches_.clear();
  SubmitWith(1002, 5);
  EXPECT_EQ(Order().front(), 1002u);
  SubmitWith(1003, 6);
  const Worker* worker = core_.workers().FindClient(FindDispatch(Id(1003))->worker);
  std::vector<TaskId> queue;
  for (const Task* task : worker->queue) queue.push_back(task->id);
  ASSERT_GE(queue.size(), 5u);
  queue.resize(5);
  EXPECT_EQ(queue, (std::vector{Id(1), Id(1003), Id(1001), Id(1002), Id(2)}));
}

TEST_F(OrderTest, UrgencyIsInheritedByWhatIsWaitedFor) {
  SubmitWith(1, 0);  // runs
  Begin(*FindDispatch(Id(1)));
  for (uint64_t i = 2; i <= 40; ++i) SubmitWith(i, 0);
  SubmitWith(41, 0);
  SubmitWith(42, 0, {Id(41).Result(0)});
  dispatches_.clear();
  SubmitWith(43, 9, {Id(42).Result(0)});  // through two tasks
  ASSERT_FALSE(dispatches_.empty());
  EXPECT_EQ(Order().front(), 41u);
}

TEST_F(OrderTest, WhatABlockedUrgentTaskWaitsForIsUrgent) {
  for (uint64_t i = 1; i <= 20; ++i) SubmitWith(i, 0);
  Begin(*FindDispatch(Id(1)));
  SubmitWith(21, 3);
  ASSERT_TRUE(Complete(Id(1), ValueOf("12345678")).ok());
  Perform();
  const SendDispatch urgent = *FindDispatch(Id(21));
  Begin(urgent);
  dispatches_.clear();
  ASSERT_TRUE(core_.Subscribe(kDriver, {{Id(20).Result(0)}}).ok());
  ASSERT_TRUE(core_.Blocked(urgent.worker, {{Id(20).Result(0)}, 1}).ok());
  Perform();
  ASSERT_FALSE(dispatches_.empty());
  EXPECT_EQ(Order().front(), 20u);
}

TEST_F(TwoCpus, ALargeTaskIsNotPassedForEver) {
  SubmitWith(1, 0);
  SubmitWith(2, 0);
  Begin(*FindDispatch(Id(1)));
  Begin(*FindDispatch(Id(2)));
  wire::TaskSpec large = Spec(kDriver, 3);
  large.cpu_units = 2 * kResourceUnit;
  ASSERT_TRUE(Submit(kDriver, large).ok());
  Perform();
  uint64_t next = 4;
  for (int64_t now = 0; FindDispatch(large.id) == nullptr; now += 10 * kMillisecond) {
    ASSERT_LT(now, kSecond) << "small tasks go past it for ever";
    core_.AdvanceTo(now);
    // There is always a small one, and each takes 10 ms.
    std::vector<TaskId> running;
    for (const uint64_t i : {next - 2, next - 1}) {
      const TaskId id = i == 3 ? Id(1) : Id(i);
      if (FindDispatch(id) != nullptr) running.push_back(id);
    }
    SubmitWith(next, 0);
    SubmitWith(next + 1, 0);
    next += 2;
    for (uint64_t i = 1; i < next; ++i) {
      const SendDispatch* dispatch = i == 3 ? nullptr : FindDispatch(Id(i));
      const objectstore::Entry* entry = core_.objects().Find(Id(i).Result(0));
      if (dispatch == nullptr || entry == nullptr || !entry->pending()) continue;
      const Worker* worker = core_.workers().FindClient(dispatch->worker);
      if (worker != nullptr && !worker->queue.empty() && worker->queue.front()->id == Id(i)) {
        ASSERT_TRUE(Complete(Id(i), ValueOf("12345678")).ok());
      }
    }
    Perform();
  }
}

// Two jobs that always have work get CPU time by their weights.
TEST_F(OrderTest, JobsShareByWeight) {
  constexpr ClientId kLight = ClientId(2), kHeavy = ClientId(3);
  core_.DriverJoined(kLight, JobId(2), {"light", kResourceUnit});
  core_.DriverJoined(kHeavy, JobId(3), {"heavy", 3 * kResourceUnit});
  for (uint64_t i = 1; i <= 500; ++i) {
    ASSERT_TRUE(Submit(kLight, Spec(kLight, i)).ok());
    ASSERT_TRUE(Submit(kHeavy, Spec(kHeavy, i)).ok());
  }
  Perform();
  int light = 0, heavy = 0;
  for (int64_t now = 10 * kMillisecond; light + heavy < 400; now += 10 * kMillisecond) {
    core_.AdvanceTo(now);
    TaskId running;
    core_.workers().ForEach([&](const Worker& worker) {
      if (worker.state == Worker::State::kBusy) running = worker.queue.front()->id;
    });
    ASSERT_FALSE(running.is_null());
    (running.client() == kLight ? light : heavy) += 1;
    ASSERT_TRUE(Complete(running, ValueOf("12345678")).ok());
    Perform();
  }
  EXPECT_NEAR(heavy, 300, 15) << light;
}

class OneGpu : public CoreTest {
 protected:
  OneGpu() : CoreTest(WithGpu()) {}
  static ResourceSet WithGpu() {
    ResourceSet total = ResourceSet::Cpus(2);
    total.SetNamed("gpu", kResourceUnit);
    return total;
  }
  static wire::TaskSpec GpuSpec(ClientId client, uint64_t sequence) {
    wire::TaskSpec spec = Spec(client, sequence);
    spec.resources = {{"gpu", kResourceUnit}};
    return spec;
  }
};

TEST_F(OneGpu, ABlockedTaskLendsItsCpuAndKeepsTheRest) {
  ASSERT_TRUE(Submit(kDriver, GpuSpec(kDriver, 1)).ok());
  ASSERT_TRUE(Submit(kDriver, GpuSpec(kDriver, 2)).ok());
  Perform();
  const SendDispatch parent = *FindDispatch(TaskId::Make(kDriver, 1));
  Begin(parent);
  ASSERT_TRUE(Submit(parent.worker, Spec(parent.worker, 1)).ok());
  const ObjectId child = TaskId::Make(parent.worker, 1).Result(0);
  dispatches_.clear();
  ASSERT_TRUE(core_.Blocked(parent.worker, {{child}, 1}).ok());
  Perform();
  EXPECT_EQ(core_.workers().free().cpu_units(), kResourceUnit);
  EXPECT_EQ(core_.workers().free().Named("gpu"), 0);
  EXPECT_EQ(FindDispatch(TaskId::Make(kDriver, 2)), nullptr) << "two tasks share one GPU";
  EXPECT_TRUE(refusals_.empty());
}

TEST_F(OneGpu, AWaitForWhatNeedsTheGpuThatItHoldsIsRefused) {
  ASSERT_TRUE(Submit(kDriver, GpuSpec(kDriver, 1)).ok());
  Perform();
  const SendDispatch parent = *FindDispatch(TaskId::Make(kDriver, 1));
  Begin(parent);
  ASSERT_TRUE(Submit(parent.worker, GpuSpec(parent.worker, 1)).ok());
  const ObjectId child = TaskId::Make(parent.worker, 1).Result(0);
  ASSERT_TRUE(core_.Blocked(parent.worker, {{child}, 1}).ok());
  Perform();
  ASSERT_EQ(refusals_.size(), 1u);
  EXPECT_EQ(refusals_[0].kind, ErrorKind::kResourceExhausted);
  EXPECT_NE(refusals_[0].message.find("gpu"), std::string::npos) << refusals_[0].message;
  // Its failure gives the GPU back, and the child runs.
  ASSERT_TRUE(core_.Unblocked(parent.worker).ok());
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), {refusals_[0], {}}).ok());
  Perform();
  EXPECT_NE(FindDispatch(TaskId::Make(parent.worker, 1)), nullptr);
}

TEST_F(OneGpu, SoIsAnActors) {
  wire::TaskSpec spec = GpuSpec(kDriver, 1);
  spec.kind = wire::TaskKind::kActorCreation;
  spec.type_name = "Model";
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  Perform();
  ASSERT_TRUE(Complete(spec.id, ValueOf("12345678")).ok());
  wire::TaskSpec call = Spec(kDriver, 2);
  call.kind = wire::TaskKind::kActorCall;
  call.cpu_units = 0;
  call.actor = spec.id.Result(0);
  call.sequence = 1;
  ASSERT_TRUE(Submit(kDriver, call).ok());
  Perform();
  const SendDispatch running = *FindDispatch(call.id);
  Begin(running);
  ASSERT_TRUE(Submit(running.worker, GpuSpec(running.worker, 1)).ok());
  Perform();
  EXPECT_TRUE(refusals_.empty());
  const ObjectId child = TaskId::Make(running.worker, 1).Result(0);
  ASSERT_TRUE(core_.Blocked(running.worker, {{child}, 1}).ok());
  Perform();
  ASSERT_EQ(refusals_.size(), 1u);
  EXPECT_EQ(refusals_[0].kind, ErrorKind::kResourceExhausted);
}

}  // namespace
}  // namespace troupe::scheduler
