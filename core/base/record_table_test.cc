// Records beside one another, and small bytes within them.
#include "core/base/record_table.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "core/base/ids.h"
#include "core/base/small_bytes.h"

namespace troupe {
namespace {

struct Record {
  explicit Record(ObjectId object) : id(object) { ++alive; }
  ~Record() { --alive; }
  const ObjectId id;
  uint64_t value = 0;

  static inline int alive = 0;
};

TEST(RecordTable, RandomRunsAgreeWithAMapAndRecordsStayWhereTheyAre) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    {
      RecordTable<Record> table;
      std::map<ObjectId, Record*> model;
      for (int step = 0; step < 5'000; ++step) {
        // First results one after the other, of two clients; and many of a few tasks.
        const ObjectId id = random() % 3 > 0
                                ? ObjectId::Make(ClientId(1 + random() % 2), 1 + random() % 350)
                                : ObjectId::Make(ClientId(1), 1 + random() % 40,
                                                 static_cast<uint32_t>(random() % 20));
        const auto known = model.find(id);
        ASSERT_EQ(table.Find(id), known == model.end() ? nullptr : known->second);
        if (known != model.end()) {
          ASSERT_EQ(table.Get(id), known->second);
        }
        // It grows, and shrinks, and grows.
        if (random() % 10 < (step / 1'000 % 2 == 0 ? 7u : 2u)) {
          const auto [record, is_new] = table.Insert(id);
          ASSERT_EQ(is_new, known == model.end());
          if (is_new) record->value = id.lo() + id.hi();
          model[id] = record;
        } else if (known != model.end()) {
          table.Erase(id);
          model.erase(known);
        }
      }
      std::set<ObjectId> seen;
      table.ForEach([&](const Record& record) {
        EXPECT_EQ(record.value, record.id.lo() + record.id.hi());
        EXPECT_EQ(model.at(record.id), &record);
        EXPECT_TRUE(seen.insert(record.id).second);
      });
      EXPECT_EQ(seen.size(), model.size());
      EXPECT_EQ(table.size(), model.size());
      EXPECT_EQ(Record::alive, static_cast<int>(model.size()));
    }
    EXPECT_EQ(Record::alive, 0);
  }
}

TEST(RecordTable, TheLastOneIsRememberedAsLongAsItIsThere) {
  RecordTable<Record> table;
  const ObjectId id = ObjectId::Make(ClientId(1), 1), other = ObjectId::Make(ClientId(1), 2);
  Record* const record = table.Insert(id).first;
  EXPECT_EQ(table.Find(id), record);
  EXPECT_EQ(table.Insert(id), std::pair(record, false));
  EXPECT_EQ(table.Find(other), nullptr);
  EXPECT_EQ(table.Find(id), record) << "one that is not there was looked for";
  Record* const another = table.Insert(other).first;
  table.Erase(id);
  EXPECT_EQ(table.Find(id), nullptr);
  EXPECT_EQ(table.Find(other), another);
  table.Erase(other);
  EXPECT_EQ(table.Find(other), nullptr);
  EXPECT_TRUE(table.Insert(other).second);
}

// Three at a time of ids that are far from one another: nearly each is the first of its group, or
// its last.
TEST(RecordTable, GroupsThatWereEmptiedComeAgain) {
  std::mt19937_64 random(1);
  RecordTable<Record> table;
  std::deque<ObjectId> alive;
  for (int step = 0; step < 5'000; ++step) {
    const ObjectId id = ObjectId::Make(ClientId(1), 1 + random() % 200);
    if (table.Insert(id).second) alive.push_back(id);
    if (alive.size() > 3) {
      const ObjectId oldest = alive.front();
      alive.pop_front();
      table.Erase(oldest);
      ASSERT_EQ(table.Find(oldest), nullptr) << step;
    }
    for (const ObjectId kept : alive) {
      const Record* record = table.Find(kept);
      ASSERT_NE(record, nullptr) << step;
      ASSERT_EQ(record->id, kept) << step;
    }
    ASSERT_EQ(table.size(), alive.size());
  }
}

// What differs from another id in one bit is another one, wherever that is.
TEST(RecordTable, NoTwoIdsShareAPlace) {
  RecordTable<Record> table;
  std::map<ObjectId, Record*> model;
  const auto insert = [&](ObjectId id) {
    const auto [record, is_new] = table.Insert(id);
    EXPECT_EQ(is_new, model.emplace(id, record).second) << id.ToString();
  };
  for (const ObjectId base :
       {ObjectId(0, 1), ObjectId(1, 1), ObjectId(17, 16), ObjectId(33, 272)}) {
    for (int bit = 0; bit < 128; ++bit) {
      const uint64_t hi = bit < 64 ? uint64_t{1} << bit : 0;
      insert(ObjectId(base.hi() ^ hi, base.lo() ^ (bit < 64 ? 0 : uint64_t{1} << (bit - 64))));
    }
  }
  for (const auto& [id, record] : model) EXPECT_EQ(table.Find(id), record) << id.ToString();
  for (const auto& [id, record] : model) table.Erase(id);
  EXPECT_EQ(table.size(), 0u);
}

TEST(SmallBytes, OwnWhatTheyAreGivenWhereverItLies) {
  for (const size_t size : {size_t{0}, size_t{1}, SmallBytes::kInPlace, SmallBytes::kInPlace + 1,
                            size_t{255}, size_t{10'000}}) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += static_cast<char>(i * 7);
    const auto is_text = [&](const SmallBytes& bytes) {
      return std::string_view(reinterpret_cast<const char*>(bytes.bytes().data()),
                              bytes.bytes().size()) == text;
    };
    SmallBytes bytes{std::string_view(text)};
    EXPECT_EQ(bytes.size(), size);
    EXPECT_TRUE(is_text(bytes));
    SmallBytes moved = std::move(bytes);
    EXPECT_TRUE(is_text(moved));
    SmallBytes assigned("what was there before, which takes more than has room in place");
    assigned = std::move(moved);
    EXPECT_EQ(assigned.size(), size);
    EXPECT_TRUE(is_text(assigned));
  }
}

}  // namespace
}  // namespace troupe
