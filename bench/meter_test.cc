#include "bench/meter.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "bench/cluster_processes.h"
#include "bench/system_calls.h"
#include "bench/task_counts.h"

namespace bench {
namespace {

// The driver's CPU time, in its own words.
double OwnCpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// What a worker would do, in a process that ends.
void CountInAChild(int tasks) {
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < tasks; ++i) CountTask();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST(MeterTest, CpuTimeIsWhatTheDriverUsed) {
  Meter meter;
  const double begin = OwnCpuSeconds();
  meter.Time(10, [&] {
    while (OwnCpuSeconds() < begin + 0.05) {
    }
  });
  const double all = OwnCpuSeconds() - begin;
  const double counted = meter.costs().cpu_seconds[IndexOf(Role::kDriver)];
  EXPECT_GE(counted, 0.04);
  EXPECT_LE(counted, all);
  EXPECT_EQ(meter.costs().cpu_seconds[IndexOf(Role::kNode)], 0);
  EXPECT_EQ(meter.costs().operations, 10);
}

TEST(MeterTest, EachSleepIsAWakeup) {
  Meter meter;
  meter.Time(1, [] {
    for (int i = 0; i < 100; ++i) std::this_thread::sleep_for(std::chrono::microseconds(100));
  });
  EXPECT_GE(meter.costs().wakeups, 100);
  EXPECT_LT(meter.costs().wakeups, 150);
  Meter yielding;
  yielding.Time(1, [] {
    for (int i = 0; i < 1'000; ++i) sched_yield();
  });
  EXPECT_LT(yielding.costs().wakeups, 50);
}

TEST(MeterTest, PeakMemoryIsThatOfTheTimedPart) {
  constexpr size_t kBytes = size_t{64} << 20;
  const auto use = [] {
    void* memory =
        mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    std::memset(memory, 1, kBytes);
    munmap(memory, kBytes);
  };
  Meter with;
  with.Time(1, use);
  Meter without;
  without.Time(1, [] {});
  const auto peak = with.costs().peak_memory_bytes[IndexOf(Role::kDriver)];
  const auto other = without.costs().peak_memory_bytes[IndexOf(Role::kDriver)];
  // Where it may not be reset, nothing is said of it.
  ASSERT_EQ(peak.has_value(), ResetPeakMemory(getpid()));
  if (!peak.has_value()) return;
  EXPECT_GE(*peak, static_cast<int64_t>(kBytes));
  EXPECT_LT(*other, *peak - static_cast<int64_t>(kBytes / 2));
}

TEST(MeterTest, SystemCallsAreCountedWithoutYields) {
  const bool permitted = SystemCallCounter::Start({getpid()}).has_value();
  Meter meter;
  meter.CountSystemCalls();
  meter.Time(100, [] {
    for (int i = 0; i < 100; ++i) {
      (void)getppid();
      (void)getppid();
      sched_yield();
    }
  });
  // Where the kernel does not permit it, nothing is said of them.
  ASSERT_EQ(meter.costs().system_calls_per_operation.has_value(), permitted);
  if (!permitted) return;
  EXPECT_GE(*meter.costs().system_calls_per_operation, 2);
  EXPECT_LT(*meter.costs().system_calls_per_operation, 2.5);
}

TEST(MeterTest, WhatMeasuringCostsIsNotCounted) {
  Meter meter;
  meter.Time(1, [] {});
  EXPECT_LT(meter.costs().cpu_seconds[IndexOf(Role::kDriver)], 100e-6);
  meter.CountSystemCalls();
  meter.Time(1, [] {});
  EXPECT_LT(meter.costs().system_calls_per_operation.value_or(0), 5);
}

TEST(MeterTest, TasksAreCountedByTheProcessesThatRunThem) {
  const TaskCounts counts;
  Meter meter;
  meter.Time(30, [] {
    CountInAChild(10);
    CountInAChild(20);
  });
  EXPECT_EQ(meter.costs().tasks_per_worker, (std::vector<int64_t>{20, 10}));
  meter.ExpectTasks(30);
  EXPECT_EXIT(meter.ExpectTasks(31), testing::ExitedWithCode(1), "workers ran 30 tasks of 31");
  meter.Time(1, [] {});
  EXPECT_TRUE(meter.costs().tasks_per_worker.empty());
}

TEST(MeterTest, ATaskInTheDriverIsNone) {
  EXPECT_EXIT(
      {
        const TaskCounts counts;
        CountTask();
      },
      testing::ExitedWithCode(1), "a task ran in the driver");
}

}  // namespace
}  // namespace bench
