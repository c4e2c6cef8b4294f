// Every interleaving of the protocols that two processes run on one word: nobody sleeps while there
// is work, and exactly one of begin and recall succeeds. The code under test is the code in use; a
// mutant shows that the search can fail.
#include "core/channel/doorbell.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "core/channel/poll_policy.h"
#include "core/channel/task_word.h"

namespace troupe::channel {
namespace {

// A sequentially consistent flag whose accesses are counted as steps by the schedule below.
struct ModelFlag {
  uint32_t value = 0;
  uint32_t load(std::memory_order) const { return value; }
  void store(uint32_t v, std::memory_order) { value = v; }
  uint32_t exchange(uint32_t v, std::memory_order) { return std::exchange(value, v); }
};

// Runs `check` after every interleaving of the steps of two sides. Each side is remade for each
// schedule.
struct Model {
  bool published = false;
  ModelFlag flag;
  uint32_t loaded = 0;
  bool rung = false;
  bool asleep = false;
};
using Step = std::function<void(Model&)>;

int LostWakeUps(const std::vector<Step>& reader, const std::vector<Step>& writer) {
  const size_t n = reader.size() + writer.size();
  int lost = 0;
  for (uint32_t schedule = 0; schedule < (1u << n); ++schedule) {
    if (static_cast<size_t>(__builtin_popcount(schedule)) != reader.size()) continue;
    Model model;
    size_t r = 0, w = 0;
    for (size_t i = 0; i < n; ++i) {
      if ((schedule >> i & 1) != 0) {
        reader[r++](model);
      } else {
        writer[w++](model);
      }
    }
    lost += model.published && model.asleep && !model.rung;
  }
  return lost;
}

// TakeSleeper is a load and then an exchange: other steps may come between the two.
const std::vector<Step> kWriter = {
    [](Model& m) { m.published = true; },
    [](Model& m) { m.loaded = m.flag.load(std::memory_order_seq_cst); },
    [](Model& m) { m.rung = m.loaded != 0 && TakeSleeper(m.flag) != 0; }};

TEST(Doorbell, NoInterleavingLosesAWakeUp) {
  const std::vector<Step> reader = {[](Model& m) { SayAsleep(m.flag, Sleeper::kIoThread); },
                                    [](Model& m) { m.asleep = !m.published; },
                                    [](Model& m) {
                                      if (!m.asleep) SayAwake(m.flag);
                                    }};
  EXPECT_EQ(LostWakeUps(reader, kWriter), 0);
}

TEST(Doorbell, TheSearchFindsAReaderThatLooksBeforeItSaysSo) {
  const std::vector<Step> mutant = {[](Model& m) { m.asleep = !m.published; },
                                    [](Model& m) {
                                      if (m.asleep) SayAsleep(m.flag, Sleeper::kIoThread);
                                    }};
  EXPECT_GT(LostWakeUps(mutant, kWriter), 0);
}

TEST(Doorbell, OnlyTheBellOfTheSleeperIsTaken) {
  std::atomic<uint32_t> flag{0};
  EXPECT_EQ(TakeSleeper(flag), 0u);
  SayAsleep(flag, Sleeper::kWaiter);
  EXPECT_EQ(TakeSleeper(flag), 2u);
  EXPECT_EQ(TakeSleeper(flag), 0u);
}

TEST(TaskWord, ExactlyOneOfBeginAndRecallSucceeds) {
  for (const bool begin_first : {false, true}) {
    TaskWord word;
    word.Queue(5);
    const bool first = begin_first ? word.TryBegin(5) : word.TryRecall(5);
    const bool second = begin_first ? word.TryRecall(5) : word.TryBegin(5);
    EXPECT_TRUE(first);
    EXPECT_FALSE(second);
  }
}

TEST(TaskWord, AFrameOfAnEarlierUseDoesNothing) {
  TaskWord word;
  EXPECT_FALSE(word.TryBegin(0));
  word.Queue(5);
  EXPECT_TRUE(word.TryRecall(5));
  word.Queue(6);
  EXPECT_FALSE(word.TryBegin(5));
  EXPECT_FALSE(word.TryRecall(5));
  EXPECT_TRUE(word.TryBegin(6));
}

// Virtual time: a yield that takes `late` comes back late.
TEST(PollPolicy, StopsPollingWhereOthersNeedTheCpu) {
  PollPolicy policy;
  int64_t time = 1'000'000'000;
  int64_t yield_takes = 500;
  int looks = 0;
  const auto now = [&] { return time; };
  const auto yield = [&] { time += yield_takes; };
  const auto never = [&] {
    ++looks;
    return false;
  };
  EXPECT_FALSE(policy.Poll(now, yield, never));
  EXPECT_GT(looks, 1000) << "a quiet machine is polled on for the whole budget";
  yield_takes = 2'000'000;
  EXPECT_FALSE(policy.Poll(now, yield, never));
  looks = 0;
  EXPECT_FALSE(policy.Poll(now, yield, never));
  EXPECT_EQ(looks, 1) << "it polls although its yields come back late";
  time += PollPolicy::kFirstPauseNanos;
  yield_takes = 500;
  EXPECT_FALSE(policy.Poll(now, yield, never));
  EXPECT_GT(looks, 1000) << "it never polls again";
  EXPECT_TRUE(policy.Poll(now, yield, [] { return true; }));
}

}  // namespace
}  // namespace troupe::channel
