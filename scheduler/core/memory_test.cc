// Who gets the store's memory, event by event.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/base/location.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

constexpr ClientId kAnn = kDriver, kBen = ClientId(2), kCid = ClientId(3);

// A store of 1 MiB that nothing leaves, and three drivers.
class MemoryTest : public CoreTest {
 protected:
  MemoryTest() : CoreTest(2, uint64_t{1} << 20) {
    core_.DriverJoined(kBen, JobId(2));
    core_.DriverJoined(kCid, JobId(3));
    core_.AdvanceTo(kSecond);
  }

  void Ask(ClientId client, uint64_t bytes) {
    ASSERT_TRUE(core_.RequestLease(client, bytes).ok());
    Perform();
  }
  // An object at the beginning of the memory that the client was leased last.
  ObjectId Seal(ClientId client, uint64_t sequence, uint64_t bytes) {
    const Location lease = leases_.back().space;
    const ObjectId id = ObjectId::Make(client, sequence);
    EXPECT_EQ(leases_.back().client, client);
    EXPECT_TRUE(core_.Seal(client, {id, {Location{lease.chunk, lease.offset, bytes}, {}}}).ok());
    return id;
  }
  void Release(ClientId client, ObjectId id) {
    ASSERT_TRUE(core_.Release(client, {{{id, 1}}}).ok());
    Perform();
  }
  std::vector<ClientId> WhoWasLeased() const {
    std::vector<ClientId> clients;
    for (const SendLease& lease : leases_) clients.push_back(lease.client);
    return clients;
  }
};

TEST_F(MemoryTest, WhoAskedFirstGetsMemoryFirstHoweverMuchItIs) {
  Ask(kAnn, 900'000);
  const ObjectId object = Seal(kAnn, 1, 900'000);
  leases_.clear();
  ASSERT_GT(core_.space().cap() - core_.space().bytes(), 100'000u) << "small ones are to fit";
  Ask(kBen, 600'000);
  Ask(kAnn, 50'000);
  Ask(kCid, 40'000);
  EXPECT_EQ(WhoWasLeased(), (std::vector<ClientId>{}));
  Release(kAnn, object);
  EXPECT_EQ(WhoWasLeased(), (std::vector{kBen, kAnn, kCid}));
}

// Whose objects are named: by the sum of a task's, not by the largest one.
TEST_F(MemoryTest, WhoWaitedInVainIsToldWhatTakesTheMemory) {
  const auto run = [&](uint64_t sequence, const char* name, uint64_t bytes) {
    wire::TaskSpec spec = Spec(kAnn, sequence);
    spec.name = name;
    ASSERT_TRUE(Submit(kAnn, spec).ok());
    Perform();
    const ClientId worker = FindDispatch(spec.id)->worker;
    Ask(worker, bytes);
    const Location lease = leases_.back().space;
    ASSERT_TRUE(Complete(spec.id, {Location{lease.chunk, lease.offset, bytes}, {}}).ok());
    if (lease.size > bytes) {
      ASSERT_TRUE(
          core_.ReturnLease(worker, {lease.chunk, lease.offset + bytes, lease.size - bytes}).ok());
    }
    Perform();
  };
  run(1, "Scale", 32 << 10);
  run(2, "Load", 128 << 10);
  run(3, "Make", 192 << 10);
  run(4, "Load", 128 << 10);
  Ask(kAnn, 64 << 10);
  Seal(kAnn, 5, 64 << 10);
  Ask(kBen, 600 << 10);
  core_.AdvanceTo(31 * kSecond - 1);
  Perform();
  EXPECT_TRUE(refusals_.empty());
  core_.AdvanceTo(31 * kSecond);
  Perform();
  ASSERT_EQ(refusals_.size(), 1u);
  EXPECT_EQ(refusals_[0].kind, ErrorKind::kResourceExhausted);
  EXPECT_EQ(refusals_[0].message,
            "no room for 600.0 KiB in the object store of 1.0 MiB for 30 s: objects in use take "
            "544.0 KiB (256.0 KiB of Load, 192.0 KiB of Make, 64.0 KiB of Put); drop references, "
            "give a --spill_dir, or start the cluster with a larger --object_store_memory");
}

TEST_F(MemoryTest, AStoreThatNobodyUsesForTenSecondsGivesAllItsMemoryBack) {
  Ask(kAnn, 100'000);
  const Location lease = leases_.back().space;
  const ObjectId object = Seal(kAnn, 1, 100'000);
  const uint64_t used = 100'032;  // with its alignment
  core_.AdvanceTo(3 * kSecond);
  Release(kAnn, object);
  EXPECT_EQ(core_.NextDeadline(), 13 * kSecond);
  core_.AdvanceTo(13 * kSecond - 1);
  Perform();
  EXPECT_TRUE(recalls_.empty() && punched_.empty());
  EXPECT_EQ(core_.space().bytes(), lease.size);
  core_.AdvanceTo(13 * kSecond);
  Perform();
  // The object's whole pages at once; what is leased when it comes back.
  EXPECT_EQ(punched_, (std::vector<Location>{{lease.chunk, 0, used / 4096 * 4096}}));
  EXPECT_EQ(recalls_, (std::vector{kAnn}));
  EXPECT_EQ(core_.space().bytes(), lease.size - used / 4096 * 4096);
  ASSERT_TRUE(core_.ReturnLease(kAnn, {lease.chunk, used, lease.size - used}).ok());
  Perform();
  EXPECT_EQ(dropped_chunks_, (std::vector{lease.chunk}));
  EXPECT_EQ(core_.space().bytes(), 0u);
  // Once: until it is used again there is nothing to wait for.
  core_.AdvanceTo(100 * kSecond);
  Perform();
  EXPECT_EQ(recalls_.size(), 1u);
  Ask(kAnn, 100'000);
  EXPECT_EQ(core_.NextDeadline(), 110 * kSecond);
}

TEST_F(MemoryTest, WhoWaitsGetsWhatAnotherClientHasLeasedAndDoesNotUse) {
  Ask(kAnn, 100'000);
  const Location lease = leases_.back().space;
  Ask(kBen, 900'000);
  Ask(kCid, 900'000);
  EXPECT_EQ(leases_.size(), 1u);
  EXPECT_EQ(recalls_, (std::vector{kAnn})) << "to be asked once, however many wait";
  ASSERT_TRUE(core_.ReturnLease(kAnn, lease).ok());
  Perform();
  EXPECT_EQ(WhoWasLeased(), (std::vector{kAnn, kBen}));
  // Cid waits: Ben is asked as well, who has been given his since.
  EXPECT_EQ(recalls_, (std::vector{kAnn, kBen}));
  ASSERT_TRUE(core_.ReturnLease(kBen, leases_.back().space).ok());
  Perform();
  EXPECT_EQ(WhoWasLeased(), (std::vector{kAnn, kBen, kCid}));
}

// Its memory is on the way while the other one begins to wait: it has not been asked for that.
TEST_F(MemoryTest, ALeaseThatComesAfterARecallIsRecalledToo) {
  Ask(kAnn, 100'000);
  const Location first = leases_.back().space;
  ASSERT_TRUE(core_.RequestLease(kAnn, 100'000).ok());  // is being populated
  ASSERT_TRUE(core_.RequestLease(kBen, 900'000).ok());
  Perform();
  EXPECT_EQ(WhoWasLeased(), (std::vector{kAnn, kAnn}));
  ASSERT_TRUE(core_.ReturnLease(kAnn, first).ok());
  Perform();
  EXPECT_EQ(recalls_, (std::vector{kAnn, kAnn}));
}

// Two objects of 38 % of the store each, and who takes them.
class ArgumentsTest : public MemoryTest {
 protected:
  ArgumentsTest() {
    Ask(kAnn, 400'000);
    first_ = Seal(kAnn, 1, 400'000);
    Ask(kAnn, 400'000);
    second_ = Seal(kAnn, 2, 400'000);
  }
  TaskId SubmitTaking(uint64_t sequence, ObjectId argument) {
    wire::TaskSpec spec = Spec(kAnn, sequence);
    spec.arguments.push_back({argument});
    EXPECT_TRUE(Submit(kAnn, spec).ok());
    Perform();
    return spec.id;
  }

  ObjectId first_, second_;
};

TEST_F(ArgumentsTest, WhatRunsTakesAtMostSeventyPercentOfTheStore) {
  const TaskId running = SubmitTaking(3, first_);
  const TaskId same = SubmitTaking(4, first_);
  EXPECT_NE(FindDispatch(running), nullptr);
  EXPECT_NE(FindDispatch(same), nullptr) << "what others take already takes nothing more";
  const TaskId held = SubmitTaking(5, second_);
  EXPECT_EQ(FindDispatch(held), nullptr) << "76 %";
  EXPECT_NE(core_.Why(held.Result(0)).find("waits for room"), std::string::npos)
      << core_.Why(held.Result(0));
  ASSERT_TRUE(Complete(same, ValueOf("done")).ok());
  Perform();
  EXPECT_EQ(FindDispatch(held), nullptr) << "the other one runs";
  ASSERT_TRUE(Complete(running, ValueOf("done")).ok());
  Perform();
  EXPECT_NE(FindDispatch(held), nullptr);
}

TEST_F(ArgumentsTest, WhoWaitsInATaskMayWaitForWhatWasHeldBack) {
  const TaskId parent = SubmitTaking(3, first_);
  const TaskId child = SubmitTaking(4, second_);
  EXPECT_EQ(FindDispatch(child), nullptr);
  Begin(*FindDispatch(parent));
  ASSERT_TRUE(core_.Blocked(FindDispatch(parent)->worker, {{child.Result(0)}, 1}).ok());
  Perform();
  EXPECT_NE(FindDispatch(child), nullptr);
}

// For that it lends its CPU, too; were more arguments taken with it, nobody would get memory.
TEST_F(ArgumentsTest, WhoWaitsForMemoryInATaskHoldsItsArguments) {
  const TaskId writer = SubmitTaking(3, first_);
  const TaskId held = SubmitTaking(4, second_);
  Begin(*FindDispatch(writer));
  const ClientId worker = FindDispatch(writer)->worker;
  Ask(worker, 400'000);
  ASSERT_TRUE(core_.Blocked(worker, {{}, 1}).ok());
  Perform();
  EXPECT_EQ(FindDispatch(held), nullptr);
}

TEST_F(ArgumentsTest, NobodyIsHeldBackForEver) {
  const TaskId endless = SubmitTaking(3, first_);
  const TaskId held = SubmitTaking(4, second_);
  EXPECT_NE(FindDispatch(endless), nullptr);
  EXPECT_EQ(core_.NextDeadline(), 11 * kSecond);
  core_.AdvanceTo(11 * kSecond - 1);
  Perform();
  EXPECT_EQ(FindDispatch(held), nullptr);
  core_.AdvanceTo(11 * kSecond);
  Perform();
  EXPECT_NE(FindDispatch(held), nullptr);
}

class SpillingTest : public CoreTest {
 protected:
  SpillingTest()
      : CoreTest(Core::Config{.total = ResourceSet::Cpus(1),
                              .store_bytes = uint64_t{4} << 20,
                              .spill = {{"/disk", 1ull << 40}}}) {}

  // Leases memory, and makes an object of all of it that is needed.
  bool Put(uint64_t sequence, uint64_t bytes) {
    leases_.clear();
    EXPECT_TRUE(core_.RequestLease(kDriver, bytes).ok());
    Perform();
    if (leases_.size() != 1) return false;
    const Location lease = leases_[0].space;
    const Location object{lease.chunk, lease.offset, bytes};
    EXPECT_TRUE(core_.Seal(kDriver, {ObjectId::Make(kDriver, sequence), {object, {}}}).ok());
    const uint64_t used = (bytes + Limits::kObjectAlignmentBytes - 1) /
                          Limits::kObjectAlignmentBytes * Limits::kObjectAlignmentBytes;
    if (lease.size > used) {
      EXPECT_TRUE(
          core_.ReturnLease(kDriver, {lease.chunk, lease.offset + used, lease.size - used}).ok());
    }
    Perform();
    return true;
  }
};

// Whatever the sizes: what makes room and what asks for room agree on how much is enough.
TEST_F(SpillingTest, AWriterGetsMemoryAsLongAsObjectsCanLeave) {
  std::mt19937_64 random(17);
  for (uint64_t i = 1; i <= 1000; ++i) {
    const uint64_t bytes = 1 + (random() % 1000 + 1) * (uint64_t{1} << random() % 20) / 1000;
    ASSERT_TRUE(Put(i, bytes)) << "object " << i << " of " << bytes << " bytes waits for ever";
  }
  EXPECT_GT(core_.residency().largest_away(), 0u) << "nothing has left";
}

// Two of 3 MiB are pinned by somebody who does not answer, and another driver waits for all memory.
class SilenceTest : public SpillingTest {
 protected:
  SilenceTest() {
    core_.DriverJoined(kBen, JobId(2));
    core_.AdvanceTo(kSecond);
    silent_ = {kDriver};
    EXPECT_TRUE(Put(1, 2 << 20) && Put(2, 1 << 20));
    leases_.clear();
    EXPECT_TRUE(core_.RequestLease(kBen, 4 << 20).ok());
    Perform();
    EXPECT_TRUE(leases_.empty());
    AdvanceTo(3);
  }
  void AdvanceTo(int seconds) {
    core_.AdvanceTo(seconds * kSecond);
    Perform();
  }
};

TEST_F(SilenceTest, EndsInsteadOfTheWaitOfAnother) {
  AdvanceTo(30);
  EXPECT_TRUE(cut_off_.empty() && refusals_.empty()) << "before it is time";
  AdvanceTo(31);
  ASSERT_EQ(cut_off_.size(), 1u);
  EXPECT_EQ(cut_off_[0].client, kDriver);
  EXPECT_TRUE(refusals_.empty()) << refusals_[0].message;
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(leases_.size(), 1u) << "what it had left is nobody's";
}

// About one of the two: it lives, and has its reasons.
TEST_F(SilenceTest, IsOverWithAWord) {
  AdvanceTo(29);
  ASSERT_TRUE(core_.Unpinned(kDriver, {{}, {{ObjectId::Make(kDriver, 1), 1}}}).ok());
  AdvanceTo(31);
  EXPECT_TRUE(cut_off_.empty());
  ASSERT_EQ(refusals_.size(), 1u);
  EXPECT_NE(refusals_[0].message.find("no room for 4.0 MiB"), std::string::npos);
}

TEST_F(SilenceTest, IsNobodysBusinessWhereNobodyWaits) {
  core_.DriverLeft(kBen);
  Perform();
  AdvanceTo(100);
  EXPECT_TRUE(cut_off_.empty());
}

// What it was asked about has gone: whoever waits then waits for somebody else.
TEST_F(SilenceTest, IsForgottenWithTheObjects) {
  ASSERT_TRUE(
      core_.Release(kDriver, {{{ObjectId::Make(kDriver, 1), 1}, {ObjectId::Make(kDriver, 2), 1}}})
          .ok());
  Perform();
  ASSERT_EQ(leases_.size(), 1u);
  ASSERT_TRUE(core_.RequestLease(kBen, 3 << 20).ok());
  Perform();
  ASSERT_EQ(leases_.size(), 1u) << "nobody waits";
  AdvanceTo(100);
  EXPECT_EQ(refusals_.size(), 1u);
  EXPECT_TRUE(cut_off_.empty());
}

}  // namespace
}  // namespace troupe::scheduler
