// Memory stands for the store's chunks, and Disk for the files of spilled objects: one word for
// each object, where the object lies.
//
// Reading what was not written there, or was overwritten or punched, stops the run; so does writing
// to pages that have no memory, and more memory than the cap.   Not thread-safe.
#ifndef TROUPE_TESTS_SIMULATION_MEMORY_H_
#define TROUPE_TESTS_SIMULATION_MEMORY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/base/ids.h"
#include "core/base/location.h"
#include "objectstore/table/spill_space.h"

namespace troupe::simulation {

class Memory {
 public:
  explicit Memory(uint64_t cap_bytes) : cap_bytes_(cap_bytes) {}

  // Pages get memory, and lose it.
  void Populate(const Location& place);
  void Punch(const Location& pages);
  void Drop(ChunkId chunk);

  void Write(const Location& object, uint64_t value);
  uint64_t Read(const Location& object) const;

 private:
  void Erase(const Location& place);

  uint64_t cap_bytes_;
  std::set<std::pair<ChunkId, uint64_t>> pages_;  // with memory
  std::map<std::pair<ChunkId, uint64_t>, std::pair<Location, uint64_t>> values_;
};

class Disk {
 public:
  void Write(const objectstore::SpillSlot& slot, uint64_t value) {
    values_[{slot.file, slot.offset}] = {slot, value};
  }
  uint64_t Read(const objectstore::SpillSlot& slot) const;
  void Punch(const objectstore::SpillSlot& hole);
  void Drop(objectstore::SpillFileId file);
  bool empty() const { return values_.empty(); }

 private:
  std::map<std::pair<objectstore::SpillFileId, uint64_t>,
           std::pair<objectstore::SpillSlot, uint64_t>>
      values_;
};

}  // namespace troupe::simulation

#endif  // TROUPE_TESTS_SIMULATION_MEMORY_H_
