// WorkerPool knows the worker processes, what each is doing, and who has been given which
// resources.
//
// Problem: a worker must not idle between two short tasks, so several are dispatched to it at a
// time; a worker that waits must not hold a CPU, or nested tasks would need a process each and a
// CPU each. So resources are granted to a worker while it has tasks, it lends its CPUs while it is
// blocked (and nothing else: what lies in a GPU's memory stays there), and only the task at the
// head of its queue is taken to run.
//
// Pure: takes facts, answers questions; Core decides, the server performs.
// Units: resources in 1/10000.
// Bounds: Limits::MaxWorkersPerJob, Limits::kDispatchDepth, Limits::kStateWords.
// Invariants: (1) a worker is in exactly one of {starting, idle, busy, blocked}; (2) free + the
// grants of all workers - the CPUs that blocked ones have lent = total, in which a reserved
// placement group has its bundles instead of what they are made of; (3) a worker holds a grant
// exactly while it is busy or blocked, an actor's worker as long as it lives; (4) slots of
// dispatched tasks are distinct within their worker; (5) an actor's worker is blocked exactly while
// it has calls and says that all those that run wait, or while all of its calls are suspended.
// Not thread-safe.   After Dask's worker state machine and Ray's WorkerPool.
#ifndef TROUPE_SCHEDULER_CORE_WORKER_POOL_H_
#define TROUPE_SCHEDULER_CORE_WORKER_POOL_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/ids.h"
#include "core/base/limits.h"
#include "core/base/resource_set.h"
#include "scheduler/core/task.h"
#include "scheduler/core/worker.h"

namespace troupe::scheduler {

class WorkerPool {
 public:
  explicit WorkerPool(ResourceSet total) : total_(total), free_(std::move(total)) {}

  const ResourceSet& total() const { return total_; }
  const ResourceSet& free() const { return free_; }

  // A process is being started; `actor` null for one that runs tasks.
  Worker* Start(ProcessId process, JobId job, ActorId actor);
  // It has connected: idle from now on. Null where no such process is starting.
  Worker* Joined(ProcessId process, ClientId client, int64_t now_nanos);
  // Forgets the worker and gives its grant back. REQUIRES: its queue is empty.
  void Remove(Worker* worker);

  Worker* FindProcess(ProcessId process);
  const Worker* FindProcess(ProcessId process) const {
    return const_cast<WorkerPool*>(this)->FindProcess(process);
  }
  Worker* FindClient(ClientId client);
  const Worker* FindClient(ClientId client) const {
    return const_cast<WorkerPool*>(this)->FindClient(client);
  }

  // Enters the task at the end of the worker's queue, with a slot. The first one takes the grant.
  // REQUIRES: CanTake(worker).
  void Enqueue(Worker* worker, Task* task, uint64_t generation);
  // Takes the task out; the last one gives the grant back and makes the worker idle (actors'
  // workers keep theirs).
  void Dequeue(Worker* worker, Task* task, int64_t now_nanos);
  bool CanTake(const Worker* worker) const;

  void Block(Worker* worker);
  void Unblock(Worker* worker);
  // A call of an actor waits in a coroutine, and goes on. REQUIRES: it is dispatched, and it is
  // not, or is, suspended.
  void Suspend(Task* task);
  void Resume(Task* task);
  // True where some worker or actor runs, starts or ends, so that what is held may come back.
  bool AnyAtWork() const;
  // A placement group takes resources of the machine and gives its bundles instead, or, when it
  // ends, the other way round. REQUIRES: what is taken is free, but for CPUs that were lent.
  void Exchange(const ResourceSet& taken, const ResourceSet& given);
  // What tasks could have if none were running: all that actors do not hold.
  ResourceSet NotHeldByActors() const;
  // An actor's resources, for as long as its worker lives.
  void GrantToActor(Worker* worker, const ResourceSet& want);

  Worker* FindIdle(JobId job);
  // The busy worker with the fewest tasks that was granted exactly `want` and can take one more.
  Worker* FindShallowest(JobId job, const ResourceSet& want);
  // The same, where tasks of a lower priority will be recalled to make room.
  Worker* FindShallowestAbove(JobId job, const ResourceSet& want, int32_t priority);
  // The busy worker with the most tasks behind its first one, or null where nobody has any.
  Worker* FindDeepest(JobId job);

  struct Counts {
    int starting = 0, idle = 0, busy = 0, blocked = 0;
    int all() const { return starting + idle + busy + blocked; }
  };
  // Of the workers that run tasks; actors' workers count apart.
  Counts CountsOf(JobId job) const;
  int actors_of(JobId job) const;

  template <typename F>
  void ForEach(F f) {
    for (auto& [process, worker] : workers_) f(*worker);
  }
  template <typename F>
  void ForEach(F f) const {
    for (const auto& [process, worker] : workers_) f(static_cast<const Worker&>(*worker));
  }

  // Recomputes the ledger and the slots; a violated invariant stops the process.
  void CheckInvariants() const;

 private:
  void TakeGrant(Worker* worker, const ResourceSet& want);
  void ReturnGrant(Worker* worker);
  void TakeBackCpus(Worker* worker);
  void SetState(Worker* worker, Worker::State state);
  static void CheckActor(const Worker& worker);
  // Of an actor's worker, by what it does.
  void UpdateState(Worker* worker);
  // Those of a job that run tasks, in the order of their start.
  struct Team {
    std::vector<Worker*> workers;
    Counts counts;
  };

  ResourceSet total_;
  ResourceSet free_;
  std::map<ProcessId, std::unique_ptr<Worker>> workers_;  // ordered: decisions replay
  absl::flat_hash_map<ClientId, Worker*> by_client_;
  std::map<JobId, Team> teams_;  // none of them empty
  std::map<JobId, int> actors_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_WORKER_POOL_H_
