// Which worker of a job is to take, or to lose, the next task.
#include "scheduler/core/worker_team.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>

#include "core/base/ids.h"
#include "core/base/resource_set.h"
#include "scheduler/core/task.h"
#include "scheduler/core/worker_pool.h"

namespace troupe::scheduler {
namespace {

constexpr JobId kJob = JobId(1);
const ResourceSet kOneCpu = ResourceSet::Cpus(1);
const ResourceSet kHalfACpu = ResourceSet::Cpus(0.5);

class WorkerTeamTest : public testing::Test {
 protected:
  ~WorkerTeamTest() override { pool_.CheckInvariants(); }

  Worker* Start(uint64_t number) {
    pool_.Start(ProcessId(number), kJob, ActorId());
    return pool_.Joined(ProcessId(number), ClientId(100 + number), ++now_);
  }
  Task* Give(Worker* worker, const ResourceSet& want = kOneCpu, int32_t priority = 0) {
    Task* const task = tasks_.emplace_back(std::make_unique<Task>()).get();
    task->want = want;
    task->priority = priority;
    pool_.Enqueue(worker, task, tasks_.size());
    pool_.CheckInvariants();
    return task;
  }
  void Take(Task* task) {
    pool_.Dequeue(task->worker, task, ++now_);
    pool_.CheckInvariants();
  }

  WorkerPool pool_{ResourceSet::Cpus(16)};
  std::deque<std::unique_ptr<Task>> tasks_;
  int64_t now_ = 0;
};

TEST_F(WorkerTeamTest, TheOneThatHasJustWorkedIsTheFirstToWorkAgain) {
  Worker* const first = Start(1);
  Worker* const second = Start(2);
  Worker* const third = Start(3);
  EXPECT_EQ(pool_.FindIdle(kJob), third);
  EXPECT_EQ(pool_.FindLongestIdle(kJob), first);
  Task* const task = Give(first);
  EXPECT_EQ(pool_.FindLongestIdle(kJob), second);
  Take(task);
  EXPECT_EQ(pool_.FindIdle(kJob), first);
  EXPECT_EQ(pool_.UsableOf(kJob), 3);
  pool_.End(first);
  EXPECT_EQ(pool_.FindIdle(kJob), third) << "one that ends takes no task";
  EXPECT_EQ(pool_.UsableOf(kJob), 2);
  EXPECT_EQ(pool_.CountsOf(kJob).idle, 3);
}

TEST_F(WorkerTeamTest, TheShallowestOfAGrantTakesTheNextTask) {
  Worker* const one = Start(1);
  Worker* const other = Start(2);
  Worker* const half = Start(3);
  Give(one);
  Task* const second = Give(one);
  Give(other);
  Give(half, kHalfACpu);
  EXPECT_EQ(pool_.FindShallowest(kJob, kOneCpu), other);
  EXPECT_EQ(pool_.FindShallowest(kJob, kHalfACpu), half);
  EXPECT_EQ(pool_.FindShallowest(kJob, ResourceSet::Cpus(2)), nullptr);
  EXPECT_EQ(pool_.BusyCpuUnitsOf(kJob), 25'000);
  pool_.Block(other);
  EXPECT_EQ(pool_.FindShallowest(kJob, kOneCpu), one);
  EXPECT_EQ(pool_.BusyCpuUnitsOf(kJob), 15'000);
  pool_.Unblock(other);
  Take(second);
  pool_.SetRetiring(other, true);
  EXPECT_EQ(pool_.FindShallowest(kJob, kOneCpu), one);
  while (pool_.CanTake(one)) Give(one);
  EXPECT_EQ(pool_.FindShallowest(kJob, kOneCpu), nullptr) << "it has as many as it may";
}

TEST_F(WorkerTeamTest, TasksOfALowerPriorityAreNotAhead) {
  Worker* const low = Start(1);
  Worker* const high = Start(2);
  for (int i = 0; i < 3; ++i) Give(low, kOneCpu, 1);
  for (int i = 0; i < 2; ++i) Give(high, kOneCpu, 5);
  EXPECT_EQ(pool_.FindShallowestAbove(kJob, kOneCpu, 5), low);
  EXPECT_EQ(pool_.FindShallowestAbove(kJob, kOneCpu, 1), high);
}

TEST_F(WorkerTeamTest, TheDeepestLosesTasksAndOneTaskIsNotDeep) {
  const auto any = [](const Worker&) { return true; };
  Worker* const one = Start(1);
  Worker* const other = Start(2);
  Give(one);
  Give(other);
  EXPECT_EQ(pool_.FindDeepest(kJob, any), nullptr);
  Give(one);
  Task* const third = Give(one);
  Give(other);
  EXPECT_EQ(pool_.FindDeepest(kJob, any), one);
  EXPECT_EQ(pool_.FindDeep(kJob, kOneCpu).size(), 2u);
  EXPECT_TRUE(pool_.FindDeep(kJob, kHalfACpu).empty());
  Take(third);
  EXPECT_EQ(pool_.FindDeepest(kJob, any), other) << "it has been so deep for longer";
}

TEST_F(WorkerTeamTest, OfEachGrantTheDeepestIsAskedAbout) {
  Worker* const one = Start(1);
  Worker* const half = Start(2);
  for (int i = 0; i < 3; ++i) Give(one);
  for (int i = 0; i < 2; ++i) Give(half, kHalfACpu);
  const auto of = [](const ResourceSet& grant) {
    return [grant](const Worker& worker) { return worker.granted == grant; };
  };
  EXPECT_EQ(pool_.FindDeepest(kJob, of(kOneCpu)), one);
  EXPECT_EQ(pool_.FindDeepest(kJob, of(kHalfACpu)), half);
  EXPECT_EQ(pool_.FindDeepest(kJob, of(ResourceSet())), nullptr);
  Worker* const other = Start(3);
  for (int i = 0; i < 2; ++i) Give(other);
  EXPECT_EQ(pool_.FindDeepest(kJob, [&](const Worker& worker) { return &worker != one; }), half)
      << "the deepest of one CPU was not asked for";
  pool_.SetRetiring(half, true);
  EXPECT_EQ(pool_.FindDeepest(kJob, of(kHalfACpu)), half) << "it loses tasks though it takes none";
}

}  // namespace
}  // namespace troupe::scheduler
