// ClientUse counts what the node keeps for each client, so that no client can make it keep more
// than its share: objects that it made, and bytes of its unfinished tasks and inline values.
//
// Pure. A client that has nothing is forgotten. Bounds: those who add look first. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_CLIENT_USE_H_
#define TROUPE_SCHEDULER_CORE_CLIENT_USE_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "core/base/check.h"
#include "core/base/ids.h"

namespace troupe::scheduler {

class ClientUse {
 public:
  struct Amount {
    uint64_t objects = 0;
    uint64_t bytes = 0;
    bool operator==(const Amount&) const = default;
  };

  void Add(ClientId client, Amount more) {
    if (more == Amount()) return;
    Amount& use = uses_[client];
    use.objects += more.objects;
    use.bytes += more.bytes;
  }
  // REQUIRES: it was added.
  void Subtract(ClientId client, Amount less) {
    if (less == Amount()) return;
    const auto it = uses_.find(client);
    TROUPE_CHECK(
        it != uses_.end() && it->second.objects >= less.objects && it->second.bytes >= less.bytes,
        "a client has less than it gives back");
    it->second.objects -= less.objects;
    it->second.bytes -= less.bytes;
    if (it->second == Amount()) uses_.erase(it);
  }
  Amount of(ClientId client) const {
    const auto it = uses_.find(client);
    return it == uses_.end() ? Amount() : it->second;
  }

  bool operator==(const ClientUse&) const = default;

 private:
  absl::flat_hash_map<ClientId, Amount> uses_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_CLIENT_USE_H_
