// In which order tasks stand, whatever came and went before.
#include "scheduler/core/task_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include "scheduler/core/task.h"

namespace troupe::scheduler {
namespace {

class TaskLineTest : public testing::Test {
 protected:
  QueuedTask* Make(uint64_t order, int32_t priority = 0) {
    Task& task = tasks_.emplace_back();
    task.order = order;
    task.priority = priority;
    return &task;
  }
  QueuedTask* Add(uint64_t order, int32_t priority = 0) {
    QueuedTask* const task = Make(order, priority);
    line_.Add(task);
    return task;
  }
  std::vector<uint64_t> Drain() {
    std::vector<uint64_t> orders;
    for (; !line_.empty(); line_.RemoveFirst()) orders.push_back(line_.first()->order);
    EXPECT_EQ(line_.size(), 0u);
    return orders;
  }

  std::deque<Task> tasks_;
  TaskLine line_;
};

TEST_F(TaskLineTest, OnesThatComeInOrderLeaveInOrder) {
  for (const uint64_t order : {1, 2, 3}) Add(order);
  EXPECT_EQ(line_.first()->order, 1u);
  line_.RemoveFirst();
  Add(4);
  EXPECT_EQ(Drain(), (std::vector<uint64_t>{2, 3, 4}));
}

TEST_F(TaskLineTest, OneThatComesBackGoesFirst) {
  for (const uint64_t order : {5, 6, 7}) Add(order);
  Add(2);  // was taken back, as were
  Add(1);
  Add(8);
  EXPECT_EQ(Drain(), (std::vector<uint64_t>{1, 2, 5, 6, 7, 8}));
}

TEST_F(TaskLineTest, AMoreUrgentOneGoesBeforeThoseThatCameBefore) {
  for (const uint64_t order : {1, 2}) Add(order, 0);
  for (const uint64_t order : {3, 4}) Add(order, 5);
  Add(5, 2);
  Add(6, 0);
  EXPECT_EQ(Drain(), (std::vector<uint64_t>{3, 4, 5, 1, 2, 6}));
}

TEST_F(TaskLineTest, OneMayComeBetweenThoseThatCameInOrder) {
  Add(1, 5);
  Add(2, 0);
  QueuedTask* const between = Add(3, 2);
  Add(4, 0);
  EXPECT_TRUE(line_.Contains(between));
  EXPECT_EQ(Drain(), (std::vector<uint64_t>{1, 3, 2, 4}));
}

TEST_F(TaskLineTest, AnotherOneTakesTheSamePlace) {
  std::vector<QueuedTask*> tasks;
  for (const uint64_t order : {1, 2, 3}) tasks.push_back(Add(order));
  for (QueuedTask* const task : {tasks[2], tasks[0]}) {
    QueuedTask* const by = Make(task->order);
    line_.Replace(task, [&] { return by; });
    EXPECT_TRUE(line_.Contains(by));
  }
  EXPECT_EQ(line_.first(), &tasks_.back());
  EXPECT_EQ(Drain(), (std::vector<uint64_t>{1, 2, 3}));
}

// Beside a vector that is sorted each time.
TEST_F(TaskLineTest, IsInOrderWhateverHappens) {
  std::mt19937_64 random(17);
  const auto upto = [&](uint64_t most) { return random() % most; };
  std::vector<QueuedTask*> model;
  uint64_t next = 1000;
  for (int i = 0; i < 5'000; ++i) {
    const uint64_t what = upto(16);
    if (what < 8) {
      model.push_back(Add(next++, what == 0 ? static_cast<int32_t>(upto(3)) : 0));
    } else if (model.empty()) {
      continue;
    } else if (what < 13) {
      line_.RemoveFirst();
      model.erase(model.begin());
    } else {
      const size_t at = upto(model.size());
      QueuedTask* const task = model[at];
      ASSERT_TRUE(line_.Contains(task));
      if (what == 13) {
        line_.Remove(task);
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_FALSE(line_.Contains(task));
      } else if (what == 14) {
        line_.Replace(task, [&] { return model[at] = Make(task->order, task->priority); });
      } else {
        line_.Remove(task);
        task->priority = 3;
        line_.Add(task);
      }
    }
    std::sort(model.begin(), model.end(), RunsBefore());
    ASSERT_EQ(line_.size(), model.size());
    if (!model.empty()) {
      ASSERT_EQ(line_.first(), model.front()) << i;
    }
  }
  EXPECT_GT(model.size(), 10u) << "little was tried";
  for (QueuedTask* const task : model) {
    ASSERT_EQ(line_.first(), task);
    line_.RemoveFirst();
  }
  EXPECT_TRUE(line_.empty());
}

}  // namespace
}  // namespace troupe::scheduler
