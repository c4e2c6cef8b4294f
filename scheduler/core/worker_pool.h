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
// it has calls and says that all those that run wait, or while all of its calls are suspended;
// (6) whoever is counted or in a list (WorkerTeam) is so as it stands: what changes a worker ends
// with Update.
// Not thread-safe.   After Dask's worker state machine and Ray's WorkerPool.
#ifndef TROUPE_SCHEDULER_CORE_WORKER_POOL_H_
#define TROUPE_SCHEDULER_CORE_WORKER_POOL_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "core/base/ids.h"
#include "core/base/limits.h"
#include "core/base/resource_set.h"
#include "scheduler/core/task.h"
#include "scheduler/core/worker.h"
#include "scheduler/core/worker_team.h"

namespace troupe::scheduler {

class WorkerPool {
 public:
  explicit WorkerPool(const ResourceSet& total)
      : total_(total), free_(total), not_held_by_actors_(total) {}

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

  // It is told to exit, or killed: it takes no more tasks.
  void End(Worker* worker);
  // It takes no more tasks, or does again.
  void SetRetiring(Worker* worker, bool retiring);
  void Block(Worker* worker);
  void Unblock(Worker* worker);
  // A call of an actor waits in a coroutine, and goes on. REQUIRES: it is dispatched, and it is
  // not, or is, suspended.
  void Suspend(Task* task);
  void Resume(Task* task);
  // Workers and actors that run, start or end, so that what is held may come back.
  int at_work() const { return at_work_; }
  // True where none does, and some that waits holds resources.
  bool AnyHoldsInVain() const { return at_work_ == 0 && waiting_holders_ > 0; }
  // How often something became free that was not.
  uint64_t times_freed() const { return times_freed_; }
  // A placement group takes resources of the machine and gives its bundles instead, or, when it
  // ends, the other way round. REQUIRES: what is taken is free, but for CPUs that were lent.
  void Exchange(const ResourceSet& taken, const ResourceSet& given);
  // What tasks could have if none were running: all that actors do not hold.
  const ResourceSet& NotHeldByActors() const { return not_held_by_actors_; }
  // An actor's resources, for as long as its worker lives.
  void GrantToActor(Worker* worker, const ResourceSet& want);

  // The one that has been idle for the shortest time, since its memory is warm; and for the
  // longest.
  Worker* FindIdle(JobId job) { return TeamOf(job).FindIdle(); }
  Worker* FindLongestIdle(JobId job) { return TeamOf(job).FindLongestIdle(); }
  const Worker* FindLongestIdle(JobId job) const { return TeamOf(job).FindLongestIdle(); }
  // The busy worker with the fewest tasks that was granted exactly `want` and can take one more.
  Worker* FindShallowest(JobId job, const ResourceSet& want) {
    return TeamOf(job).FindShallowest(want);
  }
  // The same, where tasks of a lower priority will be recalled to make room.
  Worker* FindShallowestAbove(JobId job, const ResourceSet& want, int32_t priority) {
    return TeamOf(job).FindShallowestAbove(want, priority);
  }
  // Some busy worker has tasks behind its first one.
  bool AnyIsDeep(JobId job) const { return TeamOf(job).AnyIsDeep(); }
  // The busy worker with the most tasks behind its first one, or null where nobody has any. Of all
  // that were granted the same only the deepest one is asked about.
  Worker* FindDeepest(JobId job, absl::FunctionRef<bool(const Worker&)> is_asked_for) {
    return TeamOf(job).FindDeepest(is_asked_for);
  }
  // The busy workers with tasks behind the first one, that were granted exactly `want`.
  std::vector<Worker*> FindDeep(JobId job, const ResourceSet& want) {
    return TeamOf(job).FindDeep(want);
  }

  using Counts = WorkerTeam::Counts;
  // Of the workers that run tasks; actors' workers count apart.
  Counts CountsOf(JobId job) const { return TeamOf(job).counts(); }
  // Those that may be given tasks, and those that run some.
  int UsableOf(JobId job) const { return TeamOf(job).usable_idle() + TeamOf(job).counts().busy; }
  // CPUs that its busy workers have been granted, in 1/10000.
  int64_t BusyCpuUnitsOf(JobId job) const { return TeamOf(job).busy_cpu_units(); }
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
  static bool IsAtWork(const Worker& worker);
  static bool WaitsAndHolds(const Worker& worker);
  void TakeGrant(Worker* worker, const ResourceSet& want);
  void ReturnGrant(Worker* worker);
  void TakeBackCpus(Worker* worker);
  static void CheckActor(const Worker& worker);
  // Of an actor's worker, by what it does.
  static void UpdateState(Worker* worker);
  // What it does, its queue, its grant or whether it takes tasks has changed: it is counted anew.
  void Update(Worker* worker);
  // An empty one where there is none.
  const WorkerTeam& TeamOf(JobId job) const {
    const auto team = teams_.find(job);
    return team == teams_.end() ? no_team_ : team->second;
  }

  ResourceSet total_;
  ResourceSet free_;
  ResourceSet not_held_by_actors_;
  absl::btree_map<ProcessId, std::unique_ptr<Worker>> workers_;  // ordered: decisions replay
  absl::flat_hash_map<ClientId, Worker*> by_client_;
  std::map<JobId, WorkerTeam> teams_;  // none of them empty
  WorkerTeam no_team_;
  std::map<JobId, int> actors_;
  int at_work_ = 0;          // those that run, start or end
  int waiting_holders_ = 0;  // those that are blocked, and hold a grant
  uint64_t times_freed_ = 0;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_WORKER_POOL_H_
