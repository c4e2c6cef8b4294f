// ActorThreads run an actor's calls where several may run at a time: so many threads for the calls
// of each concurrency group, each group with an order of its own.
//
//   ActorThreads threads({2, 1}, begin, go_on);
//   threads.Add(1, std::move(call));   // begin(call, 2)
//   threads.Resume(suspended);         // go_on(suspended), on the thread that began it
//
// Calls of a group begin in the order in which they were added; a thread takes turns between those
// and what it is to resume. Its destructor drops calls that have not begun and waits for those that
// have. Thread-safe.   After Ray's concurrency groups.
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
  using Begin = std::function<void(DispatchedTask, uint32_t thread)>;
  using GoOn = std::function<void(RunningSlot*)>;

  // `threads`: of each group.
  ActorThreads(const std::vector<uint32_t>& threads, Begin begin, GoOn go_on);
  ~ActorThreads();
  ActorThreads(const ActorThreads&) = delete;
  ActorThreads& operator=(const ActorThreads&) = delete;

  // REQUIRES: a group that there is.
  void Add(size_t group, DispatchedTask call);
  // REQUIRES: its thread is that which `begin` was given.
  void Resume(RunningSlot* call);

 private:
  struct Group {
    std::deque<DispatchedTask> calls;
    std::condition_variable has_work;
  };
  struct Worker {
    Group* group;
    std::deque<RunningSlot*> resumed;
    std::thread thread;
  };

  void Work(uint32_t number);

  Begin begin_;
  GoOn go_on_;
  std::mutex mutex_;
  bool ending_ = false;
  std::deque<Group> groups_;
  std::deque<Worker> workers_;
};

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_ACTOR_THREADS_H_
