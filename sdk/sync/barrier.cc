#include "sdk/sync/barrier.h"

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "sdk/errors.h"
#include "sdk/then.h"

namespace troupe {

namespace internal {

// Calls come from the actor's thread, ends of tokens from the callback thread.
class BarrierServer::State {
 public:
  explicit State(int64_t parties) : parties_(static_cast<size_t>(parties)) {}

  uint64_t Arrive(Promise<int64_t> all_here) {
    const std::lock_guard<std::mutex> lock(mutex_);
    here_.push_back({++last_number_, std::move(all_here)});
    if (here_.size() == parties_) {
      int64_t place = 0;
      for (Party& party : std::exchange(here_, {})) Tell(party.all_here, place++);
    }
    return last_number_;
  }
  bool Withdraw(uint64_t number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::erase_if(here_, [&](const Party& party) { return party.number == number; }) > 0;
  }

  int64_t waiting() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<int64_t>(here_.size());
  }

 private:
  struct Party {
    uint64_t number;
    Promise<int64_t> all_here;
  };

  const size_t parties_;
  std::mutex mutex_;
  uint64_t last_number_ = 0;
  std::vector<Party> here_;
};

BarrierServer::BarrierServer(int64_t parties) : state_(std::make_shared<State>(parties)) {}

Ticket<int64_t> BarrierServer::Arrive(const ObjectRef<void>& token) {
  Promise<int64_t> all_here;
  Ticket<int64_t> ticket{.number = 0, .promised = all_here.ref()};
  ticket.number = state_->Arrive(std::move(all_here));
  OnReady(token,
          [state = state_, number = ticket.number](const auto&) { (void)state->Withdraw(number); });
  return ticket;
}

bool BarrierServer::Withdraw(uint64_t ticket) { return state_->Withdraw(ticket); }

int64_t BarrierServer::Waiting() const { return state_->waiting(); }

}  // namespace internal

using internal::BarrierServer;

namespace {

int64_t CheckParties(int64_t parties) {
  if (parties < 1)
    internal::Throw(ErrorKind::kInvalidArgument, "Barrier: it needs at least one party");
  return parties;
}

}  // namespace

Barrier Barrier::New(int64_t parties) { return Barrier(Start(CheckParties(parties))); }

Barrier Barrier::Named(const std::string& name, int64_t parties) {
  CheckParties(parties);
  return Barrier(StartNamed("barrier", name, parties));
}

int64_t Barrier::Wait(absl::Duration timeout) const {
  const Promise<void> token;
  const internal::Ticket<int64_t> ticket = Ask(&BarrierServer::Arrive, token.ref());
  if (!Await(ticket, timeout)) {
    internal::Throw(ErrorKind::kDeadlineExceeded,
                    "Barrier: not all parties came within " + internal::TimeoutText(timeout));
  }
  return Get(ticket.promised);
}

int64_t Barrier::Waiting() const { return Ask(&BarrierServer::Waiting); }

}  // namespace troupe
