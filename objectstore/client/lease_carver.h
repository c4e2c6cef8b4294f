// LeaseCarver cuts objects out of the pieces of memory that the node has leased to this process: no
// round trip per object.
//
// Pure bump allocation, newest lease first, each object aligned to Limits::kObjectAlignmentBytes.
// What an object did not need comes back by Abandon; a lease too small for what is wanted is handed
// back by TakeSurplus; all of them by TakeAll, when the node recalls them.
// Who finds no space asks for a lease and keeps a ticket. A lease that comes is carved for a ticket
// at once, before a recall may take it: the largest request that it suffices for, since leases do
// not come in the order of the requests. Not thread-safe.
//
//   std::optional<Location> object = carver.Carve(bytes);
//   if (!object) { auto ticket = carver.Ask(bytes); Send(LeaseRequest{bytes}); ... }
//   carver.Granted(space);                        // the node's answer
//   if (carver.HasAnswer(ticket)) auto answer = carver.TakeAnswer(ticket);
#ifndef TROUPE_OBJECTSTORE_CLIENT_LEASE_CARVER_H_
#define TROUPE_OBJECTSTORE_CLIENT_LEASE_CARVER_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/base/location.h"

namespace troupe::objectstore {

class LeaseCarver {
 public:
  using Ticket = uint64_t;
  using Answer = std::variant<Location, ErrorInfo>;

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
  std::vector<Location> TakeAll() { return TakeSurplus(0); }

  // The node is being asked for a lease of at least `bytes`.
  Ticket Ask(uint64_t bytes) {
    requests_[++last_ticket_] = {bytes, std::nullopt};
    return last_ticket_;
  }
  void Granted(const Location& space) {
    leases_.push_back(space);
    auto best = requests_.end();
    for (auto it = requests_.begin(); it != requests_.end(); ++it) {
      if (it->second.answer.has_value() || Aligned(it->second.bytes) > space.size) continue;
      if (best == requests_.end() || it->second.bytes > best->second.bytes) best = it;
    }
    if (best != requests_.end()) best->second.answer = *Carve(best->second.bytes);
  }
  void Refused(uint64_t bytes, ErrorInfo error) {
    for (auto& [ticket, request] : requests_) {
      if (request.answer.has_value() || request.bytes != bytes) continue;
      request.answer = std::move(error);
      return;
    }
  }
  bool HasAnswer(Ticket ticket) const { return requests_.at(ticket).answer.has_value(); }
  // REQUIRES: HasAnswer(ticket).
  Answer TakeAnswer(Ticket ticket) {
    const auto it = requests_.find(ticket);
    Answer answer = *std::move(it->second.answer);
    requests_.erase(it);
    return answer;
  }
  // The session is over: nobody waits any more.
  void DropTicket(Ticket ticket) { requests_.erase(ticket); }

  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const Location& lease : leases_) sum += lease.size;
    return sum;
  }

 private:
  struct Request {
    uint64_t bytes = 0;
    std::optional<Answer> answer;
  };
  static uint64_t Aligned(uint64_t bytes) {
    constexpr uint64_t kUnit = Limits::kObjectAlignmentBytes;
    return (bytes + kUnit - 1) / kUnit * kUnit;
  }

  std::vector<Location> leases_;
  std::map<Ticket, Request> requests_;
  Ticket last_ticket_ = 0;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_CLIENT_LEASE_CARVER_H_
