// Queue<T> passes values from any producers to any consumers of the cluster, in order.
//
//   const auto images = troupe::Queue<Image>::New({.capacity = 100});   // or Named("images", ...)
//   images.Put(Load(path));                          // waits while it is full
//   const Image image = images.Get();                // waits while it is empty; lends the CPU
//   for (const Image& image : images.GetBatch(32)) ...   // what is there, at least one
//
// Values lie in the object store; the queue passes references (PutRef, GetRef), so that large ones
// are not copied. Each is taken by one consumer. Who waits first is served first. An item whose
// consumer's process dies before it has it comes back to the front; a Put whose process dies while
// it waits for room has put nothing. It travels as an argument and inside values, and lives, with
// what it holds, as long as somebody has it (an actor keeps it).
//
// Errors: DeadlineExceeded where the time is over, and then nothing was put or taken;
// InvalidArgument for a batch larger than the capacity, or null references; ActorDied or ObjectLost
// where the keeping actor has died, Unavailable where the cluster is gone. Thread-safe.
// After Ray's and Dask's Queue, and Python's.
#ifndef TROUPE_SDK_SYNC_QUEUE_H_
#define TROUPE_SDK_SYNC_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sdk/errors.h"
#include "sdk/get.h"
#include "sdk/promise.h"
#include "sdk/sync/server.h"
#include "sdk/then.h"

namespace troupe {

struct QueueOptions {
  uint64_t capacity = 0;  // items that it holds; 0: without end
};

namespace internal {

// Calls come from the actor's thread, ends of tokens from the callback thread.
template <typename T>
class QueueState {
 public:
  using Items = std::vector<ObjectRef<T>>;

  explicit QueueState(uint64_t capacity) : capacity_(capacity) {}

  uint64_t Put(Items items, Promise<void> taken) {
    const std::lock_guard<std::mutex> lock(mutex_);
    putters_.push_back({++last_number_, std::move(items), std::move(taken)});
    Serve();
    return last_number_;
  }
  uint64_t Get(uint64_t most, Promise<Items> given) {
    const std::lock_guard<std::mutex> lock(mutex_);
    getters_.push_back({++last_number_, most, std::move(given)});
    Serve();
    return last_number_;
  }
  // False where it has been served.
  bool Withdraw(uint64_t number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto is_it = [&](const auto& waiter) { return waiter.number == number; };
    const bool withdrawn = std::erase_if(putters_, is_it) + std::erase_if(getters_, is_it) > 0;
    if (withdrawn) Serve();  // a large batch may have held up smaller ones behind it
    return withdrawn;
  }
  // The caller is done; without success, what it was given and has not seen comes back.
  void End(uint64_t number, bool success) {
    if (Withdraw(number)) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto given = given_.find(number);
    if (given == given_.end()) return;
    if (!success) items_.insert(items_.begin(), given->second.begin(), given->second.end());
    given_.erase(given);
    Serve();
  }
  uint64_t size() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return items_.size();
  }

 private:
  struct Putter {
    uint64_t number;
    Items items;
    Promise<void> taken;
  };
  struct Getter {
    uint64_t number;
    uint64_t most;
    Promise<Items> given;
  };

  // With the lock held.
  void Serve() {
    for (bool progress = true; progress;) {
      progress = false;
      if (!putters_.empty() &&
          (capacity_ == 0 || items_.size() + putters_.front().items.size() <= capacity_)) {
        Putter putter = std::move(putters_.front());
        putters_.pop_front();
        items_.insert(items_.end(), putter.items.begin(), putter.items.end());
        Tell(putter.taken);
        progress = true;
      }
      if (!getters_.empty() && !items_.empty()) {
        Getter getter = std::move(getters_.front());
        getters_.pop_front();
        const auto count = static_cast<ptrdiff_t>(std::min<uint64_t>(getter.most, items_.size()));
        Items& given = given_[getter.number];
        given.assign(items_.begin(), items_.begin() + count);
        items_.erase(items_.begin(), items_.begin() + count);
        Tell(getter.given, given);
        progress = true;
      }
    }
  }

  const uint64_t capacity_;
  std::mutex mutex_;
  uint64_t last_number_ = 0;
  std::deque<ObjectRef<T>> items_;
  std::deque<Putter> putters_;
  std::deque<Getter> getters_;
  std::map<uint64_t, Items> given_;  // by ticket: not known yet to have arrived
};

// The actor.
template <typename T>
class QueueServer {
 public:
  using Items = std::vector<ObjectRef<T>>;

  explicit QueueServer(uint64_t capacity)
      : capacity_(capacity), state_(std::make_shared<QueueState<T>>(capacity)) {}

  Ticket<void> Put(const Items& items, const ObjectRef<void>& token) {
    Promise<void> taken;
    Ticket<void> ticket{.number = 0, .promised = taken.ref()};
    ticket.number = state_->Put(items, std::move(taken));
    EndWith(token, ticket.number);
    return ticket;
  }
  // `token` is kept when the items have arrived.
  Ticket<Items> Get(uint64_t most, const ObjectRef<void>& token) {
    Promise<Items> given;
    Ticket<Items> ticket{.number = 0, .promised = given.ref()};
    ticket.number = state_->Get(most, std::move(given));
    EndWith(token, ticket.number);
    return ticket;
  }
  bool Withdraw(uint64_t ticket) { return state_->Withdraw(ticket); }
  uint64_t Size() const { return state_->size(); }
  uint64_t Capacity() const { return capacity_; }

 private:
  void EndWith(const ObjectRef<void>& token, uint64_t number) {
    OnReady(token, [state = state_, number](const ObjectRef<void>& ended) {
      state->End(number, TryGet(ended).ok());
    });
  }

  uint64_t capacity_;
  std::shared_ptr<QueueState<T>> state_;
};

}  // namespace internal

template <typename T>
class Queue : public internal::Front<internal::QueueServer<T>> {
 public:
  using Server = internal::QueueServer<T>;
  static constexpr std::string_view kTypeName = "troupe::Queue";
  using internal::Front<Server>::Front;

  static Queue New(QueueOptions options = {}) { return Queue(Queue::Start(options.capacity)); }
  // The one of that name in this cluster; who asks first makes it, with these options. Throws
  // TypeMismatch where it has other values.
  static Queue Named(const std::string& name, QueueOptions options = {}) {
    return Queue(Queue::StartNamed("queue", name, options.capacity));
  }

  void Put(const T& value, absl::Duration timeout = absl::InfiniteDuration()) const {
    PutRef(troupe::Put(value), timeout);
  }
  void PutRef(ObjectRef<T> item, absl::Duration timeout = absl::InfiniteDuration()) const {
    PutRefs({std::move(item)}, timeout);
  }
  // All of them together, when there is room for all.
  void PutBatch(const std::vector<T>& values,
                absl::Duration timeout = absl::InfiniteDuration()) const {
    std::vector<ObjectRef<T>> items;
    items.reserve(values.size());
    for (const T& value : values) items.push_back(troupe::Put(value));
    PutRefs(std::move(items), timeout);
  }
  void PutRefs(std::vector<ObjectRef<T>> items,
               absl::Duration timeout = absl::InfiniteDuration()) const {
    for (const ObjectRef<T>& item : items) {
      if (!item) internal::Throw(internal::NullRefError("Queue"));
    }
    if (items.empty()) return;
    if (items.size() > 1) CheckBatch(items.size());
    Promise<void> token;
    const auto ticket = this->Ask(&Server::Put, std::move(items), token.ref());
    if (!this->Await(ticket, timeout)) ThrowLate("it stayed full for ", timeout);
    troupe::Get(ticket.promised);
  }

  [[nodiscard]] T Get(absl::Duration timeout = absl::InfiniteDuration()) const {
    return troupe::Get(GetRef(timeout));
  }
  [[nodiscard]] ObjectRef<T> GetRef(absl::Duration timeout = absl::InfiniteDuration()) const {
    return GetRefs(1, timeout)[0];
  }
  // What is there, at most so many, at least one.
  [[nodiscard]] std::vector<T> GetBatch(uint64_t most,
                                        absl::Duration timeout = absl::InfiniteDuration()) const {
    return troupe::Get(GetRefs(most, timeout));
  }
  [[nodiscard]] std::vector<ObjectRef<T>> GetRefs(
      uint64_t most, absl::Duration timeout = absl::InfiniteDuration()) const {
    if (most == 0) internal::Throw(ErrorKind::kInvalidArgument, "Queue: a batch has items");
    Promise<void> token;
    const auto ticket = this->Ask(&Server::Get, most, token.ref());
    if (!this->Await(ticket, timeout)) ThrowLate("it stayed empty for ", timeout);
    std::vector<ObjectRef<T>> items = troupe::Get(ticket.promised);
    token.Set();  // they have arrived
    return items;
  }

  [[nodiscard]] uint64_t Size() const { return this->Ask(&Server::Size); }

 private:
  void CheckBatch(size_t size) const {
    const uint64_t capacity = this->Ask(&Server::Capacity);
    if (capacity == 0 || size <= capacity) return;
    internal::Throw(ErrorKind::kInvalidArgument, "Queue: a batch of " + std::to_string(size) +
                                                     " items can never be put: the capacity is " +
                                                     std::to_string(capacity));
  }
  [[noreturn]] static void ThrowLate(const char* what, absl::Duration timeout) {
    internal::Throw(ErrorKind::kDeadlineExceeded,
                    std::string("Queue: ") + what + internal::TimeoutText(timeout));
  }
};

}  // namespace troupe

#endif  // TROUPE_SDK_SYNC_QUEUE_H_
