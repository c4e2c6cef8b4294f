// The object table and the chunk space: the protocol's rules, hostile clients, and seeded random
// runs with invariants checked after each step.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <vector>

#include "core/base/limits.h"
#include "core/base/small_bytes.h"
#include "objectstore/table/chunk_space.h"
#include "objectstore/table/object_table.h"

namespace troupe::objectstore {
namespace {

constexpr ClientId kDriver{1};
constexpr ClientId kWorker{2};

ObjectId Id(uint64_t n, ClientId client = kDriver) { return ObjectId::Make(client, n); }

TEST(ObjectTable, AnObjectLivesAsLongAsAGrantOrAHold) {
  ObjectTable table;
  ASSERT_TRUE(table.Create(Id(1), kDriver).ok());
  ASSERT_TRUE(table.Seal(kDriver, Id(1), SmallBytes("abc"), {}).ok());
  table.Grant(Id(1), kWorker, 2);
  ASSERT_TRUE(table.Release(kDriver, Id(1), 1).ok());
  ASSERT_TRUE(table.Release(kWorker, Id(1), 1).ok());
  table.Hold(Id(1));
  ASSERT_TRUE(table.Release(kWorker, Id(1), 1).ok());
  EXPECT_NE(table.Find(Id(1)), nullptr);
  EXPECT_EQ(table.bytes_inline(), 3u);
  table.Unhold(Id(1));
  EXPECT_EQ(table.Find(Id(1)), nullptr);
  const auto freed = table.TakeFreed();
  ASSERT_EQ(freed.size(), 1u);
  EXPECT_EQ(std::get<SmallBytes>(freed[0].content).size(), 3u);
  EXPECT_EQ(table.bytes_inline(), 0u);
}

TEST(ObjectTable, LiesAreRefusedAndChangeNothing) {
  ObjectTable table;
  ASSERT_TRUE(table.Create(Id(1), kDriver).ok());
  EXPECT_FALSE(table.Create(Id(1), kDriver).ok()) << "made twice";
  EXPECT_FALSE(table.Create(Id(2), kWorker).ok()) << "an id of another maker";
  EXPECT_FALSE(table.Create(ObjectId(), kDriver).ok()) << "the null id";
  EXPECT_FALSE(table.Release(kWorker, Id(1), 1).ok()) << "never granted";
  EXPECT_FALSE(table.Release(kDriver, Id(1), 2).ok()) << "more than granted";
  EXPECT_FALSE(table.Release(kDriver, Id(9), 1).ok()) << "unknown";
  EXPECT_FALSE(table.Subscribe(Id(1), kWorker).ok()) << "asks for what it does not hold";
  EXPECT_FALSE(table.Seal(kDriver, Id(1), SmallBytes(""), {Id(1)}).ok()) << "contains itself";
  EXPECT_FALSE(table.Seal(kDriver, Id(1), SmallBytes(""), {Id(7)}).ok())
      << "contains what is unknown";
  ASSERT_TRUE(table.Seal(kDriver, Id(1), SmallBytes(""), {}).ok());
  EXPECT_FALSE(table.Seal(kDriver, Id(1), SmallBytes(""), {}).ok()) << "sealed twice";
  EXPECT_FALSE(table.Claim(kWorker, Id(1), 0, 0).ok()) << "claims from what it does not hold";
  EXPECT_FALSE(table.Claim(kDriver, Id(1), 0, 1).ok()) << "claims more than is inside";
  EXPECT_FALSE(table.Claim(kDriver, Id(1), 0xffffffff, 2).ok()) << "a sum that overflows";
  table.CheckInvariants();
  EXPECT_TRUE(table.HasGrant(Id(1), kDriver));
}

TEST(ObjectTable, ContainersHoldWhatTheyContainAndCanBeClaimedFrom) {
  ObjectTable table;
  ASSERT_TRUE(table.Create(Id(1), kDriver).ok());
  ASSERT_TRUE(table.Create(Id(2), kDriver).ok());
  ASSERT_TRUE(table.Seal(kDriver, Id(2), SmallBytes("box"), {Id(1), Id(1)}).ok());
  ASSERT_TRUE(table.Release(kDriver, Id(1), 1).ok());
  EXPECT_NE(table.Find(Id(1)), nullptr);
  table.Grant(Id(2), kWorker, 1);
  ASSERT_TRUE(table.Claim(kWorker, Id(2), 0, 2).ok());
  ASSERT_TRUE(table.Release(kWorker, Id(2), 1).ok());
  ASSERT_TRUE(table.Release(kDriver, Id(2), 1).ok());
  EXPECT_EQ(table.Find(Id(2)), nullptr);
  EXPECT_NE(table.Find(Id(1)), nullptr) << "the claim outlives its container";
  table.CheckInvariants();
  ASSERT_TRUE(table.Release(kWorker, Id(1), 2).ok());
  EXPECT_EQ(table.count(), 0u);
}

TEST(ObjectTable, TheLargestAreListedFirstAndOfEqualOnesTheOlder) {
  ObjectTable table;
  for (uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(table.Create(Id(i), kDriver).ok());
  ASSERT_TRUE(table.Seal(kDriver, Id(1), SmallBytes("abc"), {}).ok());
  ASSERT_TRUE(table.Seal(kDriver, Id(2), Location{ChunkId(1), 0, 5'000}, {}).ok());
  ASSERT_TRUE(table.Seal(kDriver, Id(3), Location{ChunkId(1), 8192, 7'000}, {}).ok());
  ASSERT_TRUE(table.Seal(kDriver, Id(4), SmallBytes(std::string(5'000, 'x')), {}).ok());
  table.MoveOut(Id(3));
  const auto largest = [&](size_t limit) {
    std::vector<ObjectId> ids;
    for (const Entry* entry : table.Largest(limit)) ids.push_back(entry->id);
    return ids;
  };
  EXPECT_EQ(largest(9), (std::vector{Id(3), Id(2), Id(4), Id(1), Id(5)}));
  EXPECT_EQ(largest(3), (std::vector{Id(3), Id(2), Id(4)}));
  EXPECT_EQ(largest(2), (std::vector{Id(3), Id(2)}));
  EXPECT_TRUE(largest(0).empty());
}

TEST(ObjectTable, AMillionNestedContainersAreFreedWithoutAStack) {
  ObjectTable table;
  constexpr uint64_t kDepth = 1'000'000;
  for (uint64_t i = 1; i <= kDepth; ++i) {
    ASSERT_TRUE(table.Create(Id(i), kDriver).ok());
    ASSERT_TRUE(table
                    .Seal(kDriver, Id(i), SmallBytes(""),
                          i == 1 ? std::vector<ObjectId>{} : std::vector{Id(i - 1)})
                    .ok());
    if (i > 1) {
      ASSERT_TRUE(table.Release(kDriver, Id(i - 1), 1).ok());
    }
  }
  EXPECT_EQ(table.count(), kDepth);
  ASSERT_TRUE(table.Release(kDriver, Id(kDepth), 1).ok());
  EXPECT_EQ(table.count(), 0u);
}

TEST(ObjectTable, SubscribersAreToldOnceAndTheDeadAreForgotten) {
  ObjectTable table;
  ASSERT_TRUE(table.Create(Id(1), kDriver).ok());
  table.Grant(Id(1), kWorker, 1);
  EXPECT_FALSE(*table.Subscribe(Id(1), kDriver));
  EXPECT_FALSE(*table.Subscribe(Id(1), kDriver));
  EXPECT_FALSE(*table.Subscribe(Id(1), kWorker));
  table.DropClient(kWorker);
  EXPECT_EQ(table.Fail(Id(1), std::make_shared<const ErrorInfo>()), Subscribers{kDriver});
  EXPECT_TRUE(*table.Subscribe(Id(1), kDriver));
  table.DropClient(kDriver);
  EXPECT_EQ(table.count(), 0u);
}

TEST(ObjectTable, AFollowedClientLosesWhatItHasLikeAnyOther) {
  ObjectTable table;
  table.Follow(kWorker);
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(table.Create(Id(i), kDriver).ok());
    table.Grant(Id(i), kWorker, 2);
  }
  ASSERT_TRUE(table.Create(ObjectId::Make(kWorker, 1), kWorker).ok());
  ASSERT_TRUE(table.Release(kWorker, Id(1), 2).ok());
  ASSERT_TRUE(table.Release(kDriver, Id(2), 1).ok());
  table.CheckInvariants();
  table.DropClient(kWorker);
  EXPECT_NE(table.Find(Id(1)), nullptr);
  EXPECT_EQ(table.Find(Id(2)), nullptr) << "nobody else has it";
  EXPECT_FALSE(table.HasGrant(Id(3), kWorker));
  EXPECT_EQ(table.count(), 2u);
}

TEST(ObjectTable, WhatIsLostOrFreedMayBePendingAgain) {
  ObjectTable table;
  const ObjectId outer = ObjectId::Make(ClientId(1), 1), inner = ObjectId::Make(ClientId(1), 2);
  for (const ObjectId id : {outer, inner}) ASSERT_TRUE(table.Create(id, ClientId(1)).ok());
  table.Grant(outer, ClientId(2), 1);
  ASSERT_TRUE(table.Seal(ClientId(1), outer, Location{ChunkId(1), 0, 64}, {inner}).ok());
  ASSERT_TRUE(table.Release(ClientId(1), inner, 1).ok());
  table.Reopen(outer, {ClientId(2)});
  EXPECT_TRUE(table.Find(outer)->pending());
  EXPECT_EQ(table.Find(inner), nullptr) << "the lost value holds it";
  EXPECT_EQ(table.bytes_stored(), 0u);
  EXPECT_EQ(table.TakeFreed().size(), 1u);
  table.Revive(inner);
  table.CheckInvariants();
  EXPECT_TRUE(table.Find(inner)->pending());
  const auto told = table.Seal(ClientId(1), outer, SmallBytes("value"), {});
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(*told, Subscribers{ClientId(2)}) << "the other one does not wait";
  table.Unhold(inner);
  EXPECT_EQ(table.Find(inner), nullptr);
  table.CheckInvariants();
}

// Random operations of several clients, some of them followed, beside a naive model of who holds
// what.
TEST(ObjectTable, RandomRunsAgreeWithANaiveModel) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 random(seed);
    ObjectTable table;
    std::map<std::pair<ObjectId, ClientId>, uint32_t> grants;
    std::vector<ObjectId> made;
    uint64_t next = 0;
    const auto pick = [&]() -> ObjectId {
      return made.empty() ? ObjectId() : made[random() % made.size()];
    };
    for (int step = 0; step < 300; ++step) {
      const ClientId client{1 + random() % 4};
      const ObjectId id = pick();
      const auto held = grants.find({id, client});
      switch (random() % 6) {
        case 0:
        case 1: {
          const ObjectId made_now = ObjectId::Make(client, ++next);
          ASSERT_TRUE(table.Create(made_now, client).ok());
          ++grants[{made_now, client}];
          made.push_back(made_now);
          if (random() % 2 == 0) {
            std::vector<ObjectId> inside;
            if (held != grants.end()) inside.push_back(id);
            ASSERT_TRUE(
                table.Seal(client, made_now, SmallBytes(std::string(random() % 9, 'x')), inside)
                    .ok());
          }
          break;
        }
        case 2:
        case 3:
          if (held == grants.end()) {
            EXPECT_FALSE(table.Release(client, id, 1).ok());
          } else {
            ASSERT_TRUE(table.Release(client, id, 1).ok());
            if (--held->second == 0) grants.erase(held);
          }
          break;
        case 4:
          if (table.Find(id) != nullptr) {
            table.Grant(id, client, 1);
            ++grants[{id, client}];
          }
          break;
        case 5:
          if (random() % 10 == 0) {
            table.DropClient(client);
            if (client > ClientId(2)) table.Follow(client);
            std::erase_if(grants, [&](const auto& g) { return g.first.second == client; });
          }
          break;
      }
      table.CheckInvariants();
      for (const auto& [key, count] : grants)
        ASSERT_TRUE(table.HasGrant(key.first, key.second)) << "seed " << seed;
    }
    for (uint64_t client = 1; client <= 4; ++client) table.DropClient(ClientId(client));
    ASSERT_EQ(table.count(), 0u) << "seed " << seed;
    ASSERT_EQ(table.bytes_inline(), 0u);
  }
}

// As the server does it: a lease is used when its pages have memory.
std::optional<ChunkSpace::Grant> Lease(ChunkSpace* space, ClientId client, uint64_t bytes) {
  const auto lease = space->Lease(client, bytes);
  EXPECT_TRUE(lease.ok());
  if (!lease->has_value()) return std::nullopt;
  if ((*lease)->cold) {
    EXPECT_EQ(space->Populated((*lease)->space), client);
  }
  return *lease;
}

TEST(ChunkSpace, AClientCarvesFromItsOwnLeaseOnly) {
  ChunkSpace space(uint64_t{1} << 30);
  const auto lease = space.Lease(kDriver, 1000);
  ASSERT_TRUE(lease.ok() && lease->has_value());
  EXPECT_TRUE((*lease)->cold);
  EXPECT_FALSE(space.Seal(kDriver, {(*lease)->space.chunk, 64, 100}).ok()) << "has no memory yet";
  EXPECT_EQ(space.Populated((*lease)->space), kDriver);
  EXPECT_TRUE((*lease)->new_chunk);
  const uint64_t bytes = (*lease)->space.size;
  const ChunkId chunk = (*lease)->space.chunk;
  EXPECT_FALSE(space.Seal(kWorker, {chunk, 0, 100}).ok()) << "another's lease";
  EXPECT_FALSE(space.Seal(kDriver, {chunk, 1, 100}).ok()) << "not aligned";
  EXPECT_FALSE(space.Seal(kDriver, {chunk, 0, 0}).ok()) << "empty";
  EXPECT_FALSE(space.Seal(kDriver, {chunk, bytes, 64}).ok()) << "beyond the lease";
  EXPECT_FALSE(space.Seal(kDriver, {chunk, 64, ~uint64_t{0} - 63}).ok()) << "a sum that overflows";
  EXPECT_FALSE(space.Seal(kDriver, {ChunkId(99), 0, 64}).ok()) << "an unknown chunk";
  ASSERT_TRUE(space.Seal(kDriver, {chunk, 64, 100}).ok());
  EXPECT_FALSE(space.Seal(kDriver, {chunk, 128, 64}).ok()) << "overlaps a sealed object";
  ASSERT_TRUE(space.Seal(kDriver, {chunk, 0, 64}).ok());
  space.CheckInvariants();
  space.Free({chunk, 64, 100});
  space.DropClient(kDriver);
  space.CheckInvariants();
}

TEST(ChunkSpace, LeasesBeginSmallAndDouble) {
  ChunkSpace space(uint64_t{1} << 30);
  std::vector<uint64_t> sizes;
  for (int i = 0; i < 8; ++i) sizes.push_back(Lease(&space, kDriver, 1000)->space.size);
  for (size_t i = 0; i < sizes.size(); ++i)
    EXPECT_EQ(sizes[i], std::min(Limits::kMinLeaseBytes << i, space.lease_bytes())) << i;
  EXPECT_EQ(sizes.back(), space.lease_bytes());
  EXPECT_EQ(Lease(&space, kWorker, 1000)->space.size, Limits::kMinLeaseBytes) << "another client";
  EXPECT_GE(Lease(&space, kWorker, 10'000'000)->space.size, 10'000'000u) << "a larger object";
  space.DropClient(kDriver);
  space.Trim();
  EXPECT_EQ(Lease(&space, kWorker, 1000)->space.size, Limits::kMinLeaseBytes) << "after a while";
  space.CheckInvariants();
}

TEST(ChunkSpace, LargeObjectsReuseTheirWarmChunk) {
  ChunkSpace space(uint64_t{1} << 30);
  constexpr uint64_t kBytes = uint64_t{100} << 20;
  const auto first = *Lease(&space, kDriver, kBytes);
  ASSERT_TRUE(space.Seal(kDriver, {first.space.chunk, 0, kBytes}).ok());
  space.Free({first.space.chunk, 0, kBytes});
  const auto second = **space.Lease(kDriver, kBytes);
  EXPECT_FALSE(second.new_chunk);
  EXPECT_FALSE(second.cold) << "its pages were given away";
  EXPECT_EQ(second.space.chunk, first.space.chunk);
}

TEST(ChunkSpace, TheCapHoldsAndFreeChunksMakeRoomForOthers) {
  ChunkSpace space(uint64_t{16} << 20);
  EXPECT_FALSE(space.Lease(kDriver, uint64_t{17} << 20).ok());
  const auto whole = *Lease(&space, kDriver, uint64_t{16} << 20);
  EXPECT_FALSE((*space.Lease(kWorker, 64)).has_value()) << "the cap is exceeded";
  ASSERT_TRUE(space.ReturnLease(kDriver, whole.space).ok());
  const auto other = *space.Lease(kWorker, uint64_t{8} << 20);
  ASSERT_TRUE(other.has_value()) << "freed memory cannot be used by another client";
  space.CheckInvariants();
}

TEST(ChunkSpace, OneSmallSurvivorDoesNotHoldAChunk) {
  constexpr uint64_t kCap = uint64_t{16} << 20;
  ChunkSpace space(kCap);
  const auto whole = *Lease(&space, kDriver, kCap);
  const Location survivor{whole.space.chunk, uint64_t{8} << 20, 100};
  ASSERT_TRUE(space.Seal(kDriver, survivor).ok());
  space.DropClient(kDriver);
  // All but the survivor's page, in one piece that the chunk does not have.
  const auto large = *space.Lease(kWorker, kCap - 4096);
  ASSERT_TRUE(large.has_value()) << "a survivor of 100 bytes holds a chunk";
  EXPECT_TRUE(large->new_chunk);
  EXPECT_EQ(space.bytes(), kCap);
  uint64_t punched = 0;
  for (const Location& hole : space.TakeHoles()) {
    EXPECT_EQ(hole.chunk, survivor.chunk);
    EXPECT_TRUE(hole.offset + hole.size <= survivor.offset ||
                hole.offset >= survivor.offset + survivor.size);
    punched += hole.size;
  }
  EXPECT_EQ(punched, kCap - 4096);
  space.CheckInvariants();
  space.Free(survivor);
  space.CheckInvariants();
}

TEST(ChunkSpace, ALeaseWhoseClientDiesBeforeItHasMemoryIsFree) {
  ChunkSpace space(uint64_t{16} << 20);
  const auto dead = **space.Lease(kDriver, 1000);
  space.DropClient(kDriver);
  space.CheckInvariants();
  EXPECT_EQ(space.Populated(dead.space), ClientId::kNone);
  space.CheckInvariants();
  EXPECT_EQ(space.leased_bytes(), 0u);
  const auto failed = **space.Lease(kWorker, uint64_t{15} << 20);
  EXPECT_EQ(space.PopulateFailed(failed.space), kWorker);
  space.CheckInvariants();
  EXPECT_EQ(space.leased_bytes(), 0u);
}

TEST(ChunkSpace, IdleMemoryGoesBack) {
  ChunkSpace space(uint64_t{16} << 20);
  const auto lease = *Lease(&space, kDriver, uint64_t{4} << 20);
  ASSERT_TRUE(space.Seal(kDriver, {lease.space.chunk, 0, 5000}).ok());
  space.DropClient(kDriver);
  space.Trim();
  space.CheckInvariants();
  EXPECT_EQ(space.bytes(), 8192u) << "more than the pages of the one object";
  space.Free({lease.space.chunk, 0, 5000});
  space.Trim();
  EXPECT_EQ(space.bytes(), 0u);
  EXPECT_EQ(space.chunk_count(), 0u);
}

// Objects of all sizes come and go in no order: how much of the cap is live when the next one finds
// no room, though all leases were given back?
TEST(ChunkSpace, FourFifthsOfTheCapAreUsable) {
  constexpr uint64_t kCap = uint64_t{64} << 20;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    std::mt19937_64 random(seed);
    ChunkSpace space(kCap);
    std::vector<Location> live;
    uint64_t live_bytes = 0;
    double worst = 1;
    for (int step = 0; step < 20'000; ++step) {
      // Stored objects have more than 16 KiB; sizes are spread over their orders of magnitude.
      const uint64_t bytes = (uint64_t{16} << 10 << random() % 8) * (1000 + random() % 1000) / 1000;
      const ClientId client{1 + random() % 5};
      auto lease = Lease(&space, client, bytes);
      if (!lease.has_value()) {
        worst = std::min(worst, static_cast<double>(live_bytes + bytes) / kCap);
        // Half of the objects go, here and there.
        std::shuffle(live.begin(), live.end(), random);
        for (size_t n = live.size() / 2; n > 0; --n) {
          space.Free(live.back());
          live_bytes -= live.back().size;
          live.pop_back();
        }
        space.CheckInvariants();
        continue;
      }
      const Location object{lease->space.chunk, lease->space.offset, bytes};
      ASSERT_TRUE(space.Seal(client, object).ok());
      const uint64_t used = (bytes + 63) / 64 * 64;
      if (lease->space.size > used) {
        ASSERT_TRUE(
            space
                .ReturnLease(client, {object.chunk, object.offset + used, lease->space.size - used})
                .ok());
      }
      live.push_back(object);
      live_bytes += bytes;
    }
    EXPECT_GE(worst, 0.8) << "seed " << seed;
  }
}

TEST(ChunkSpace, RandomRunsKeepTheInvariants) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed);
    ChunkSpace space(uint64_t{8} << 20);
    std::vector<std::pair<ClientId, Location>> leases;
    std::vector<std::pair<ClientId, Location>> populating;
    std::vector<Location> sealed;
    for (int step = 0; step < 400; ++step) {
      const ClientId client{1 + random() % 3};
      switch (random() % 6) {
        case 0: {
          const auto lease =
              space.Lease(client, 1 + random() % (random() % 4 == 0 ? 4 << 20 : 100'000));
          ASSERT_TRUE(lease.ok());
          if (!lease->has_value()) break;
          ((*lease)->cold ? populating : leases).emplace_back(client, (*lease)->space);
          break;
        }
        case 1:
        case 2: {
          if (leases.empty()) break;
          auto& [owner, lease] = leases[random() % leases.size()];
          const uint64_t bytes = std::min<uint64_t>(lease.size, 1 + random() % 200'000);
          const Location object{lease.chunk, lease.offset, bytes};
          if (bytes == 0 || lease.size == 0) break;
          if (random() % 3 == 0) {
            ASSERT_TRUE(space.ReturnLease(owner, object).ok());
          } else {
            ASSERT_TRUE(space.Seal(owner, object).ok());
            sealed.push_back(object);
          }
          const uint64_t used = (bytes + 63) / 64 * 64;
          lease.offset += used;
          lease.size -= std::min(lease.size, used);
          if (lease.size == 0)
            std::erase_if(leases, [](const auto& l) { return l.second.size == 0; });
          break;
        }
        case 3:
          if (sealed.empty()) break;
          std::swap(sealed[random() % sealed.size()], sealed.back());
          space.Free(sealed.back());
          sealed.pop_back();
          break;
        case 4: {
          if (populating.empty()) break;
          std::swap(populating[random() % populating.size()], populating.back());
          const auto [owner, lease] = populating.back();
          populating.pop_back();
          if (random() % 4 == 0) {
            EXPECT_EQ(space.PopulateFailed(lease), owner);
          } else if (space.Populated(lease) != ClientId::kNone) {
            leases.emplace_back(owner, lease);
          }
          break;
        }
        case 5:
          if (random() % 10 == 0) {
            space.DropClient(client);
            std::erase_if(leases, [&](const auto& l) { return l.first == client; });
            for (auto& lease : populating)
              if (lease.first == client) lease.first = ClientId::kNone;
          }
          if (random() % 10 == 0) space.Trim();
          break;
      }
      if (step % 10 == 0) space.CheckInvariants();
    }
    for (const auto& [owner, lease] : populating) (void)space.Populated(lease);
    for (uint64_t c = 1; c <= 3; ++c) space.DropClient(ClientId(c));
    for (const Location& object : sealed) space.Free(object);
    space.CheckInvariants();
    const auto all = space.Lease(ClientId(9), uint64_t{8} << 20);
    ASSERT_TRUE(all.ok() && all->has_value()) << "seed " << seed << ": memory was lost";
  }
}

}  // namespace
}  // namespace troupe::objectstore
