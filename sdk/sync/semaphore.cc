#include "sdk/sync/semaphore.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>

#include "sdk/errors.h"
#include "sdk/then.h"

namespace troupe {

namespace internal {

// Calls come from the actor's thread, ends of tokens from the callback thread.
class SemaphoreServer::State {
 public:
  explicit State(int64_t permits) : permits_(permits), free_(permits) {}

  uint64_t Wait(int64_t count, Promise<void> granted) {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push_back({++last_number_, count, std::move(granted)});
    Serve();
    return last_number_;
  }
  uint64_t TryTake(int64_t count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!waiting_.empty() || count > free_) return 0;
    free_ -= count;
    held_.emplace(++last_number_, count);
    return last_number_;
  }
  bool Withdraw(uint64_t number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return Leave(number);
  }
  // It is not wanted any more, whether it was granted or not.
  void End(uint64_t number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (Leave(number)) return;
    const auto held = held_.find(number);
    if (held == held_.end()) return;
    free_ += held->second;
    held_.erase(held);
    Serve();
  }

  int64_t permits() const { return permits_; }
  int64_t free() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return free_;
  }

 private:
  struct Waiter {
    uint64_t number;
    int64_t count;
    Promise<void> granted;
  };

  // Both with the lock held.
  bool Leave(uint64_t number) {
    const auto it = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const Waiter& waiter) { return waiter.number == number; });
    if (it == waiting_.end()) return false;
    waiting_.erase(it);
    Serve();  // it may have held up smaller ones behind it
    return true;
  }
  void Serve() {
    while (!waiting_.empty() && waiting_.front().count <= free_) {
      Waiter next = std::move(waiting_.front());
      waiting_.pop_front();
      free_ -= next.count;
      held_.emplace(next.number, next.count);
      Tell(next.granted);
    }
  }

  const int64_t permits_;
  std::mutex mutex_;
  int64_t free_;
  uint64_t last_number_ = 0;
  std::deque<Waiter> waiting_;
  std::map<uint64_t, int64_t> held_;  // permits by ticket
};

SemaphoreServer::SemaphoreServer(int64_t permits) : state_(std::make_shared<State>(permits)) {}

Ticket<void> SemaphoreServer::Acquire(int64_t count, const ObjectRef<void>& token) {
  Promise<void> granted;
  Ticket<void> ticket{.number = 0, .promised = granted.ref()};
  ticket.number = state_->Wait(count, std::move(granted));
  OnReady(token, [state = state_, number = ticket.number](const auto&) { state->End(number); });
  return ticket;
}

uint64_t SemaphoreServer::TryAcquire(int64_t count, const ObjectRef<void>& token) {
  const uint64_t number = state_->TryTake(count);
  if (number != 0) OnReady(token, [state = state_, number](const auto&) { state->End(number); });
  return number;
}

void SemaphoreServer::Release(uint64_t ticket) { state_->End(ticket); }

bool SemaphoreServer::Withdraw(uint64_t ticket) { return state_->Withdraw(ticket); }

int64_t SemaphoreServer::Available() const { return state_->free(); }

int64_t SemaphoreServer::Permits() const { return state_->permits(); }

}  // namespace internal

using internal::SemaphoreServer;

namespace {

int64_t CheckPermits(int64_t permits) {
  if (permits < 1)
    internal::Throw(ErrorKind::kInvalidArgument, "Semaphore: it needs at least one permit");
  return permits;
}

}  // namespace

void Permit::Release() noexcept {
  if (!token_.has_value()) return;
  try {
    // Not waited for: what this process asks next comes behind it.
    (void)server_.Task(&SemaphoreServer::Release).Remote(ticket_);
  } catch (const Error&) {
    // Nobody counts any more: the cluster is gone, or this is a forked child.
  }
  token_.reset();
  server_ = {};
}

Semaphore Semaphore::New(int64_t permits) { return Semaphore(Start(CheckPermits(permits))); }

Semaphore Semaphore::Named(const std::string& name, int64_t permits) {
  CheckPermits(permits);
  return Semaphore(StartNamed("semaphore", name, permits));
}

Permit Semaphore::Acquire(int64_t count) const {
  return *TryAcquire(absl::InfiniteDuration(), count);
}

std::optional<Permit> Semaphore::TryAcquire(absl::Duration timeout, int64_t count) const {
  if (count != 1) {
    const int64_t permits = Ask(&SemaphoreServer::Permits);
    if (count < 1 || count > permits) {
      internal::Throw(ErrorKind::kInvalidArgument, "Semaphore: " + std::to_string(count) +
                                                       " permits are asked for; it has " +
                                                       std::to_string(permits));
    }
  }
  Promise<void> token;
  if (timeout <= absl::ZeroDuration()) {
    const uint64_t ticket = Ask(&SemaphoreServer::TryAcquire, count, token.ref());
    if (ticket == 0) return std::nullopt;
    return Permit(server(), ticket, std::move(token));
  }
  const internal::Ticket<void> ticket = Ask(&SemaphoreServer::Acquire, count, token.ref());
  if (!Await(ticket, timeout)) return std::nullopt;
  Get(ticket.promised);
  return Permit(server(), ticket.number, std::move(token));
}

int64_t Semaphore::Available() const { return Ask(&SemaphoreServer::Available); }

Lock Lock::New() { return Lock(Start(int64_t{1})); }

Lock Lock::Named(const std::string& name) { return Lock(StartNamed("lock", name, int64_t{1})); }

}  // namespace troupe
