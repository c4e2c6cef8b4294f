// What is left of a message that was refused: nothing that outlives its sender. Found by
// core_fuzz_test, or beside what it found.
#include <gtest/gtest.h>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class LiesTest : public CoreTest {
 protected:
  Location LeaseOf(ClientId client) {
    EXPECT_TRUE(core_.RequestLease(client, 4096).ok());
    Perform();
    return leases_.back();
  }
};

TEST_F(LiesTest, AToolPromisesNothing) {
  constexpr ClientId kTool = ClientId(2);
  core_.ToolJoined(kTool);
  EXPECT_FALSE(core_.MakePromise(kTool, {ObjectId::Make(kTool, 1)}).ok());
  Perform();
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(LiesTest, ADetachedActorThatWasRefusedKeepsNoJob) {
  for (const bool groups : {false, true}) {
    wire::TaskSpec spec = Spec(kDriver, groups ? 1 : 2);
    spec.kind = wire::TaskKind::kActorCreation;
    spec.detached = true;
    if (groups) {
      spec.concurrency_groups = {{"io", 0}};
    } else {
      spec.num_returns = 2;
    }
    EXPECT_FALSE(Submit(kDriver, spec).ok());
  }
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.actor_count(), 0u);
  EXPECT_EQ(core_.job_count(), 0u);
}

// No lie, but found by the same means: the actor dies without ever having had a process.
TEST_F(LiesTest, ADetachedActorWhoseArgumentIsLostKeepsNoJob) {
  const ObjectId promise = ObjectId::Make(kDriver, 1);
  ASSERT_TRUE(core_.MakePromise(kDriver, {promise}).ok());
  wire::TaskSpec spec = Spec(kDriver, 2);
  spec.kind = wire::TaskKind::kActorCreation;
  spec.detached = true;
  spec.actor_name = "ann";
  spec.arguments.push_back({promise});
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.actor_count(), 0u);
  EXPECT_EQ(core_.job_count(), 0u);
}

TEST_F(LiesTest, ASealThatWasRefusedTakesNoMemory) {
  const Location place = LeaseOf(kDriver);
  const ObjectId never_granted = ObjectId::Make(ClientId(9), 1);
  EXPECT_FALSE(core_.Seal(kDriver, {ObjectId::Make(kDriver, 1), {place, {never_granted}}}).ok());
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.space().sealed_bytes(), 0u);
}

// The process that lied is killed, and the task runs again in another one.
TEST_F(LiesTest, AnItemThatWasRefusedMayBeYieldedByTheNextAttempt) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.stream_window = 4;
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  Perform();
  const SendDispatch first = *FindDispatch(spec.id);
  Begin(first);
  const Location not_leased{ChunkId(7), 0, 64};
  EXPECT_FALSE(
      core_.StreamItem(first.worker, {spec.id, first.attempt, first.slot, 0, {not_leased, {}}})
          .ok());
  core_.ProcessDied(ProcessOf(first.worker), "killed by signal 9", 7);
  Perform();
  const SendDispatch second = *FindDispatch(spec.id);
  Begin(second);
  EXPECT_TRUE(
      core_.StreamItem(second.worker, {spec.id, second.attempt, second.slot, 0, ValueOf("item")})
          .ok());
  EXPECT_TRUE(Complete(spec.id, ValueOf("the end ")).ok());
  Perform();
}

}  // namespace
}  // namespace troupe::scheduler
