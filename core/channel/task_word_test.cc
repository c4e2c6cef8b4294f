// Every interleaving of the node's and the worker's accesses to one state word.
#include "core/channel/task_word.h"

#include <gtest/gtest.h>

#include "core/channel/interleavings.h"

namespace troupe::channel {
namespace {

// What ran and what was recalled in each schedule in which a slot is used twice: the worker finds
// the frames of both uses in its ring, the node recalls each of them and uses the slot anew only
// where the first one is settled (recalled, or its completion has come).
template <typename SharedWord>
int Violations(int* schedules) {
  Interleavings all;
  int violations = 0;
  while (all.Next()) {
    BasicTaskWord<SharedWord> word(&all);
    bool begun[3] = {}, recalled[3] = {}, queued_second = false;
    word.Queue(1);
    const bool finished = all.Run({
        [&] {
          begun[1] = word.TryBegin(1);
          all.WaitUntil([&] { return queued_second; });
          begun[2] = word.TryBegin(2);
          begun[1] |= word.TryBegin(1);  // a stale frame
        },
        [&] {
          recalled[1] = word.TryRecall(1);
          if (!recalled[1]) all.WaitUntil([&] { return begun[1]; });
          word.Queue(2);
          queued_second = true;
          recalled[2] = word.TryRecall(2);
        },
    });
    violations += !finished || begun[1] == recalled[1] || begun[2] == recalled[2];
  }
  *schedules = all.schedules();
  return violations;
}

// A compare-and-swap in two steps.
class TornWord : public Word<uint64_t> {
 public:
  using Word::Word;
  bool compare_exchange_strong(uint64_t& expected, uint64_t desired, std::memory_order order) {
    if (load(order) != expected) return false;
    store(desired, order);
    return true;
  }
};

// Queue before Run must not stop: nobody schedules it.
template <typename Base>
class Startable : public Base {
 public:
  using Base::Base;
  void store(uint64_t value, std::memory_order order) {
    if (std::exchange(first_, false)) {
      this->poke(value);
    } else {
      Base::store(value, order);
    }
  }

 private:
  bool first_ = true;
};

TEST(TaskWord, ExactlyOneOfBeginAndRecallSucceeds) {
  int schedules = 0;
  EXPECT_EQ(Violations<Startable<Word<uint64_t>>>(&schedules), 0);
  EXPECT_GT(schedules, 5);
}

TEST(TaskWord, TheSearchFindsATornCompareAndSwap) {
  int schedules = 0;
  EXPECT_GT(Violations<Startable<TornWord>>(&schedules), 0);
}

TEST(TaskWord, AFrameOfAnEarlierUseDoesNothing) {
  TaskWord word;
  EXPECT_FALSE(word.TryBegin(0));
  EXPECT_FALSE(word.TryRecall(1));
  word.Queue(5);
  EXPECT_TRUE(word.TryRecall(5));
  EXPECT_FALSE(word.TryBegin(5));
  word.Queue(6);
  EXPECT_FALSE(word.TryBegin(5));
  EXPECT_FALSE(word.TryRecall(5));
  EXPECT_TRUE(word.TryBegin(6));
  EXPECT_FALSE(word.TryBegin(6)) << "a task begins twice";
  EXPECT_FALSE(word.TryRecall(6));
}

}  // namespace
}  // namespace troupe::channel
