// Objects that a client promises to seal, event by event.
#include <gtest/gtest.h>

#include <utility>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class PromisesTest : public CoreTest {
 protected:
  // A task that takes the promise, held up by it.
  void SubmitDependent(ObjectId promise) {
    wire::TaskSpec spec = Spec(kDriver, 10);
    spec.arguments.push_back({promise});
    ASSERT_TRUE(Submit(kDriver, spec).ok());
    Perform();
    ASSERT_EQ(FindDispatch(spec.id), nullptr);
  }

  const ObjectId promise_ = ObjectId::Make(kDriver, 1);
  const TaskId dependent_ = TaskId::Make(kDriver, 10);
};

TEST_F(PromisesTest, WhatWaitsForItBeginsWhenItIsKept) {
  ASSERT_TRUE(core_.MakePromise(kDriver, {promise_}).ok());
  SubmitDependent(promise_);
  ASSERT_TRUE(core_.Seal(kDriver, {promise_, ValueOf("12345678")}).ok());
  Perform();
  EXPECT_NE(FindDispatch(dependent_), nullptr);
  // Its maker is told, like everybody else.
  EXPECT_EQ(ready_, (std::vector<std::pair<ClientId, ObjectId>>{{kDriver, promise_}}));
}

TEST_F(PromisesTest, AnErrorFailsWhatWaitsForIt) {
  ASSERT_TRUE(core_.MakePromise(kDriver, {promise_}).ok());
  SubmitDependent(promise_);
  const ErrorInfo error{.kind = ErrorKind::kTaskError, .message = "no answer"};
  ASSERT_TRUE(core_.Seal(kDriver, {promise_, {error, {}}}).ok());
  Perform();
  ASSERT_NE(ErrorOf(dependent_.Result(0)), nullptr);
  EXPECT_EQ(ErrorOf(dependent_.Result(0))->message, "no answer");
}

TEST_F(PromisesTest, ItBreaksWithItsMaker) {
  // Made in a worker, which hands it to the driver inside its result.
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  Perform();
  const ClientId worker = FindDispatch(TaskId::Make(kDriver, 1))->worker;
  const ObjectId promise = ObjectId::Make(worker, 1);
  ASSERT_TRUE(core_.MakePromise(worker, {promise}).ok());
  wire::Value result = ValueOf("12345678");
  result.refs = {promise};
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), result).ok());
  ASSERT_TRUE(core_.Claim(kDriver, {TaskId::Make(kDriver, 1).Result(0), 0, 1}).ok());
  SubmitDependent(promise);
  EXPECT_NE(core_.Why(promise).find("is a promise that"), std::string::npos) << core_.Why(promise);
  core_.ProcessDied(ProcessOf(worker), "killed by signal 9 (SIGKILL)", 17);
  Perform();
  for (const ObjectId id : {promise, dependent_.Result(0)}) {
    ASSERT_NE(ErrorOf(id), nullptr);
    EXPECT_EQ(ErrorOf(id)->kind, ErrorKind::kObjectLost);
    EXPECT_NE(ErrorOf(id)->message.find("ended before it set the value"), std::string::npos);
  }
}

// Only a task needs it, which ends with its driver.
TEST_F(PromisesTest, ItGoesWithTheLastTaskThatWaitsForIt) {
  ASSERT_TRUE(core_.MakePromise(kDriver, {promise_}).ok());
  SubmitDependent(promise_);
  ASSERT_TRUE(core_.Release(kDriver, {{{promise_, 1}}}).ok());
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(PromisesTest, ItIsKeptOnceAndByItsMaker) {
  ASSERT_TRUE(core_.MakePromise(kDriver, {promise_}).ok());
  EXPECT_FALSE(core_.MakePromise(kDriver, {promise_}).ok());
  EXPECT_FALSE(core_.MakePromise(kDriver, {ObjectId::Make(ClientId(7), 1)}).ok());
  EXPECT_FALSE(core_.Seal(ClientId(7), {promise_, ValueOf("12345678")}).ok());
  EXPECT_FALSE(core_.Seal(kDriver, {promise_, {wire::Pending{}, {}}}).ok());
  ASSERT_TRUE(core_.Seal(kDriver, {promise_, ValueOf("12345678")}).ok());
  EXPECT_FALSE(core_.Seal(kDriver, {promise_, ValueOf("12345678")}).ok());
}

TEST_F(PromisesTest, ItGoesWithItsLastReference) {
  ASSERT_TRUE(core_.MakePromise(kDriver, {promise_}).ok());
  ASSERT_TRUE(core_.Release(kDriver, {{{promise_, 1}}}).ok());
  Perform();
  EXPECT_EQ(core_.objects().count(), 0u);
}

// One GPU, held by a task that waits, and wanted by the next one.
class PromisesOfOneGpu : public CoreTest {
 protected:
  PromisesOfOneGpu() : CoreTest(Total()) {}
  static ResourceSet Total() {
    ResourceSet total = ResourceSet::Cpus(2);
    total.SetNamed("gpu", kResourceUnit);
    return total;
  }
  static wire::TaskSpec GpuSpec(uint64_t sequence) {
    wire::TaskSpec spec = Spec(kDriver, sequence);
    spec.resources = {{"gpu", kResourceUnit}};
    return spec;
  }
};

// Who has promised it may still keep it: the wait is not hopeless.
TEST_F(PromisesOfOneGpu, AWaitForAPromiseOfTheDriverIsNotRefused) {
  const ObjectId promise = ObjectId::Make(kDriver, 9);
  ASSERT_TRUE(core_.MakePromise(kDriver, {promise}).ok());
  wire::TaskSpec first = GpuSpec(1);
  first.arguments.push_back(
      {wire::Argument::Inline{std::get<wire::Bytes>(ValueOf("12345678").content), {promise}}});
  ASSERT_TRUE(Submit(kDriver, first).ok());
  ASSERT_TRUE(Submit(kDriver, GpuSpec(2)).ok());
  Perform();
  const SendDispatch running = *FindDispatch(first.id);
  Begin(running);
  ASSERT_TRUE(core_.Blocked(running.worker, {{promise}, 1}).ok());
  Perform();
  EXPECT_TRUE(refusals_.empty());
  ASSERT_TRUE(core_.Seal(kDriver, {promise, ValueOf("12345678")}).ok());
  ASSERT_TRUE(core_.Unblocked(running.worker).ok());
  ASSERT_TRUE(Complete(first.id, ValueOf("12345678")).ok());
  Perform();
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 2)), nullptr);
}

}  // namespace
}  // namespace troupe::scheduler
