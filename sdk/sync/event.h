// Event lets any number of waiters in the whole cluster go on once it is set.
//
//   const auto loaded = troupe::Event::New();       // or Event::Named("loaded")
//   auto answer = troupe::Task(Serve).Remote(loaded);     // in which loaded.Wait() waits
//   loaded.Set();
//
// It stays set until Clear. It travels as an argument and inside values, and lives as long as
// somebody has it (an actor keeps it). Errors: ActorDied or ObjectLost where that actor has died,
// Unavailable where the cluster is gone. Thread-safe.   After Dask's Event and Python's threading.
#ifndef TROUPE_SDK_SYNC_EVENT_H_
#define TROUPE_SDK_SYNC_EVENT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "sdk/promise.h"
#include "sdk/sync/server.h"

namespace troupe {

namespace internal {

class EventServer {
 public:
  Ticket<void> Wait() const { return {.number = 0, .promised = next_.ref()}; }
  // Nothing was given out that could come back.
  bool Withdraw(uint64_t) const { return true; }
  void Set();
  void Clear();
  bool IsSet() const { return set_; }

 private:
  bool set_ = false;
  Promise<void> next_;  // that it is set
};

}  // namespace internal

class Event : public internal::Front<internal::EventServer> {
 public:
  static constexpr std::string_view kTypeName = "troupe::Event";
  using Front::Front;

  static Event New();
  // The one of that name in this cluster; who asks first makes it.
  static Event Named(const std::string& name);

  // False where it was not set in that time. Lends the CPU meanwhile.
  bool Wait(absl::Duration timeout = absl::InfiniteDuration()) const;
  // Returns when it is so for everybody.
  void Set() const;
  void Clear() const;
  [[nodiscard]] bool IsSet() const;
};

}  // namespace troupe

#endif  // TROUPE_SDK_SYNC_EVENT_H_
