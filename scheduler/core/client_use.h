// ClientUse counts what the node keeps for each client, so that no client can make it keep more
// than its share: objects that it made, and bytes of its unfinished tasks and inline values.
//
// Problem: each task and object changes it several times, mostly for one client, and is a look-up
// each time: so the client of the last one is remembered.
//
// Pure. A client that has nothing is forgotten, when another one is looked for. Bounds: those who
// add look first. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_CLIENT_USE_H_
#define TROUPE_SCHEDULER_CORE_CLIENT_USE_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "core/base/check.h"
#include "core/base/ids.h"

namespace troupe::scheduler {

class ClientUse {
 public:
  ClientUse() = default;
  ClientUse(const ClientUse&) = delete;
  ClientUse& operator=(const ClientUse&) = delete;

  struct Amount {
    uint64_t objects = 0;
    uint64_t bytes = 0;
    bool operator==(const Amount&) const = default;
  };

  void Add(ClientId client, Amount more) {
    if (more == Amount()) return;
    Amount* use = Find(client);
    if (use == nullptr) use = Remember(client, &uses_[client]);
    use->objects += more.objects;
    use->bytes += more.bytes;
  }
  // REQUIRES: it was added.
  void Subtract(ClientId client, Amount less) {
    if (less == Amount()) return;
    Amount* const use = Find(client);
    TROUPE_CHECK(use != nullptr && use->objects >= less.objects && use->bytes >= less.bytes,
                 "a client has less than it gives back");
    use->objects -= less.objects;
    use->bytes -= less.bytes;
  }
  Amount of(ClientId client) const {
    const Amount* const use = Find(client);
    return use == nullptr ? Amount() : *use;
  }

  bool operator==(const ClientUse& other) const {
    ForgetLast();
    other.ForgetLast();
    return uses_ == other.uses_;
  }

 private:
  // Null where it has nothing.
  Amount* Find(ClientId client) const {
    if (client == last_ && last_use_ != nullptr) return last_use_;
    ForgetLast();
    const auto it = uses_.find(client);
    return it == uses_.end() ? nullptr : Remember(client, &it->second);
  }
  Amount* Remember(ClientId client, Amount* use) const {
    last_ = client;
    return last_use_ = use;
  }

  void ForgetLast() const {
    if (last_use_ != nullptr && *last_use_ == Amount()) uses_.erase(last_);
    last_use_ = nullptr;
  }

  mutable absl::flat_hash_map<ClientId, Amount> uses_;
  // It lies in `uses_`, which moves nothing unless a client is added, which then is the last one.
  mutable ClientId last_ = ClientId::kNone;
  mutable Amount* last_use_ = nullptr;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_CLIENT_USE_H_
