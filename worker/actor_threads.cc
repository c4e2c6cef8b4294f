#include "worker/actor_threads.h"

#include <utility>

namespace troupe::worker {

ActorThreads::ActorThreads(const std::vector<uint32_t>& threads,
                           std::function<void(const DispatchedTask&)> run)
    : run_(std::move(run)) {
  for (const uint32_t count : threads) {
    Group* group = &groups_.emplace_back();
    for (uint32_t i = 0; i < count; ++i) threads_.emplace_back([this, group] { Work(group); });
  }
}

ActorThreads::~ActorThreads() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  for (Group& group : groups_) group.has_calls.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ActorThreads::Add(size_t group, DispatchedTask call) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    groups_[group].calls.push_back(std::move(call));
  }
  groups_[group].has_calls.notify_one();
}

void ActorThreads::Work(Group* group) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    group->has_calls.wait(lock, [&] { return ending_ || !group->calls.empty(); });
    if (ending_) return;
    const DispatchedTask call = std::move(group->calls.front());
    group->calls.pop_front();
    lock.unlock();
    run_(call);
    lock.lock();
  }
}

}  // namespace troupe::worker
