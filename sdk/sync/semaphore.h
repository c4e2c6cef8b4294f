// Semaphore lets at most so many holders in the whole cluster go on at a time; Lock, one.
//
//   const auto lock = troupe::Lock::New();          // or Lock::Named("accounts")
//   troupe::Task(Book).Remote(lock, order);
//   ...
//   void Book(const troupe::Lock& lock, const Order& order) {
//     const troupe::Permit permit = lock.Acquire(); // waits its turn, and lends its CPU meanwhile
//     ...
//   }
//
//   if (auto permit = licences.TryAcquire(absl::Seconds(1))) Render();
//
// A permit is a lease: it is given back when it is destroyed, or when the process that holds it
// ends, however that is. Who waits first is served first, whatever they ask for. Semaphores travel
// as arguments and inside values, and live as long as somebody has them (an actor does the
// counting); a permit stays in its process.
//
// Errors: InvalidArgument for a count below 1 or above all there are; ActorDied or ObjectLost where
// the counting actor has died, Unavailable where the cluster is gone. Thread-safe.
// After Dask's Lock and Semaphore, and Python's threading.
#ifndef TROUPE_SDK_SYNC_SEMAPHORE_H_
#define TROUPE_SDK_SYNC_SEMAPHORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "sdk/promise.h"
#include "sdk/sync/server.h"

namespace troupe {

namespace internal {

// Counts. The result of an Acquire resolves when the permits are its caller's, who gives them back
// when `token` resolves.
class SemaphoreServer {
 public:
  // REQUIRES, here and below: counts from 1 to all permits.
  explicit SemaphoreServer(int64_t permits);
  Ticket<void> Acquire(int64_t count, const ObjectRef<void>& token);
  // The number of a ticket that has its permits; 0, and nothing changed, where it would have to
  // wait.
  uint64_t TryAcquire(int64_t count, const ObjectRef<void>& token);
  // False where it has the permits already.
  bool Withdraw(uint64_t ticket);
  // Gives the permits back.
  void Release(uint64_t ticket);
  int64_t Available() const;
  int64_t Permits() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace internal

// What Acquire gives. Move-only.
class [[nodiscard]] Permit {
 public:
  // None.
  Permit() = default;
  Permit(ActorHandle<internal::SemaphoreServer> server, uint64_t ticket, Promise<void> token)
      : server_(std::move(server)), ticket_(ticket), token_(std::move(token)) {}
  Permit(Permit&& other) noexcept
      : server_(std::exchange(other.server_, {})),
        ticket_(other.ticket_),
        token_(std::exchange(other.token_, std::nullopt)) {}
  Permit& operator=(Permit&& other) noexcept {
    std::swap(server_, other.server_);
    std::swap(ticket_, other.ticket_);
    token_.swap(other.token_);
    return *this;
  }
  ~Permit() { Release(); }

  // Gives it back before the end of its life: before what this process asks for next.
  void Release() noexcept;
  explicit operator bool() const { return token_.has_value(); }

 private:
  ActorHandle<internal::SemaphoreServer> server_;
  uint64_t ticket_ = 0;
  std::optional<Promise<void>> token_;  // ends with the process
};

class Semaphore : public internal::Front<internal::SemaphoreServer> {
 public:
  static constexpr std::string_view kTypeName = "troupe::Semaphore";
  using Front::Front;

  static Semaphore New(int64_t permits);
  // The one of that name in this cluster; who asks first makes it, with so many permits.
  static Semaphore Named(const std::string& name, int64_t permits);

  Permit Acquire(int64_t count = 1) const;
  // None where they cannot be had in that time.
  [[nodiscard]] std::optional<Permit> TryAcquire(absl::Duration timeout = absl::ZeroDuration(),
                                                 int64_t count = 1) const;
  // How many are nobody's just now.
  [[nodiscard]] int64_t Available() const;
};

class Lock : public internal::Front<internal::SemaphoreServer> {
 public:
  static constexpr std::string_view kTypeName = "troupe::Lock";
  using Front::Front;

  static Lock New();
  static Lock Named(const std::string& name);

  Permit Acquire() const { return Semaphore(server()).Acquire(); }
  [[nodiscard]] std::optional<Permit> TryAcquire(
      absl::Duration timeout = absl::ZeroDuration()) const {
    return Semaphore(server()).TryAcquire(timeout);
  }
};

}  // namespace troupe

#endif  // TROUPE_SDK_SYNC_SEMAPHORE_H_
