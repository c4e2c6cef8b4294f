// LeaseCarver cuts objects out of the pieces of memory that the node has leased to this process: no
// round trip per object.
//
// Pure bump allocation, newest lease first, each object aligned to Limits::kObjectAlignmentBytes.
// What an object did not need comes back by Abandon; a lease too small for what is wanted is handed
// back by TakeUseless. Not thread-safe.
#ifndef TROUPE_OBJECTSTORE_CLIENT_LEASE_CARVER_H_
#define TROUPE_OBJECTSTORE_CLIENT_LEASE_CARVER_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/limits.h"
#include "core/base/location.h"

namespace troupe::objectstore {

class LeaseCarver {
 public:
  void Granted(const Location& space) { leases_.push_back(space); }

  // Space for `bytes`, or none where another lease is needed.
  std::optional<Location> Carve(uint64_t bytes) {
    const uint64_t needed = Aligned(bytes);
    for (auto lease = leases_.rbegin(); lease != leases_.rend(); ++lease) {
      if (lease->size < needed) continue;
      const Location object{lease->chunk, lease->offset, bytes};
      lease->offset += needed;
      lease->size -= needed;
      if (lease->size == 0) leases_.erase(std::next(lease).base());
      return object;
    }
    return std::nullopt;
  }
  // Space that was carved and not used.
  void Abandon(const Location& object) {
    const uint64_t bytes = Aligned(object.size);
    for (Location& lease : leases_) {
      if (lease.chunk == object.chunk && object.offset + bytes == lease.offset) {
        lease.offset = object.offset;
        lease.size += bytes;
        return;
      }
    }
    leases_.push_back({object.chunk, object.offset, bytes});
  }
  // Leases beyond the `keep` newest ones, to be given back to the node.
  std::vector<Location> TakeSurplus(size_t keep) {
    std::vector<Location> surplus;
    while (leases_.size() > keep) {
      surplus.push_back(leases_.front());
      leases_.erase(leases_.begin());
    }
    return surplus;
  }

  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const Location& lease : leases_) sum += lease.size;
    return sum;
  }

 private:
  static uint64_t Aligned(uint64_t bytes) {
    constexpr uint64_t kUnit = Limits::kObjectAlignmentBytes;
    return (bytes + kUnit - 1) / kUnit * kUnit;
  }

  std::vector<Location> leases_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CLIENT_LEASE_CARVER_H_
