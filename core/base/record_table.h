// RecordTable holds records that know their own ObjectId, side by side in blocks, to be found by
// it.
//
// Problem: of a million small records, what holds them must not be larger than they are. A map from
// the id to a record keeps the id twice and half of its slots empty; a record by itself on the heap
// has the allocator's header and a pointer to it. And what is scattered over such a map is not in
// any cache when it is asked for.
//
// A client numbers its objects one after the other, and so do a task's results: the hash table has
// an entry for 16 ids that follow one another, with the numbers of their records. It is a tenth as
// large as one of ids, is in the cache, and is not asked at all for an id beside one of the last.
// An entry of which one id is left costs 80 bytes; of a million objects it is 8 bytes each.
//
// Who does several things with one record looks it up several times, so the table remembers the
// last one, too.
//
// Pointers to records stay valid until their record goes. A block in which nothing lives gives its
// memory back. T has a member `id`, and a constructor that takes it. Bounds: 2^32 - 1 records. Not
// thread-safe.
//
//   struct Entry { explicit Entry(ObjectId object) : id(object) {} const ObjectId id; ... };
//   RecordTable<Entry> entries;
//   auto [entry, is_new] = entries.Insert(id);
//   if (Entry* known = entries.Find(id)) ...
//   entries.Erase(id);
#ifndef TROUPE_CORE_BASE_RECORD_TABLE_H_
#define TROUPE_CORE_BASE_RECORD_TABLE_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/check.h"
#include "core/base/ids.h"

namespace troupe {

template <typename T>
class RecordTable {
 public:
  RecordTable() = default;
  RecordTable(const RecordTable&) = delete;
  RecordTable& operator=(const RecordTable&) = delete;
  ~RecordTable() {
    ForEach([](const T& record) { std::destroy_at(&record); });
  }

  // Null where there is none.
  T* Find(ObjectId id) {
    if (last_ != nullptr && last_->id == id) return last_;
    const Place place(id);
    const Numbers* numbers = FindNumbers(place.group);
    if (numbers == nullptr || (*numbers)[place.slot] == kNone) return nullptr;
    return last_ = At((*numbers)[place.slot]);
  }
  const T* Find(ObjectId id) const { return const_cast<RecordTable*>(this)->Find(id); }
  // REQUIRES: it has a record.
  T* Get(ObjectId id) {
    T* const record = Find(id);
    TROUPE_CHECK(record != nullptr, "a record that is not there");
    return record;
  }
  const T* Get(ObjectId id) const { return const_cast<RecordTable*>(this)->Get(id); }

  // Its record, and true where it is a new one.
  std::pair<T*, bool> Insert(ObjectId id) {
    if (last_ != nullptr && last_->id == id) return {last_, false};
    const Place place(id);
    Numbers* numbers = FindNumbers(place.group);
    if (numbers == nullptr) {
      remembered_.fill({});  // the others may have moved
      numbers = Remember(place.group, &groups_[place.group]);
    }
    uint32_t& number = (*numbers)[place.slot];
    const bool is_new = number == kNone;
    if (is_new) {
      number = Make(id);
      ++size_;
    }
    last_ = At(number);
    return {last_, is_new};
  }

  // REQUIRES: it has a record.
  void Erase(ObjectId id) {
    const Place place(id);
    Numbers* const numbers = FindNumbers(place.group);
    const uint32_t number = numbers == nullptr ? kNone : (*numbers)[place.slot];
    TROUPE_CHECK(number != kNone, "a record is erased that is not there");
    (*numbers)[place.slot] = kNone;
    if (IsEmpty(*numbers)) {
      // One is kept, so that an id that comes and goes does not bring and take its group each time.
      if (emptied_ != place.group) EraseIfEmpty(std::exchange(emptied_, place.group));
    }
    --size_;
    if (last_ == At(number)) last_ = nullptr;
    std::destroy_at(At(number));
    Block& block = blocks_[IndexOf(number)];
    if (block.live == kFull) open_.push_back(IndexOf(number));
    block.live &= ~(uint64_t{1} << SlotOf(number));
    // One is kept, so that a record which comes and goes does not take and give memory each time.
    if (block.live == 0) spare_ = std::move(block.memory);
  }

  size_t size() const { return size_; }

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

  static constexpr uint32_t kNone = 0;  // the number of no record
  static constexpr uint32_t kGroupIds = 16;
  using Numbers = std::array<uint32_t, kGroupIds>;
  // Ids that follow one another: first results by their sequence number, others of one task by
  // their index.
  struct Group {
    uint64_t hi = 0;
    uint64_t lo = 0;

    // The lower halves differ mostly: of one client they are all that does.
    friend bool operator==(const Group& a, const Group& b) { return a.lo == b.lo && a.hi == b.hi; }
    template <typename H>
    friend H AbslHashValue(H h, const Group& group) {
      return H::combine(std::move(h), group.hi, group.lo);
    }
  };
  struct Place {
    explicit Place(ObjectId id)
        : group(id.index() == 0 ? Group{id.hi(), id.lo() / kGroupIds}
                                : Group{id.hi() / kGroupIds * kGroupIds + 1, id.lo()}),
          slot((id.index() == 0 ? id.lo() : id.index()) % kGroupIds) {}

    Group group;
    size_t slot;
  };

  static uint32_t IndexOf(uint32_t number) { return (number - 1) / kBlockRecords; }
  static uint32_t SlotOf(uint32_t number) { return (number - 1) % kBlockRecords; }
  T* At(uint32_t number) const { return blocks_[IndexOf(number)].memory->Slot(SlotOf(number)); }

  // Without branches: the compiler compares arrays by a call.
  static bool IsEmpty(const Numbers& numbers) {
    uint32_t any = kNone;
    for (const uint32_t number : numbers) any |= number;
    return any == kNone;
  }

  // Null where none of the group has a record.
  Numbers* FindNumbers(const Group& group) {
    for (const Remembered& known : remembered_) {
      if (known.group == group && known.numbers != nullptr) return known.numbers;
    }
    const auto it = groups_.find(group);
    return it == groups_.end() ? nullptr : Remember(group, &it->second);
  }
  Numbers* Remember(const Group& group, Numbers* numbers) {
    remembered_[next_remembered_++ % remembered_.size()] = {group, numbers};
    return numbers;
  }

  void EraseIfEmpty(const Group& group) {
    const auto it = groups_.find(group);
    if (it == groups_.end() || !IsEmpty(it->second)) return;
    for (Remembered& known : remembered_) {
      if (known.numbers == &it->second) known = {};
    }
    groups_.erase(it);
  }

  // Makes the record; its number.
  uint32_t Make(ObjectId id) {
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
    return 1 + index * kBlockRecords + slot;
  }

  std::vector<Block> blocks_;
  std::vector<uint32_t> open_;  // those with room
  std::unique_ptr<Memory> spare_;
  absl::flat_hash_map<Group, Numbers> groups_;  // those with a record, and emptied_
  Group emptied_;                               // had a record, and may have one again
  size_t size_ = 0;
  // What was found or made last, if it is there still.
  T* last_ = nullptr;
  // Where ids are made, completed and released: each side goes through them in order.
  struct Remembered {
    Group group;
    Numbers* numbers = nullptr;
  };
  std::array<Remembered, 4> remembered_;
  size_t next_remembered_ = 0;
};

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_RECORD_TABLE_H_
