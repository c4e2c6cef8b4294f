// Who is killed when the machine's memory runs out, sample by sample.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

class OutOfMemoryTest : public CoreTest {
 protected:
  OutOfMemoryTest() : CoreTest(3) {}

  // Starts a task of its own worker, which has so much memory.
  ProcessId Run(uint64_t sequence, int32_t retries, uint64_t bytes) {
    wire::TaskSpec spec = Spec(kDriver, sequence);
    spec.max_retries = retries;
    EXPECT_TRUE(Submit(kDriver, spec).ok());
    Perform();
    return Has(*FindDispatch(spec.id), bytes);
  }
  ProcessId Has(const SendDispatch& dispatch, uint64_t bytes) {
    Begin(dispatch);
    sample_.processes.emplace_back(ProcessOf(dispatch.worker), bytes);
    return ProcessOf(dispatch.worker);
  }
  void RunOut() {
    sample_.used = 96 * kGiB;
    Sample();
  }
  void Sample() {
    core_.MemorySampled(sample_);
    Perform();
  }
  void Die(ProcessId process) {
    core_.ProcessDied(process, "killed by signal 9 (SIGKILL)", 17);
    std::erase_if(sample_.processes, [&](const auto& entry) { return entry.first == process; });
    Perform();
  }

  Core::MemorySample sample_{.used = 90 * kGiB, .limit = 100 * kGiB};
};

TEST_F(OutOfMemoryTest, NobodyIsKilledWhileThereIsSome) {
  (void)Run(1, 1, 20 * kGiB);
  EXPECT_TRUE(core_.WantsMemorySamples());
  Sample();
  EXPECT_TRUE(killed_.empty());
}

TEST_F(OutOfMemoryTest, TheYoungestThatMayBeRepeatedIsKilledAndRepeated) {
  (void)Run(1, 1, 20 * kGiB);
  const ProcessId younger = Run(2, 1, 20 * kGiB);
  (void)Run(3, 0, 20 * kGiB);
  RunOut();
  EXPECT_EQ(killed_, std::vector<ProcessId>{younger});
  RunOut();
  EXPECT_EQ(killed_.size(), 1u) << "the next one only when it is gone";
  dispatches_.clear();
  Die(younger);
  const TaskId task = TaskId::Make(kDriver, 2);
  EXPECT_EQ(FindDispatch(task), nullptr) << "it is repeated after a pause";
  core_.AdvanceTo(core_.NextDeadline());
  Perform();
  ASSERT_NE(FindDispatch(task), nullptr);
  EXPECT_EQ(FindDispatch(task)->attempt, 2u);
}

TEST_F(OutOfMemoryTest, WhatMayNotBeRepeatedFailsWithSizesAndLastLinesBeforeItsProcessIsGone) {
  const ProcessId process = Run(1, 0, 20 * kGiB);
  RunOut();
  ASSERT_EQ(killed_, std::vector<ProcessId>{process});
  const ErrorInfo* error = ErrorOf(ObjectId::Make(kDriver, 1));
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->kind, ErrorKind::kOutOfMemory);
  EXPECT_NE(error->message.find("96.0 GiB of 100.0 GiB"), std::string::npos) << error->message;
  EXPECT_NE(error->message.find("had 20.0 GiB"), std::string::npos) << error->message;
  EXPECT_NE(error->message.find(kLastLines), std::string::npos) << error->message;
  EXPECT_EQ(error->pid, kPid);
  Die(process);
  EXPECT_EQ(core_.task_count(), 0u);
}

// The kill and the end of the task have crossed: there is one result, the first that was told.
TEST_F(OutOfMemoryTest, WhatEndsAfterItsKillHasFailed) {
  const ProcessId process = Run(1, 0, 20 * kGiB);
  RunOut();
  ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), ValueOf("12345678")).ok());
  ASSERT_NE(ErrorOf(ObjectId::Make(kDriver, 1)), nullptr);
  Die(process);
  EXPECT_EQ(core_.task_count(), 0u);
}

TEST_F(OutOfMemoryTest, WhoHasLittleIsSpared) {
  const ProcessId large = Run(1, 0, 20 * kGiB);
  (void)Run(2, 1, kGiB);
  RunOut();
  EXPECT_EQ(killed_, std::vector<ProcessId>{large});
}

TEST_F(OutOfMemoryTest, AnActorIsKilledWhereNoTaskRuns) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.kind = wire::TaskKind::kActorCreation;
  spec.type_name = "Model";
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  Perform();
  const ProcessId actor = Has(*FindDispatch(spec.id), 60 * kGiB);
  ASSERT_TRUE(Complete(spec.id, ValueOf("12345678")).ok());
  const ProcessId task = Run(2, 0, 30 * kGiB);
  RunOut();
  ASSERT_EQ(killed_, std::vector<ProcessId>{task});
  Die(task);
  RunOut();
  ASSERT_EQ(killed_.back(), actor);
  wire::TaskSpec call = Spec(kDriver, 3);
  call.kind = wire::TaskKind::kActorCall;
  call.actor = spec.id.Result(0);
  call.sequence = 1;
  ASSERT_TRUE(Submit(kDriver, call).ok());
  ASSERT_NE(ErrorOf(call.id.Result(0)), nullptr);
  EXPECT_EQ(ErrorOf(call.id.Result(0))->kind, ErrorKind::kActorDied);
  EXPECT_NE(ErrorOf(call.id.Result(0))->message.find("memory runs out"), std::string::npos);
  Die(actor);
}

TEST_F(OutOfMemoryTest, TheKernelsKillIsOneOfWantOfMemory) {
  const ProcessId once = Run(1, 0, 3 * kGiB);
  const ProcessId again = Run(2, 1, 3 * kGiB);
  Sample();
  for (const ProcessId process : {once, again})
    core_.ProcessDied(process, "killed by signal 9 (SIGKILL)", 17, /*for_want_of_memory=*/true);
  Perform();
  const ErrorInfo* error = ErrorOf(ObjectId::Make(kDriver, 1));
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->kind, ErrorKind::kOutOfMemory);
  EXPECT_NE(error->message.find("by the kernel"), std::string::npos) << error->message;
  EXPECT_NE(error->message.find("3.0 GiB"), std::string::npos) << error->message;
  dispatches_.clear();
  core_.AdvanceTo(core_.NextDeadline());
  Perform();
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 2)), nullptr) << "it is repeated after a pause";
}

TEST_F(OutOfMemoryTest, ADeathTellsWhatTheProcessHad) {
  const ProcessId process = Run(1, 0, 3 * kGiB);
  Sample();
  Die(process);
  ASSERT_NE(ErrorOf(ObjectId::Make(kDriver, 1)), nullptr);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, 1))->message,
            "killed by signal 9 (SIGKILL) (when last seen, it had 3.0 GiB of memory)");
}

}  // namespace
}  // namespace troupe::scheduler
