// The part of NodeSession that tells of objects as they come, one by one: for AsCompleted,
// coroutines and callbacks.
#include <algorithm>
#include <utility>

#include "core/base/clock.h"
#include "worker/node_session.h"

namespace troupe::worker {

std::optional<ErrorInfo> NodeSession::WaitLending(Lock& lock, std::vector<ObjectId> any_of,
                                                  absl::FunctionRef<bool()> ready,
                                                  int64_t deadline_nanos) {
  const size_t needed = any_of.empty() ? 0 : 1;
  const uint64_t wait = BeginWait(std::move(any_of), needed);
  WaitUntil(
      lock, [&] { return ready() || WaitRefused(wait) || Stopped(); }, deadline_nanos);
  const bool refused = WaitRefused(wait);
  EndWait(wait);
  if (ready()) return std::nullopt;
  if (Stopped()) return *running_->stopped;
  if (refused) return wait_refusal_->first;
  return std::nullopt;
}

void NodeSession::Watch(CompletionQueue* queue, ObjectId id, uint64_t tag) {
  Watch(queue, std::span(&id, 1), tag);
}

void NodeSession::Watch(CompletionQueue* queue, std::span<const ObjectId> ids, uint64_t first_tag) {
  const Lock lock(mutex_);
  std::vector<ObjectId> ask;
  if (queue->watched_.size() >= queue->sweep_at_) {
    std::erase_if(queue->watched_, [this](ObjectId id) { return !watchers_.contains(id); });
    queue->sweep_at_ = std::max<size_t>(1024, 2 * queue->watched_.size());
  }
  for (const ObjectId id : ids) {
    const uint64_t tag = first_tag++;
    if (objects_.IsResolved(id)) {
      queue->ready_.push_back(tag);
      continue;
    }
    watchers_[id].push_back({queue, tag});
    queue->watched_.push_back(id);
    if (objects_.Subscribe(id)) ask.push_back(id);
  }
  if (ask.empty()) return;
  Send(wire::Subscribe{std::move(ask)});
  FinishSending();
}

void NodeSession::TellWatchers(ObjectId id) {
  const auto it = watchers_.find(id);
  if (it == watchers_.end()) return;
  for (const Watcher& watcher : it->second) {
    watcher.queue->ready_.push_back(watcher.tag);
    if (watcher.queue == &callback_queue_) callbacks_cv_.notify_all();
  }
  watchers_.erase(it);
}

std::optional<ErrorInfo> NodeSession::TakeCompletions(CompletionQueue* queue,
                                                      int64_t deadline_nanos,
                                                      std::vector<uint64_t>* tags) {
  Lock lock(mutex_);
  if (queue->ready_.empty() && !reading_) {
    Receive(1024);
    RequestStops(lock);
  }
  const auto ready = [&] { return !queue->ready_.empty(); };
  if (!ready() && deadline_nanos > MonotonicNanos()) {
    // Enough of them for the node to see what is waited for.
    constexpr size_t kNamed = 64;
    std::vector<ObjectId> pending;
    for (size_t i = queue->watched_.size(); i-- > 0 && pending.size() < kNamed;) {
      if (watchers_.contains(queue->watched_[i])) pending.push_back(queue->watched_[i]);
    }
    if (auto refusal = WaitLending(lock, std::move(pending), ready, deadline_nanos)) return refusal;
  }
  if (queue->ready_.empty()) return death_;
  tags->insert(tags->end(), queue->ready_.begin(), queue->ready_.end());
  queue->ready_.clear();
  return std::nullopt;
}

void NodeSession::Unwatch(CompletionQueue* queue) {
  const Lock lock(mutex_);
  for (const ObjectId id : queue->watched_) {
    const auto it = watchers_.find(id);
    if (it == watchers_.end()) continue;
    std::erase_if(it->second, [&](const Watcher& watcher) { return watcher.queue == queue; });
    if (it->second.empty()) watchers_.erase(it);
  }
  queue->watched_.clear();
}

void NodeSession::CallWhenReady(ObjectId id, std::function<void()> f) {
  uint64_t tag = 0;
  {
    const Lock lock(mutex_);
    if (!death_.has_value()) {
      tag = next_callback_++;
      callbacks_.emplace(tag, std::move(f));
      if (!callback_thread_.joinable())
        callback_thread_ = std::thread([this] { RunCallbackThread(); });
    }
  }
  if (tag == 0) {
    f();  // which will find out why
    return;
  }
  Watch(&callback_queue_, id, tag);
  const Lock lock(mutex_);
  callbacks_cv_.notify_all();
}

void NodeSession::RunCallbackThread() {
  if (is_worker_) SetExecutor(false);
  Lock lock(mutex_);
  for (;;) {
    callbacks_cv_.wait(lock,
                       [this] { return !callback_queue_.ready_.empty() || death_.has_value(); });
    std::vector<std::function<void()>> due;
    const bool dead = death_.has_value();
    for (const uint64_t tag : std::exchange(callback_queue_.ready_, {})) {
      const auto it = callbacks_.find(tag);
      if (it == callbacks_.end()) continue;
      due.push_back(std::move(it->second));
      callbacks_.erase(it);
    }
    callback_queue_.watched_.clear();  // its watchers go with their objects, and it never does
    if (dead) {
      for (auto& [tag, f] : std::exchange(callbacks_, {})) due.push_back(std::move(f));
    }
    lock.unlock();
    for (std::function<void()>& f : due) {
      f();
      f = nullptr;  // what it held goes now
    }
    due.clear();
    lock.lock();
    if (dead && callbacks_.empty()) return;
  }
}

}  // namespace troupe::worker
