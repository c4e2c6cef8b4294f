#include "worker/actor_threads.h"

#include <utility>

namespace troupe::worker {

ActorThreads::ActorThreads(const std::vector<uint32_t>& threads, Begin begin, GoOn go_on)
    : begin_(std::move(begin)), go_on_(std::move(go_on)) {
  for (const uint32_t count : threads) {
    Group* group = &groups_.emplace_back();
    for (uint32_t i = 0; i < count; ++i) workers_.push_back({group, {}, {}});
  }
  for (uint32_t i = 0; i < workers_.size(); ++i)
    workers_[i].thread = std::thread([this, i] { Work(i); });
}

ActorThreads::~ActorThreads() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  for (Group& group : groups_) group.has_work.notify_all();
  for (Worker& worker : workers_) worker.thread.join();
}

void ActorThreads::Add(size_t group, DispatchedTask call) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    groups_[group].calls.push_back(std::move(call));
  }
  groups_[group].has_work.notify_one();
}

void ActorThreads::Resume(RunningSlot* call) {
  Worker& worker = workers_[call->thread];
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    worker.resumed.push_back(call);
  }
  worker.group->has_work.notify_all();  // one of them is that thread
}

void ActorThreads::Work(uint32_t number) {
  std::unique_lock<std::mutex> lock(mutex_);
  Worker& self = workers_[number];
  std::deque<DispatchedTask>& calls = self.group->calls;
  for (bool had_resumed = false;;) {
    self.group->has_work.wait(lock,
                              [&] { return ending_ || !calls.empty() || !self.resumed.empty(); });
    if (ending_ && self.resumed.empty()) return;
    had_resumed = !self.resumed.empty() && (ending_ || calls.empty() || !had_resumed);
    if (had_resumed) {
      RunningSlot* const call = self.resumed.front();
      self.resumed.pop_front();
      // Whoever was woken for a call may be this thread.
      if (!calls.empty()) self.group->has_work.notify_one();
      lock.unlock();
      go_on_(call);
    } else {
      DispatchedTask call = std::move(calls.front());
      calls.pop_front();
      lock.unlock();
      begin_(std::move(call), number);
    }
    lock.lock();
  }
}

}  // namespace troupe::worker
