// RecordTable holds records that know their own id, side by side in blocks, to be found by it.
//
// Problem: of a million small records, what holds them must not be larger than they are. A map from
// the id to a record keeps the id twice and half of its slots empty; a record by itself on the heap
// has the allocator's header and a pointer to it. Here the hash table has the record's number
// alone: 11 bytes of a million records each, where SetById takes 19 and the heap's 8.
//
// Who does several things with one record looks it up several times, so the table remembers the
// last one, and finds it without hashing.
//
// Pointers to records stay valid until their record goes. A block in which nothing lives gives its
// memory back. T has a member `id` of a type that Abseil can hash, and a constructor that takes it.
// Bounds: 2^32 records. Not thread-safe.
//
//   struct Entry { explicit Entry(ObjectId object) : id(object) {} const ObjectId id; ... };
//   RecordTable<Entry> entries;
//   auto [entry, is_new] = entries.Insert(id);
//   if (Entry* known = entries.Find(id)) ...
//   entries.Erase(id);
#ifndef TROUPE_CORE_BASE_RECORD_TABLE_H_
#define TROUPE_CORE_BASE_RECORD_TABLE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "core/base/check.h"

namespace troupe {

template <typename T>
class RecordTable {
 public:
  using Id = std::remove_cvref_t<decltype(T::id)>;

  RecordTable() : numbers_(0, Hash{this}, Same{this}) {}
  RecordTable(const RecordTable&) = delete;
  RecordTable& operator=(const RecordTable&) = delete;
  ~RecordTable() {
    for (const uint32_t number : numbers_) std::destroy_at(At(number));
  }

  // Null where there is none.
  T* Find(const Id& id) {
    if (last_ != nullptr && last_->id == id) return last_;
    const auto it = numbers_.find(id);
    if (it == numbers_.end()) return nullptr;
    return last_ = At(*it);
  }
  const T* Find(const Id& id) const { return const_cast<RecordTable*>(this)->Find(id); }

  // Its record, and true where it is a new one.
  std::pair<T*, bool> Insert(const Id& id) {
    if (last_ != nullptr && last_->id == id) return {last_, false};
    bool is_new = false;
    const auto it = numbers_.lazy_emplace(id, [&](const auto& insert) {
      insert(Make(id));
      is_new = true;
    });
    last_ = At(*it);
    return {last_, is_new};
  }

  // REQUIRES: it has a record.
  void Erase(const Id& id) {
    const auto it = numbers_.find(id);
    TROUPE_CHECK(it != numbers_.end(), "a record is erased that is not there");
    const uint32_t number = *it;
    numbers_.erase(it);
    if (last_ == At(number)) last_ = nullptr;
    std::destroy_at(At(number));
    Block& block = blocks_[number / kBlockRecords];
    if (block.live == kFull) open_.push_back(number / kBlockRecords);
    block.live &= ~(uint64_t{1} << number % kBlockRecords);
    // One is kept, so that a record which comes and goes does not take and give memory each time.
    if (block.live == 0) spare_ = std::move(block.memory);
  }

  size_t size() const { return numbers_.size(); }

  // In the order in which they lie. The table must not change meanwhile.
  template <typename F>
  void ForEach(F f) const {
    for (const Block& block : blocks_) {
      for (uint64_t live = block.live; live != 0; live &= live - 1) {
        const auto slot = static_cast<size_t>(std::countr_zero(live));
        f(static_cast<const T&>(*block.memory->Slot(slot)));
      }
    }
  }

 private:
  static constexpr uint32_t kBlockRecords = 64;
  static constexpr uint64_t kFull = ~uint64_t{0};

  struct Memory {
    alignas(T) std::byte bytes[kBlockRecords * sizeof(T)];

    T* Slot(size_t slot) { return std::launder(reinterpret_cast<T*>(bytes + slot * sizeof(T))); }
  };
  struct Block {
    std::unique_ptr<Memory> memory;  // null: nothing lives in it
    uint64_t live = 0;               // a bit for each record
  };
  struct Hash {
    using is_transparent = void;
    const RecordTable* table;
    size_t operator()(const Id& id) const { return absl::HashOf(id); }
    size_t operator()(uint32_t number) const { return absl::HashOf(table->At(number)->id); }
  };
  struct Same {
    using is_transparent = void;
    const RecordTable* table;
    bool operator()(uint32_t number, const Id& id) const { return table->At(number)->id == id; }
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
  };

  T* At(uint32_t number) const {
    return blocks_[number / kBlockRecords].memory->Slot(number % kBlockRecords);
  }
  // Makes the record; its number.
  uint32_t Make(const Id& id) {
    if (open_.empty()) {
      TROUPE_CHECK(blocks_.size() < UINT32_MAX / kBlockRecords, "more records than have a number");
      open_.push_back(static_cast<uint32_t>(blocks_.size()));
      blocks_.emplace_back();
    }
    const uint32_t index = open_.back();
    Block& block = blocks_[index];
    if (block.memory == nullptr)
      block.memory = spare_ != nullptr ? std::move(spare_) : std::unique_ptr<Memory>(new Memory);
    const auto slot = static_cast<uint32_t>(std::countr_one(block.live));
    ::new (block.memory->bytes + slot * sizeof(T)) T(id);
    block.live |= uint64_t{1} << slot;
    if (block.live == kFull) open_.pop_back();
    return index * kBlockRecords + slot;
  }

  std::vector<Block> blocks_;
  std::vector<uint32_t> open_;  // those with room
  std::unique_ptr<Memory> spare_;
  absl::flat_hash_set<uint32_t, Hash, Same> numbers_;
  T* last_ = nullptr;  // that was found or made, if it is there still
};

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_RECORD_TABLE_H_
