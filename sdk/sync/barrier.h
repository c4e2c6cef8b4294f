// Barrier holds so many parties in the whole cluster until all of them have arrived.
//
//   const auto barrier = troupe::Barrier::New(4);   // or Barrier::Named("epoch", 4)
//   ...
//   while (Step()) {                                // in each of four actors
//     Exchange();
//     (void)barrier.Wait();                         // goes on when all four are here
//   }
//
// Then it begins anew. Who stops waiting, or whose process ends, has not arrived; the others wait
// for another one. It travels as an argument and inside values, and lives as long as somebody has
// it (an actor counts). Parties must be able to wait at a time: actors, or at most as many tasks as
// a job may have workers (else the wait of one fails with ResourceExhausted).
//
// Errors: InvalidArgument for fewer parties than one; DeadlineExceeded; ActorDied or ObjectLost
// where the counting actor has died, Unavailable where the cluster is gone. Thread-safe.
// After Python's threading.Barrier.
#ifndef TROUPE_SDK_SYNC_BARRIER_H_
#define TROUPE_SDK_SYNC_BARRIER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "sdk/promise.h"
#include "sdk/sync/server.h"

namespace troupe {

namespace internal {

class BarrierServer {
 public:
  // REQUIRES: at least one.
  explicit BarrierServer(int64_t parties);
  // What is promised is the place in the order of arrival, from 0. An arrival whose `token` ends
  // before the others are there counts no more.
  Ticket<int64_t> Arrive(const ObjectRef<void>& token);
  // False where all are there.
  bool Withdraw(uint64_t ticket);
  int64_t Waiting() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace internal

class Barrier : public internal::Front<internal::BarrierServer> {
 public:
  static constexpr std::string_view kTypeName = "troupe::Barrier";
  using Front::Front;

  static Barrier New(int64_t parties);
  // The one of that name in this cluster; who asks first makes it, for so many parties.
  static Barrier Named(const std::string& name, int64_t parties);

  // The caller's place in the order of arrival, from 0: one party has 0, and may do what only one
  // is to do. Throws DeadlineExceeded where the others do not come in that time.
  int64_t Wait(absl::Duration timeout = absl::InfiniteDuration()) const;
  // How many have arrived and wait for the others just now.
  [[nodiscard]] int64_t Waiting() const;
};

}  // namespace troupe

#endif  // TROUPE_SDK_SYNC_BARRIER_H_
