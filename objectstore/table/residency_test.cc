// Pins, the order in which objects leave memory, and the disk space that they take: rule by rule,
// then from seeds with clients whose answers come late.
#include "objectstore/table/residency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "objectstore/table/spill_space.h"

namespace troupe::objectstore {
namespace {

constexpr ClientId kReader{1};
constexpr ClientId kOther{2};
using Standing = Residency::Standing;
using Reading = Residency::Reading;

ObjectId Id(uint64_t n) { return ObjectId::Make(ClientId(1), n); }
Location Place(uint64_t n, uint64_t size = 100) { return {ChunkId(1), n * 4096, size}; }
SpillSlot Slot(uint64_t n, uint64_t size = 100) { return {SpillFileId(1), n * 4096, size}; }

// Writes it, and lets it leave.
void SpillNow(Residency* residency, ObjectId id, const SpillSlot& slot) {
  const auto plan = residency->Choose(UINT64_MAX, true);
  ASSERT_TRUE(std::find(plan.spill.begin(), plan.spill.end(), id) != plan.spill.end());
  residency->Spilling(id, slot);
  EXPECT_TRUE(residency->Spilled(id, true, 7).away);
}

TEST(Residency, TheLeastRecentlyUsedLeavesFirstAndOnlyAsMuchAsIsNeeded) {
  Residency residency;
  for (uint64_t i = 1; i <= 4; ++i) residency.Add(Id(i), Place(i), ClientId::kNone, "Make");
  residency.Told(Id(1), kReader);
  residency.DropPin(Id(1), kReader);
  const auto plan = residency.Choose(150, true);
  EXPECT_EQ(plan.spill, (std::vector{Id(2), Id(3)}));
  EXPECT_TRUE(plan.ask.empty());
  EXPECT_EQ(residency.leaving_bytes(), 200u);
  EXPECT_TRUE(residency.Choose(200, true).spill.empty()) << "more than is needed";
  residency.CheckInvariants();
}

TEST(Residency, WhatIsPinnedIsAskedForAndStaysWhereItIsLookedAt) {
  Residency residency;
  residency.Add(Id(1), Place(1), kReader, "Make");
  residency.Told(Id(1), kOther);
  const auto plan = residency.Choose(1, true);
  ASSERT_EQ(plan.ask.size(), 2u);
  EXPECT_TRUE(plan.spill.empty());
  residency.Answer(kReader, Id(1), plan.ask[0].serial, true);
  EXPECT_EQ(residency.Find(Id(1))->standing, Standing::kAsked);
  residency.Answer(kOther, Id(1), plan.ask[1].serial, false);
  EXPECT_EQ(residency.Find(Id(1))->standing, Standing::kHeld);
  EXPECT_TRUE(residency.Choose(1, true).spill.empty());
  // The last view goes.
  residency.Answer(kOther, Id(1), plan.ask[1].serial, true);
  EXPECT_EQ(residency.Choose(1, true).spill, std::vector{Id(1)});
  residency.CheckInvariants();
}

TEST(Residency, AnAgreementToAnOlderTellingCountsForNothing) {
  Residency residency;
  residency.Add(Id(1), Place(1), kReader, "Make");
  const auto plan = residency.Choose(1, true);
  residency.Told(Id(1), kReader);  // crosses the answer
  residency.Answer(kReader, Id(1), plan.ask[0].serial, true);
  EXPECT_EQ(residency.Find(Id(1))->pins.size(), 1u);
  EXPECT_TRUE(residency.Choose(1, true).spill.empty()) << "it was told again";
  residency.CheckInvariants();
}

TEST(Residency, WhoIsToldWhileItIsBeingWrittenKeepsIt) {
  Residency residency;
  residency.Add(Id(1), Place(1), ClientId::kNone, "Make");
  ASSERT_EQ(residency.Choose(1, true).spill.size(), 1u);
  residency.Spilling(Id(1), Slot(1));
  residency.Told(Id(1), kReader);
  const auto outcome = residency.Spilled(Id(1), true, 7);
  EXPECT_FALSE(outcome.away);
  EXPECT_FALSE(outcome.free_place.has_value()) << "freed under a reader";
  EXPECT_TRUE(residency.InMemory(Id(1)));
  // It is clean now: it leaves without being written.
  residency.DropPin(Id(1), kReader);
  const auto plan = residency.Choose(1, false);
  ASSERT_EQ(plan.leave.size(), 1u);
  EXPECT_EQ(plan.leave[0].second, Place(1));
  residency.CheckInvariants();
}

TEST(Residency, WhatIsFreedWhileSomethingIsUnderWayGoesWhenThatEnds) {
  Residency residency;
  residency.Add(Id(1), Place(1), ClientId::kNone, "Make");
  ASSERT_EQ(residency.Choose(1, true).spill.size(), 1u);
  residency.Spilling(Id(1), Slot(1));
  EXPECT_FALSE(residency.Remove(Id(1)).free_place.has_value()) << "freed while it is read";
  EXPECT_EQ(residency.Find(Id(1)), nullptr);
  const auto written = residency.Spilled(Id(1), true, 7);
  EXPECT_EQ(written.free_place, Place(1));
  EXPECT_EQ(written.free_slot, Slot(1));
  // The same while it is read back.
  residency.Add(Id(2), Place(2), ClientId::kNone, "Make");
  SpillNow(&residency, Id(2), Slot(2));
  EXPECT_TRUE(residency.Want(Id(2), kReader));
  EXPECT_FALSE(residency.Want(Id(2), kOther)) << "queued twice";
  (void)residency.Restoring(Id(2), Place(3));
  EXPECT_FALSE(residency.Remove(Id(2)).free_slot.has_value());
  const auto restored = residency.RestoreEnded(Id(2), Place(3), Reading::kRead);
  EXPECT_TRUE(restored.freed);
  EXPECT_EQ(restored.free_slot, Slot(2));
  EXPECT_EQ(residency.count(), 0u);
  residency.CheckInvariants();
}

TEST(Residency, ReadingBackPinsForWhoeverWaits) {
  Residency residency;
  residency.Add(Id(1), Place(1), ClientId::kNone, "Make");
  SpillNow(&residency, Id(1), Slot(1));
  residency.Want(Id(1), kReader);
  residency.Want(Id(1), kOther);
  residency.DropPin(Id(1), kOther);  // it has died
  EXPECT_EQ(residency.Restoring(Id(1), Place(5)).checksum, 7u);
  const auto restored = residency.RestoreEnded(Id(1), Place(5), Reading::kRead);
  EXPECT_EQ(restored.wanted_by, std::vector{kReader});
  ASSERT_EQ(residency.Find(Id(1))->pins.size(), 1u);
  EXPECT_EQ(residency.Find(Id(1))->pins[0].client, kReader);
  // A failed writer, a store without memory, a damaged copy.
  EXPECT_EQ(residency.TakeCleanCopy(), Slot(1));
  EXPECT_FALSE(residency.TakeCleanCopy().has_value());
  residency.DropPin(Id(1), kReader);
  SpillNow(&residency, Id(1), Slot(2));
  residency.Want(Id(1), kReader);
  (void)residency.Restoring(Id(1), Place(6));
  EXPECT_FALSE(residency.RestoreEnded(Id(1), Place(6), Reading::kNoMemory).free_slot.has_value());
  EXPECT_EQ(residency.Find(Id(1))->standing, Standing::kAway);
  residency.Want(Id(1), kReader);
  (void)residency.Restoring(Id(1), Place(6));
  EXPECT_EQ(residency.RestoreEnded(Id(1), Place(6), Reading::kLost).free_slot, Slot(2));
  EXPECT_EQ(residency.Find(Id(1)), nullptr);
  residency.CheckInvariants();
}

TEST(Residency, WhoDoesNotAnswerHoldsUpNobodyElse) {
  Residency residency;
  residency.Add(Id(1), Place(1), kReader, "Make");
  residency.Add(Id(2), Place(2), ClientId::kNone, "Make");
  const auto plan = residency.Choose(1, true);
  ASSERT_EQ(plan.ask.size(), 1u);
  EXPECT_TRUE(residency.Choose(1, true).spill.empty()) << "the answer may come any moment";
  EXPECT_EQ(residency.GiveUpAnswers(), std::set{kReader});
  EXPECT_TRUE(residency.OwesAnAnswer(kReader));
  EXPECT_EQ(residency.Choose(1, true).spill, std::vector{Id(2)});
  residency.Answer(kReader, Id(1), plan.ask[0].serial, true);
  EXPECT_FALSE(residency.OwesAnAnswer(kReader));
  EXPECT_EQ(residency.Choose(200, true).spill, std::vector{Id(1)});
  residency.CheckInvariants();
}

TEST(SpillSpace, SmallObjectsShareAFileWhichGoesWithTheLast) {
  SpillSpace space({{"/a"}}, 20'000);
  std::vector<SpillSlot> slots;
  for (int i = 0; i < 6; ++i) slots.push_back(*space.Allocate(5000, 0));
  EXPECT_EQ(slots[0].file, slots[2].file);
  EXPECT_NE(slots[0].file, slots[3].file) << "a file grows without end";
  EXPECT_EQ(space.DirectoryOf(slots[0].file), "/a");
  EXPECT_EQ(space.used(), 6u * 8192);
  space.Free(slots[1]);
  EXPECT_EQ(space.TakeHoles(), (std::vector{SpillSlot{slots[1].file, 8192, 8192}}));
  space.Free(slots[0]);
  space.Free(slots[2]);
  EXPECT_EQ(space.TakeDroppedFiles(), std::vector{slots[0].file});
  space.CheckInvariants();
  for (int i = 3; i < 6; ++i) space.Free(slots[i]);
  EXPECT_EQ(space.file_count(), 0u);
  EXPECT_EQ(space.used(), 0u);
  space.CheckInvariants();
}

TEST(SpillSpace, QuotasHoldAndFailedDirectoriesRest) {
  SpillSpace space({{"/a", 8192}, {"/b", 1 << 20}});
  EXPECT_EQ(space.quota(), 8192u + (1 << 20));
  std::map<std::string, int> used;
  std::vector<SpillSlot> slots;
  for (int i = 0; i < 6; ++i) {
    slots.push_back(*space.Allocate(4096, 0));
    ++used[space.DirectoryOf(slots.back().file)];
  }
  EXPECT_EQ(used["/a"], 2);
  EXPECT_EQ(used["/b"], 4);
  EXPECT_FALSE(space.Allocate(2 << 20, 0).has_value());
  for (const SpillSlot& slot : slots) {
    if (space.DirectoryOf(slot.file) != "/b") continue;
    space.Failed(slot.file, 100, 50, "cannot write to /b: No space left on device");
    break;
  }
  EXPECT_FALSE(space.Allocate(4096, 149).has_value());
  EXPECT_EQ(space.NextRetry(100), 150);
  EXPECT_TRUE(space.Allocate(4096, 150).has_value());
  EXPECT_FALSE(SpillSpace({}).Allocate(1, 0).has_value());
  space.CheckInvariants();
}

TEST(SpillSpace, WhatWasCompressedGivesTheRestOfItsSlotBack) {
  SpillSpace space({{"/a", 40'000}});
  const SpillSlot whole = *space.Allocate(20'000, 0);
  EXPECT_FALSE(space.Allocate(20'000, 0).has_value()) << "what is being written counts in full";
  space.Shrink(whole, 15'000);
  const SpillSlot slot{whole.file, whole.offset, 5'000};
  EXPECT_EQ(space.used(), 8192u);
  space.CheckInvariants();
  const SpillSlot other = *space.Allocate(20'000, 0);
  EXPECT_GE(other.offset, 20'000u) << "it may still be being written there";
  space.Free(slot);
  EXPECT_EQ(space.TakeHoles(), (std::vector{SpillSlot{slot.file, slot.offset, 8192}}));
  space.Free(other);
  EXPECT_EQ(space.used(), 0u);
  space.CheckInvariants();
}

TEST(Residency, WhatWasCompressedIsReadBackFromAsMuchAsWasWritten) {
  for (const bool freed : {false, true}) {
    Residency residency;
    residency.Add(Id(1), {ChunkId(1), 0, 50'000}, ClientId::kNone, "Maker");
    ASSERT_EQ(residency.Choose(1, true).spill.size(), 1u);
    const SpillSlot slot{SpillFileId(1), 4096, 50'000};
    residency.Spilling(Id(1), slot);
    EXPECT_EQ(residency.SlotOf(Id(1)), slot);
    if (freed) (void)residency.Remove(Id(1));
    const auto outcome = residency.Spilled(Id(1), true, 7, 30'000);
    const SpillSlot used{SpillFileId(1), 4096, 20'000};
    if (freed) {
      EXPECT_EQ(outcome.free_slot, used);
      continue;
    }
    EXPECT_TRUE(outcome.away);
    residency.CheckInvariants();
    EXPECT_TRUE(residency.Want(Id(1), ClientId(1)));
    const Location place{ChunkId(2), 0, 50'000};
    EXPECT_EQ(residency.Restoring(Id(1), place).slot, used);
    EXPECT_EQ(residency.RestoreEnded(Id(1), place, Residency::Reading::kRead).wanted_by.size(), 1u);
    EXPECT_EQ(residency.Remove(Id(1)).free_slot, used);
  }
}

// Readers over channels that delay as they like: nothing leaves memory while one of them looks.
TEST(Residency, NoInterleavingMovesWhatIsLookedAt) {
  uint64_t left = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    Residency residency;
    constexpr size_t kClients = 3, kObjects = 5;
    struct Message {
      enum { kTold, kAsk, kAnswer, kFetch } kind;
      ObjectId id;
      uint32_t serial = 0;
      bool agreed = false;
    };
    struct Client {
      std::deque<Message> down, up;
      std::set<ObjectId> known, looking;
      std::map<ObjectId, uint32_t> postponed;
    };
    std::vector<Client> clients(kClients);
    std::vector<ObjectId> restoring, spilling;
    for (uint64_t i = 1; i <= kObjects; ++i)
      residency.Add(Id(i), Place(i), ClientId::kNone, "Make");
    const auto nobody_looks = [&](ObjectId id) {
      return std::none_of(clients.begin(), clients.end(),
                          [&](const Client& c) { return c.looking.contains(id); });
    };
    for (int step = 0; step < 400; ++step) {
      const size_t i = random() % kClients;
      Client& c = clients[i];
      const ClientId self{i + 1};
      const ObjectId id = Id(1 + random() % kObjects);
      switch (random() % 8) {
        case 0:
          if (c.known.contains(id)) {
            c.looking.insert(id);
          } else {
            c.up.push_back({Message::kFetch, id});
          }
          break;
        case 1:
          if (c.looking.erase(id) > 0 && c.postponed.contains(id)) {
            c.known.erase(id);
            c.up.push_back({Message::kAnswer, id, c.postponed[id], true});
            c.postponed.erase(id);
          }
          break;
        case 2:
          if (!c.down.empty()) {
            const Message message = c.down.front();
            c.down.pop_front();
            if (message.kind == Message::kTold) {
              c.known.insert(message.id);
            } else if (c.looking.contains(message.id)) {
              c.postponed[message.id] = message.serial;
              c.up.push_back({Message::kAnswer, message.id, message.serial, false});
            } else {
              c.known.erase(message.id);
              c.up.push_back({Message::kAnswer, message.id, message.serial, true});
            }
          }
          break;
        case 3:
        case 4:
          if (!c.up.empty()) {
            const Message message = c.up.front();
            c.up.pop_front();
            if (message.kind == Message::kAnswer) {
              ASSERT_TRUE(residency.Answer(self, message.id, message.serial, message.agreed))
                  << "an honest answer is taken for a lie, seed " << seed;
            } else if (residency.InMemory(message.id)) {
              residency.Told(message.id, self);
              c.down.push_back({Message::kTold, message.id});
            } else if (residency.Want(message.id, self)) {
              restoring.push_back(message.id);
            }
          }
          break;
        case 5: {
          const auto plan = residency.Choose(random() % 300, true);
          for (const auto& question : plan.ask)
            clients[static_cast<uint64_t>(question.client) - 1].down.push_back(
                {Message::kAsk, question.id, question.serial});
          for (const ObjectId chosen : plan.spill) {
            residency.Spilling(chosen, Slot(chosen.lo()));
            spilling.push_back(chosen);
          }
          for (const auto& [chosen, place] : plan.leave) {
            ASSERT_TRUE(nobody_looks(chosen)) << "seed " << seed;
            ++left;
          }
          break;
        }
        case 6:
          if (!spilling.empty()) {
            const ObjectId ended = spilling.back();
            spilling.pop_back();
            if (residency.Spilled(ended, random() % 4 != 0, 7).away) {
              ASSERT_TRUE(nobody_looks(ended)) << "seed " << seed;
              ++left;
            }
          }
          break;
        case 7:
          if (!restoring.empty()) {
            const ObjectId ended = restoring.back();
            restoring.pop_back();
            (void)residency.Restoring(ended, Place(ended.lo()));
            for (const ClientId waiting :
                 residency.RestoreEnded(ended, Place(ended.lo()), Reading::kRead).wanted_by) {
              clients[static_cast<uint64_t>(waiting) - 1].down.push_back({Message::kTold, ended});
            }
          }
          break;
      }
      residency.CheckInvariants();
    }
  }
  EXPECT_GT(left, 1000u) << "hardly anything left memory";
}

}  // namespace
}  // namespace troupe::objectstore
