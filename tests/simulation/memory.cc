#include "tests/simulation/memory.h"

#include "core/base/check.h"

namespace troupe::simulation {
namespace {

constexpr uint64_t kPageBytes = 4096;

}  // namespace

void Memory::Populate(const Location& place) {
  for (uint64_t page = place.offset / kPageBytes; page * kPageBytes < place.offset + place.size;
       ++page) {
    pages_.insert({place.chunk, page});
  }
  TROUPE_CHECK(pages_.size() * kPageBytes <= cap_bytes_,
               "the store takes more memory than its cap");
}

void Memory::Erase(const Location& place) {
  std::erase_if(values_, [&](const auto& entry) {
    const Location& old = entry.second.first;
    return old.chunk == place.chunk && old.offset < place.offset + place.size &&
           place.offset < old.offset + old.size;
  });
}

void Memory::Punch(const Location& pages) {
  Erase(pages);
  for (uint64_t at = pages.offset; at < pages.offset + pages.size; at += kPageBytes)
    pages_.erase({pages.chunk, at / kPageBytes});
}

void Memory::Drop(ChunkId chunk) {
  std::erase_if(values_, [&](const auto& entry) { return entry.first.first == chunk; });
  std::erase_if(pages_, [&](const auto& page) { return page.first == chunk; });
}

void Memory::Write(const Location& object, uint64_t value) {
  for (uint64_t page = object.offset / kPageBytes; page * kPageBytes < object.offset + object.size;
       ++page) {
    TROUPE_CHECK(pages_.contains({object.chunk, page}), "a page is written that has no memory");
  }
  Erase(object);
  values_[{object.chunk, object.offset}] = {object, value};
}

uint64_t Memory::Read(const Location& object) const {
  const auto it = values_.find({object.chunk, object.offset});
  TROUPE_CHECK(it != values_.end() && it->second.first == object,
               "an object is read whose memory holds something else by now");
  return it->second.second;
}

uint64_t Disk::Read(const objectstore::SpillSlot& slot) const {
  const auto it = values_.find({slot.file, slot.offset});
  TROUPE_CHECK(it != values_.end() && it->second.first == slot,
               "an object is read back from where it was not written");
  return it->second.second;
}

void Disk::Punch(const objectstore::SpillSlot& hole) { values_.erase({hole.file, hole.offset}); }

void Disk::Drop(objectstore::SpillFileId file) {
  std::erase_if(values_, [&](const auto& entry) { return entry.first.first == file; });
}

}  // namespace troupe::simulation
