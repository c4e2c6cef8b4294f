// Every interleaving of the doorbell protocol: nobody sleeps for ever while there is something to
// do. The steps are those in use; mutants show that the search finds what they do wrong.
#include "core/channel/doorbell.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdint>
#include <functional>

#include "core/channel/interleavings.h"

namespace troupe::channel {
namespace {

struct Result {
  int schedules = 0;
  int stuck = 0;
};

// Calls run(all), which says whether everybody came to an end, in each schedule, until one does
// not.
template <typename F>
Result InEverySchedule(F run) {
  Interleavings all;
  Result result;
  while (result.stuck == 0 && all.Next()) result.stuck += !run(all);
  result.schedules = all.schedules();
  return result;
}

// One side of a channel as far as sleeping goes: what others set to wake it, and its bell.
struct Party {
  explicit Party(Interleavings* all) : flag(all) {}
  Word<uint32_t> flag;
  bool bell = false;

  void Wait(Interleavings& all) {
    all.WaitUntil([this] { return bell; });
    bell = false;
    SayAwake(flag);
  }
  void RingIfAsleep() {
    if (TakeSleeper(flag) != 0) bell = true;
  }
};

using FallAsleep = std::function<bool(Word<uint32_t>& flag, std::function<bool()> something_to_do)>;

bool AsInUse(Word<uint32_t>& flag, std::function<bool()> something_to_do) {
  return TryToSleep(flag, Sleeper::kIoThread, something_to_do);
}

// A writer publishes `messages`, a reader takes them and sleeps where there is none.
Result ReaderSleeps(uint64_t messages, bool publish_first, const FallAsleep& fall_asleep) {
  return InEverySchedule([&](Interleavings& all) {
    Party reader(&all);
    Word<uint64_t> head(&all);
    return all.Run({
        [&] {
          for (uint64_t taken = 0; taken < messages;) {
            const uint64_t seen = head.load();
            if (seen != taken) {
              taken = seen;
            } else if (fall_asleep(reader.flag, [&] { return head.load() != taken; })) {
              reader.Wait(all);
            }
          }
        },
        [&] {
          for (uint64_t i = 1; i <= messages; ++i) {
            if (publish_first) head.store(i);
            reader.RingIfAsleep();
            if (!publish_first) head.store(i);
          }
        },
    });
  });
}

TEST(Doorbell, NoInterleavingLosesAWakeUp) {
  for (const uint64_t messages : {1, 2}) {
    const Result result = ReaderSleeps(messages, true, AsInUse);
    EXPECT_EQ(result.stuck, 0);
    EXPECT_GT(result.schedules, messages == 1 ? 10 : 100);
  }
}

// The reader of the two tests below, in which a writer owes a bell.
void WaitsForOneMessage(Interleavings& all, Party& reader, const Word<uint64_t>& head) {
  if (AsInUse(reader.flag, [&] { return head.load() != 0; }))
    all.WaitUntil([&] { return reader.bell; });
}

// Two threads of one process write in turn, and each looks whether the reader is to be rung.
Result TwoWritersOweABell(bool publish_first) {
  return InEverySchedule([&](Interleavings& all) {
    Party reader(&all);
    Word<uint32_t> owed(&all);
    Word<uint64_t> head(&all);
    const auto ring = [&] {
      if (TakeOwedSleeper(reader.flag, owed, [] {}) != 0) reader.bell = true;
    };
    return all.Run({
        [&] { WaitsForOneMessage(all, reader, head); },
        [&] {
          if (publish_first) head.store(1);
          OweBell(owed);
          if (!publish_first) head.store(1);
          ring();
        },
        ring,
    });
  });
}

TEST(Doorbell, WhoeverRingsForAnotherThreadLosesNoWakeUp) {
  const Result result = TwoWritersOweABell(true);
  EXPECT_EQ(result.stuck, 0);
  EXPECT_GT(result.schedules, 100);
}

TEST(Doorbell, TheSearchFindsAWriterThatOwesTheBellBeforeItPublishes) {
  EXPECT_GT(TwoWritersOweABell(false).stuck, 0);
}

// What a writer publishes without a barrier is seen at any later time, and in any case once it was
// ordered.
Result PublishedWithoutABarrier(bool order_first) {
  return InEverySchedule([&](Interleavings& all) {
    Party reader(&all);
    Word<uint32_t> owed(&all);
    Word<uint64_t> head(&all);
    const auto order = [&] {
      if (order_first) all.WaitUntil([&] { return head.peek() != 0; });
    };
    return all.Run({
        [&] { WaitsForOneMessage(all, reader, head); },
        [&] {
          OweBell(owed);
          if (TakeOwedSleeper(reader.flag, owed, order) != 0) reader.bell = true;
        },
        [&] { head.store(1); },  // by the CPU of the writer, which has published
    });
  });
}

TEST(Doorbell, NoWakeUpIsLostOfWhatIsPublishedWithoutABarrier) {
  const Result result = PublishedWithoutABarrier(true);
  EXPECT_EQ(result.stuck, 0);
  EXPECT_GT(result.schedules, 50);
}

TEST(Doorbell, TheSearchFindsAWriterThatLooksBeforeWhatItPublishedIsSeen) {
  EXPECT_GT(PublishedWithoutABarrier(false).stuck, 0);
}

TEST(Doorbell, TheSearchFindsAReaderThatDoesNotLookAgain) {
  const auto mutant = [](Word<uint32_t>& flag, const std::function<bool()>&) {
    SayAsleep(flag, Sleeper::kIoThread);
    return true;
  };
  EXPECT_GT(ReaderSleeps(1, true, mutant).stuck, 0);
}

TEST(Doorbell, TheSearchFindsAReaderThatLooksBeforeItSaysSo) {
  const auto mutant = [](Word<uint32_t>& flag, const std::function<bool()>& something_to_do) {
    if (something_to_do()) return false;
    SayAsleep(flag, Sleeper::kIoThread);
    return true;
  };
  EXPECT_GT(ReaderSleeps(1, true, mutant).stuck, 0);
}

TEST(Doorbell, TheSearchFindsAWriterThatRingsBeforeItPublishes) {
  EXPECT_GT(ReaderSleeps(1, false, AsInUse).stuck, 0);
}

// The ring is full. The producer announces that it waits, as ShmChannel does, and sleeps; the
// consumer takes one message at a time and, where the producer waits, rings it if it sleeps.
enum class Announce { kAfterTheFlag, kBeforeTheFlag, kNever };
Result ProducerSleeps(uint64_t needed, Announce announce) {
  return InEverySchedule([&](Interleavings& all) {
    Party producer(&all);
    Word<uint32_t> waiting(&all);
    Word<uint64_t> tail(&all);
    return all.Run({
        [&] {
          const auto room = [&] { return tail.load() >= needed; };
          while (!room()) {
            if (announce == Announce::kBeforeTheFlag) waiting.store(1);
            const bool sleep = AsInUse(producer.flag, [&] {
              if (announce == Announce::kAfterTheFlag) waiting.store(1);
              return room();
            });
            if (sleep) producer.Wait(all);
          }
        },
        [&] {
          for (uint64_t i = 1; i <= needed; ++i) {
            tail.store(i);
            if (TakeSleeper(waiting) != 0) producer.RingIfAsleep();
          }
        },
    });
  });
}

TEST(Doorbell, NoInterleavingForgetsAProducerThatWaitsForRoom) {
  for (const uint64_t needed : {1, 2}) {
    const Result result = ProducerSleeps(needed, Announce::kAfterTheFlag);
    EXPECT_EQ(result.stuck, 0);
    EXPECT_GT(result.schedules, 20);
  }
}

// The consumer takes the announcement while the producer is still awake, and nobody rings later.
TEST(Doorbell, TheSearchFindsAProducerThatAnnouncesItselfTooEarly) {
  EXPECT_GT(ProducerSleeps(2, Announce::kBeforeTheFlag).stuck, 0);
  EXPECT_GT(ProducerSleeps(1, Announce::kNever).stuck, 0);
}

TEST(Doorbell, OnlyTheBellOfTheSleeperIsTaken) {
  std::atomic<uint32_t> flag{0};
  EXPECT_EQ(TakeSleeper(flag), 0u);
  SayAsleep(flag, Sleeper::kWaiter);
  EXPECT_EQ(TakeSleeper(flag), 2u);
  EXPECT_EQ(TakeSleeper(flag), 0u);
}

TEST(Doorbell, IsReadableFromRingToSilence) {
  absl::StatusOr<Doorbell> bell = Doorbell::Create();
  ASSERT_TRUE(bell.ok()) << bell.status();
  pollfd p{bell->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&p, 1, 0), 0);
  bell->Ring();
  bell->Ring();
  EXPECT_EQ(poll(&p, 1, 0), 1);
  bell->Silence();
  EXPECT_EQ(poll(&p, 1, 0), 0);
  bell->Silence();  // does not wait
}

}  // namespace
}  // namespace troupe::channel
