// Handles that are copied without a lock, while others are made and dropped with it.
#include "objectstore/client/handle_count.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

#include "core/base/ids.h"
#include "objectstore/client/reference_table.h"

namespace troupe::objectstore {
namespace {

// A process's table as its session guards it.
struct Table {
  std::mutex mutex;
  ReferenceTable references;
  int ended = 0;  // how often a last handle went

  HandleCount* Add(ObjectId id) {
    const std::lock_guard<std::mutex> lock(mutex);
    return references.AddHandle(id);
  }
  void Drop(HandleCount* count) {
    if (count->DropUnlessLast()) return;
    const std::lock_guard<std::mutex> lock(mutex);
    if (references.DropHandle(count->id)) ++ended;
  }
};

TEST(HandleCount, IsDroppedWithoutTheTableButForTheLast) {
  Table table;
  HandleCount* const count = table.Add(ObjectId::Make(ClientId(1), 1));
  EXPECT_FALSE(count->DropUnlessLast());
  EXPECT_FALSE(count->DropUnlessLast()) << "nothing has changed";
  count->Add();
  EXPECT_TRUE(count->DropUnlessLast());
  table.Drop(count);
  EXPECT_EQ(table.ended, 1);
  EXPECT_EQ(table.references.size(), 0u);
}

TEST(HandleCount, TheLastHandleEndsTheRecordWhateverThreadsDo) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2'000;
  const ObjectId id = ObjectId::Make(ClientId(1), 1);
  Table table;
  // Each thread's first handle comes by the table: the record may have ended, or not.
  const auto run = [&] {
    for (int round = 0; round < kRounds; ++round) {
      HandleCount* const count = table.Add(id);
      std::vector<HandleCount*> copies;
      for (int i = 0; i < round % 7; ++i) {
        count->Add();
        copies.push_back(count);
      }
      table.Drop(count);
      for (HandleCount* copy : copies) table.Drop(copy);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(run);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(table.references.size(), 0u);
  EXPECT_GE(table.ended, 1);
  EXPECT_LE(table.ended, kThreads * kRounds);
}

}  // namespace
}  // namespace troupe::objectstore
