// ActorThreads run an actor's calls where several may run at a time: so many threads for the calls
// of each concurrency group, each group with an order of its own.
//
//   ActorThreads threads({2, 1}, [&](const DispatchedTask& call) { executor.Run(call); });
//   threads.Add(1, std::move(call));
//
// Calls of a group begin in the order in which they were added. Its destructor drops those that
// have not begun and waits for those that have. Thread-safe.   After Ray's concurrency groups.
#ifndef TROUPE_WORKER_ACTOR_THREADS_H_
#define TROUPE_WORKER_ACTOR_THREADS_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "worker/session.h"

namespace troupe::worker {

class ActorThreads {
 public:
  // `threads`: of each group.
  ActorThreads(const std::vector<uint32_t>& threads,
               std::function<void(const DispatchedTask&)> run);
  ~ActorThreads();
  ActorThreads(const ActorThreads&) = delete;
  ActorThreads& operator=(const ActorThreads&) = delete;

  // REQUIRES: a group that there is.
  void Add(size_t group, DispatchedTask call);

 private:
  struct Group {
    std::deque<DispatchedTask> calls;
    std::condition_variable has_calls;
  };

  void Work(Group* group);

  std::function<void(const DispatchedTask&)> run_;
  std::mutex mutex_;
  bool ending_ = false;
  std::deque<Group> groups_;
  std::vector<std::thread> threads_;
};

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_ACTOR_THREADS_H_
