// What queues behind a task that runs moves to where something has become free for it: nobody knows
// how long that task takes.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

ResourceSet TwoCpusAndAGpu() {
  ResourceSet total = ResourceSet::Cpus(2);
  total.SetNamed("gpu", kResourceUnit);
  return total;
}

class StealTest : public CoreTest {
 protected:
  explicit StealTest(const ResourceSet& total = ResourceSet::Cpus(2)) : CoreTest(total) {}

  static TaskId Id(uint64_t sequence) { return TaskId::Make(kDriver, sequence); }
  void SubmitTask(uint64_t sequence) { SubmitTask(Spec(kDriver, sequence)); }
  void SubmitTask(const wire::TaskSpec& spec) {
    ASSERT_TRUE(Submit(kDriver, spec).ok());
    Perform();
  }
  static wire::TaskSpec WithGpu(uint64_t sequence) {
    wire::TaskSpec spec = Spec(kDriver, sequence);
    spec.cpu_units = 0;
    spec.resources = {{"gpu", kResourceUnit}};
    return spec;
  }
  // It runs, and until its process has died there is nothing free.
  void BeginAndKill(uint64_t sequence) {
    Begin(*FindDispatch(Id(sequence)));
    ASSERT_TRUE(core_.Cancel(kDriver, {Id(sequence).Result(0), /*force=*/true}).ok());
    Perform();
  }
  void KilledOnesDie() {
    for (const ProcessId process : std::exchange(killed_, {}))
      core_.ProcessDied(process, "killed by signal 9 (SIGKILL)", kPid);
    Perform();
  }
  ClientId WorkerNow(uint64_t sequence) { return FindDispatch(Id(sequence))->worker; }
};

class GpuStealTest : public StealTest {
 protected:
  GpuStealTest() : StealTest(TwoCpusAndAGpu()) {}

  // Task 1 has the GPU, 2 and 3 have the CPUs.
  void SetUp() override {
    SubmitTask(WithGpu(1));
    SubmitTask(2);
    SubmitTask(3);
    for (const uint64_t sequence : {1, 2, 3}) Begin(*FindDispatch(Id(sequence)));
  }
};

TEST_F(StealTest, AProcessIsStartedForWhatQueuesWhenACpuIsFreeAgain) {
  SubmitTask(1);
  SubmitTask(2);
  Begin(*FindDispatch(Id(1)));
  BeginAndKill(2);
  SubmitTask(3);
  SubmitTask(4);
  ASSERT_EQ(WorkerNow(3), WorkerNow(1)) << "nothing else was free";
  KilledOnesDie();
  EXPECT_NE(WorkerNow(3), WorkerNow(4)) << "one of them waits for the task that runs for ever";
  EXPECT_EQ(started_.size(), 3u);
  ASSERT_TRUE(Complete(Id(4), ValueOf("12345678")).ok());
  Perform();
  EXPECT_NE(WorkerNow(3), WorkerNow(1));
  ASSERT_TRUE(Complete(Id(3), ValueOf("12345678")).ok());
  Perform();
  EXPECT_EQ(core_.task_count(), 1u);
}

TEST_F(StealTest, WhatAnActorWaitsForIsNotTaken) {
  SubmitTask(1);
  SubmitTask(2);
  Begin(*FindDispatch(Id(1)));
  BeginAndKill(2);
  SubmitTask(3);
  wire::TaskSpec actor = Spec(kDriver, 4);
  actor.kind = wire::TaskKind::kActorCreation;
  actor.cpu_units = 2 * kResourceUnit;
  SubmitTask(actor);
  started_.clear();
  KilledOnesDie();
  EXPECT_EQ(WorkerNow(3), WorkerNow(1)) << "the actor would never have both CPUs";
  EXPECT_TRUE(started_.empty());
}

TEST_F(StealTest, ProcessesThatDieAtOnceAreNotStartedForEverForWhatHasOne) {
  SubmitTask(1);
  SubmitTask(2);
  Begin(*FindDispatch(Id(1)));
  BeginAndKill(2);
  SubmitTask(3);
  workers_join_ = false;
  started_.clear();
  KilledOnesDie();
  ASSERT_EQ(started_.size(), 1u);
  for (int i = 0; i < 100; ++i) {
    core_.ProcessDied(started_.back(), "exited with code 127", kPid);
    Perform();
  }
  EXPECT_EQ(started_.size(), 1u);
  EXPECT_EQ(core_.task_count(), 2u) << "it waits for its worker";
}

TEST_F(GpuStealTest, WhatWaitsForSomethingElseDoesNotHoldItUp) {
  wire::TaskSpec both = WithGpu(4);  // stays in the queue
  both.resources[0].second = kResourceUnit / 2;
  SubmitTask(both);
  ASSERT_EQ(FindDispatch(Id(4)), nullptr);
  BeginAndKill(3);
  SubmitTask(5);
  ASSERT_EQ(WorkerNow(5), WorkerNow(2)) << "nothing else was free";
  KilledOnesDie();
  EXPECT_NE(WorkerNow(5), WorkerNow(2));
}

TEST_F(GpuStealTest, NorDoMoreTasksThatQueueForSomethingElse) {
  BeginAndKill(3);
  for (uint64_t i = 4; i <= 6; ++i) SubmitTask(WithGpu(i));
  SubmitTask(7);
  ASSERT_EQ(WorkerNow(7), WorkerNow(2)) << "nothing else was free";
  KilledOnesDie();
  EXPECT_NE(WorkerNow(7), WorkerNow(2));
}

}  // namespace
}  // namespace troupe::scheduler
