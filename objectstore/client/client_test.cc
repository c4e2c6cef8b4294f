// The client's half of the store, against the real object table: counts that cross, and space that
// is carved.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "core/base/small_bytes.h"
#include "objectstore/client/chunk_map.h"
#include "objectstore/client/lease_carver.h"
#include "objectstore/client/object_cache.h"
#include "objectstore/client/reference_table.h"
#include "objectstore/table/object_table.h"

namespace troupe::objectstore {
namespace {

TEST(ReferenceTable, GivesBackWhatItHasReceived) {
  ReferenceTable table;
  const ObjectId id = ObjectId::Make(ClientId(1), 1);
  table.Granted(id);
  table.AddHandle(id);
  table.Granted(id);
  table.AddHandle(id);
  EXPECT_FALSE(table.DropHandle(id));
  EXPECT_TRUE(table.DropHandle(id));
  auto releases = table.TakeReleases();
  ASSERT_EQ(releases.size(), 1u);
  EXPECT_EQ(releases[0].count, 2u);
  // A grant that crossed the release.
  table.Granted(id);
  table.Settle(id);
  releases = table.TakeReleases();
  ASSERT_EQ(releases.size(), 1u);
  EXPECT_EQ(releases[0].count, 1u);
  EXPECT_EQ(table.size(), 0u);
}

// Clients that pass references to one another through the node, over queues that delay as they
// like. Nothing is freed while a living client has a handle, and nothing is left when all handles
// are gone.
TEST(ReferenceTable, NoInterleavingFreesEarlyOrLeaks) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    ObjectTable node;
    struct Up {
      enum { kMake, kPass, kRelease } kind;
      ObjectId id;
      uint32_t count_or_target;
    };
    struct Client {
      ReferenceTable table;
      std::vector<ObjectId> handles;
      std::deque<Up> up;          // to the node
      std::deque<ObjectId> down;  // grants from the node
      bool dead = false;
      uint64_t next = 0;
    };
    std::vector<Client> clients(4);
    const auto flush = [](Client& c) {
      for (const auto& release : c.table.TakeReleases())
        c.up.push_back({Up::kRelease, release.id, release.count});
    };
    const auto node_takes = [&](size_t i) {
      Client& c = clients[i];
      const Up message = c.up.front();
      c.up.pop_front();
      const ClientId self{i + 1};
      if (message.kind == Up::kMake) {
        ASSERT_TRUE(node.Create(message.id, self).ok());
      } else if (message.kind == Up::kRelease) {
        ASSERT_TRUE(node.Release(self, message.id, message.count_or_target).ok())
            << "seed " << seed;
      } else {
        ASSERT_TRUE(node.HasGrant(message.id, self))
            << "seed " << seed << ": freed while a message names it";
        Client& target = clients[message.count_or_target];
        if (!target.dead) {
          node.Grant(message.id, ClientId(message.count_or_target + 1), 1);
          target.down.push_back(message.id);
        }
      }
    };
    const auto client_takes = [&](size_t i) {
      Client& c = clients[i];
      const ObjectId id = c.down.front();
      c.down.pop_front();
      c.table.Granted(id);
      if (random() % 4 != 0) {
        c.table.AddHandle(id);
        c.handles.push_back(id);
      } else {
        c.table.Settle(id);  // a recalled frame: nobody looks at it
      }
      flush(c);
    };
    for (int step = 0; step < 400; ++step) {
      const size_t i = random() % clients.size();
      Client& c = clients[i];
      if (c.dead) continue;
      switch (random() % 6) {
        case 0: {
          const ObjectId id = ObjectId::Make(ClientId(i + 1), ++c.next);
          c.table.Granted(id);
          c.table.AddHandle(id);
          c.handles.push_back(id);
          c.up.push_back({Up::kMake, id, 0});
          break;
        }
        case 1:
          if (!c.handles.empty()) {
            c.up.push_back({Up::kPass, c.handles[random() % c.handles.size()],
                            static_cast<uint32_t>(random() % 4)});
          }
          break;
        case 2:
          if (!c.handles.empty()) {
            std::swap(c.handles[random() % c.handles.size()], c.handles.back());
            c.table.DropHandle(c.handles.back());
            c.handles.pop_back();
            flush(c);
          }
          break;
        case 3:
          if (!c.up.empty()) node_takes(i);
          break;
        case 4:
          if (!c.down.empty()) client_takes(i);
          break;
        case 5:
          if (random() % 60 ==
              0) {  // killed: what it had published still arrives, then its grants go
            while (!c.up.empty()) node_takes(i);
            node.DropClient(ClientId(i + 1));
            c.dead = true;
          }
          break;
      }
      node.CheckInvariants();
      for (size_t k = 0; k < clients.size(); ++k) {
        if (clients[k].dead) continue;
        for (const ObjectId id : clients[k].handles) {
          const bool announced =
              std::none_of(clients[k].up.begin(), clients[k].up.end(),
                           [&](const Up& up) { return up.kind == Up::kMake && up.id == id; });
          ASSERT_TRUE(!announced || node.Find(id) != nullptr)
              << "seed " << seed << " step " << step << ": freed early";
        }
      }
    }
    for (bool progress = true; progress;) {
      progress = false;
      for (size_t i = 0; i < clients.size(); ++i) {
        Client& c = clients[i];
        if (c.dead) continue;
        for (const ObjectId id : std::exchange(c.handles, {})) c.table.DropHandle(id);
        flush(c);
        while (!c.up.empty()) node_takes(i), progress = true;
        while (!c.down.empty()) client_takes(i), progress = true;
      }
    }
    ASSERT_EQ(node.count(), 0u) << "seed " << seed << ": leaked";
  }
}

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(ObjectCache, KnowsInlineBytesOfEverySizeAsLongAsThereIsAHandle) {
  ReferenceTable references;
  ObjectCache cache(&references);
  const ObjectId inner = ObjectId::Make(ClientId(1), 9);
  uint64_t next = 0;
  for (const size_t size :
       {size_t{0}, SmallBytes::kInPlace, SmallBytes::kInPlace + 1, size_t{9'000}}) {
    for (const bool has_refs : {false, true}) {
      const ObjectId id = ObjectId::Make(ClientId(1), 100 + ++next);
      const std::string text(size, 'x');
      ObjectCache::Expect(references.Take(id));
      EXPECT_FALSE(cache.Subscribe(id)) << "it is told without being asked";
      EXPECT_FALSE(cache.IsResolved(id));
      cache.Learn(id, BytesOf(text), has_refs ? std::vector{inner} : std::vector<ObjectId>());
      EXPECT_TRUE(cache.IsKnown(id));
      EXPECT_FALSE(cache.Fetch(id));
      EXPECT_EQ(cache.Find(id)->refs().size(), has_refs ? 1u : 0u);
      EXPECT_EQ(cache.Find(id)->location(), nullptr);
      const std::span<const std::byte> bytes = cache.Find(id)->bytes();
      EXPECT_TRUE(std::ranges::equal(bytes, BytesOf(text)));
      const std::shared_ptr<const void> owner = cache.Find(id)->bytes_owner();
      EXPECT_EQ(owner == nullptr, text.size() <= SmallBytes::kInPlace && !has_refs);
      EXPECT_TRUE(cache.Unpin(id, 1)) << "it has no place";
      EXPECT_TRUE(cache.IsKnown(id)) << "what is inline is not forgotten";
      cache.CheckInvariants();
      EXPECT_TRUE(references.DropHandle(id));
      EXPECT_EQ(cache.Find(id), nullptr);
      if (owner != nullptr) {
        EXPECT_TRUE(std::ranges::equal(bytes, BytesOf(text))) << "they belong to who looks";
      }
    }
  }
  EXPECT_EQ(references.size(), 0u);
}

TEST(ObjectCache, AnErrorAtWhichNobodyHasLookedIsHandedOutWithTheLastHandle) {
  ReferenceTable table;
  ObjectCache cache(&table);
  const auto fail = [&](ObjectId id) {
    cache.Learn(id, ObjectCache::Error({.message = id.ToString()}), {});
  };
  std::vector<ObjectId> ids;
  for (uint64_t i = 1; i <= 4; ++i) {
    ids.push_back(ObjectId::Make(ClientId(1), i));
    table.Take(ids.back());
  }
  cache.LookAt(ids[0]);  // before it is known
  for (const ObjectId id : {ids[0], ids[1], ids[2]}) fail(id);
  cache.LookAt(ids[1]);  // after
  cache.Learn(ids[3], std::span<const std::byte>(), {});
  table.AddHandle(ids[2]);
  for (const ObjectId id : ids) table.DropHandle(id);
  EXPECT_FALSE(table.has_unread_errors());
  table.DropHandle(ids[2]);
  ASSERT_TRUE(table.has_unread_errors());
  const auto unread = table.TakeUnreadErrors();
  ASSERT_EQ(unread.size(), 1u);
  EXPECT_EQ(unread[0]->message, ids[2].ToString());
  EXPECT_FALSE(table.has_unread_errors());
}

TEST(ObjectCache, AReleaseSaysWhetherSomebodyHasWaited) {
  ReferenceTable table;
  ObjectCache cache(&table);
  const auto id = [](uint64_t n) { return ObjectId::Make(ClientId(1), n); };
  for (uint64_t n = 1; n <= 5; ++n) table.Take(id(n));
  cache.Free(id(5), std::make_shared<const ErrorInfo>());
  cache.LookAt(id(2));
  cache.Learn(id(3), std::monostate(), {});  // it is there, and away
  cache.Learn(id(4), std::span<const std::byte>(), {});
  for (uint64_t n = 1; n <= 5; ++n) table.DropHandle(id(n));
  std::vector<bool> unread;
  for (const ReferenceTable::Release& release : table.TakeReleases())
    unread.push_back(release.unread);
  EXPECT_EQ(unread, (std::vector{true, false, false, false, false}));
}

TEST(ObjectCache, APlaceIsForgottenWhenNobodyLooksAndFetchedAgain) {
  ReferenceTable references;
  ObjectCache cache(&references);
  const ObjectId id = ObjectId::Make(ClientId(1), 1);
  const Location here{ChunkId(1), 64, 20'000}, there{ChunkId(2), 0, 20'000};
  references.Take(id);
  EXPECT_TRUE(cache.Subscribe(id));
  EXPECT_FALSE(cache.Subscribe(id)) << "it was asked for";
  cache.Learn(id, std::monostate(), {});
  EXPECT_TRUE(cache.IsResolved(id));
  EXPECT_FALSE(cache.IsKnown(id)) << "it is away";
  EXPECT_TRUE(cache.Fetch(id));
  EXPECT_FALSE(cache.Fetch(id));
  EXPECT_TRUE(cache.IsBeingFetched(id));
  cache.FetchRefused(id);
  EXPECT_TRUE(cache.Fetch(id));
  cache.Learn(id, here, {});
  EXPECT_FALSE(cache.IsBeingFetched(id));
  cache.AddView(id);
  cache.AddView(id);
  EXPECT_FALSE(cache.Unpin(id, 5)) << "somebody looks at it";
  cache.Learn(id, there, {});
  EXPECT_EQ(*cache.Find(id)->location(), here) << "it moves under a view";
  EXPECT_EQ(cache.DropView(id), std::nullopt);
  EXPECT_EQ(cache.DropView(id), 5u) << "the question was not answered";
  EXPECT_FALSE(cache.IsKnown(id));
  EXPECT_TRUE(cache.IsResolved(id));
  EXPECT_TRUE(cache.Fetch(id));
  cache.Learn(id, there, {});
  EXPECT_EQ(*cache.Find(id)->location(), there);
  EXPECT_TRUE(cache.Unpin(id, 6)) << "nobody looks at it";
  EXPECT_FALSE(cache.IsKnown(id));
  cache.Learn(id, ObjectCache::Error({.kind = ErrorKind::kObjectLost, .message = "lost"}), {});
  EXPECT_EQ(cache.FindError(id)->message, "lost");
  cache.CheckInvariants();
}

TEST(LeaseCarver, CarvesAlignedPiecesAndTakesBackWhatWasNotUsed) {
  LeaseCarver carver;
  EXPECT_FALSE(carver.Carve(1).has_value());
  carver.Granted({ChunkId(1), 4096, 256});
  const Location a = *carver.Carve(100);
  EXPECT_EQ(a, (Location{ChunkId(1), 4096, 100}));
  EXPECT_FALSE(carver.Carve(129).has_value());
  carver.Abandon(a);
  EXPECT_EQ(*carver.Carve(256), (Location{ChunkId(1), 4096, 256}));
  EXPECT_EQ(carver.bytes(), 0u);
}

TEST(ChunkMap, ReadsWhatItHasADescriptorForAndNothingElse) {
  const auto chunk = *Chunk::Create(8192);
  ChunkMap map;
  EXPECT_FALSE(map.Read({ChunkId(1), 0, 8}).ok());
  map.Add(ChunkId(1), 8192, Mapping::Access::kRead, UniqueFd(dup(chunk.read_only_fd())));
  map.Add(ChunkId(1), 8192, Mapping::Access::kWrite, UniqueFd(dup(chunk.writable_fd())));
  (*map.Write({ChunkId(1), 64, 8}))[0] = std::byte{42};
  EXPECT_EQ((*map.Read({ChunkId(1), 64, 8}))[0], std::byte{42});
  EXPECT_FALSE(map.Read({ChunkId(1), 8192, 1}).ok());
  EXPECT_FALSE(map.Read({ChunkId(1), 1, ~uint64_t{0}}).ok());
}

// Page faults of this thread that needed no disk.
int64_t Faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt;
}

// A sanitizer's notes about the memory would fault, too.
__attribute__((no_sanitize("address"))) int64_t FaultsOfWriting(std::byte* memory, uint64_t bytes) {
  const int64_t before = Faults();
  for (uint64_t i = 0; i < bytes; i += 4096) memory[i] = std::byte{1};
  return Faults() - before;
}

TEST(ChunkMap, WhatIsPreparedIsWrittenWithoutAFault) {
  constexpr uint64_t kBytes = (uint64_t{5} << 20) + 4096;
  constexpr uint64_t kPages = kBytes / 4096;
  const auto chunk = *Chunk::Create(kBytes);
  ASSERT_TRUE(chunk.Populate(0, kBytes).ok());
  ChunkMap map;
  map.Add(ChunkId(1), kBytes, Mapping::Access::kWrite, UniqueFd(dup(chunk.writable_fd())));
  const auto faults_of_writing = [&](uint64_t offset, uint64_t bytes) {
    return FaultsOfWriting(map.Write({ChunkId(1), offset, bytes})->data(), bytes);
  };
  map.Prepare({ChunkId(1), 1 << 20, 1 << 20});
  EXPECT_EQ(faults_of_writing(1 << 20, 1 << 20), 0);
  // Pieces that overlap what is prepared, begin and end within blocks, and reach the end.
  map.Prepare({ChunkId(1), 100'032, 2'000'000});
  EXPECT_EQ(faults_of_writing(100'032, 2'000'000), 0);
  map.Prepare({ChunkId(1), 0, kBytes});
  EXPECT_EQ(faults_of_writing(0, kBytes), 0);
  // Taken back by the node: their next writer faults, unless it prepares them anew.
  chunk.Punch(0, kBytes);
  ASSERT_TRUE(chunk.Populate(0, kBytes).ok());
  map.Prepare({ChunkId(1), 0, kBytes});
  EXPECT_GT(faults_of_writing(0, kBytes), static_cast<int64_t>(kPages / 20))
      << "it was not prepared again";
  chunk.Punch(0, kBytes);
  ASSERT_TRUE(chunk.Populate(0, kBytes).ok());
  map.ForgetPrepared();
  map.Prepare({ChunkId(1), 0, kBytes});
  EXPECT_EQ(faults_of_writing(0, kBytes), 0);
}

}  // namespace
}  // namespace troupe::objectstore
