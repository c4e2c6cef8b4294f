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

namespace troupe::scheduler {

// The number of one process that the node starts; known before the process has a channel.
enum class ProcessId : uint64_t { kNone = 0 };

struct Worker {
  enum class State { kStarting, kIdle, kBusy, kBlocked };

  ProcessId process = ProcessId::kNone;
  ClientId client = ClientId::kNone;  // none while it starts
  JobId job = JobId::kNone;
  ActorId actor;  // null: a worker for tasks
  State state = State::kStarting;
  std::deque<Task*> queue;  // dispatched and not completed, in order; the first one runs
  ResourceSet granted;      // meaningful while it holds a grant
  bool holds_grant = false;
  bool lends_cpus = false;
  std::vector<uint32_t> free_slots;
  int64_t idle_since_nanos = 0;
  bool ending = false;        // told to exit, or being killed
  bool killed = false;        // the latter
  bool has_worked = false;    // a task of it was completed
  bool disowned = false;      // with its job or actor: what it still submits is nobody's
  bool wait_refused = false;  // told that its wait cannot end
  uint64_t waits = 0;         // how often it has been blocked
  bool says_blocked = false;  // an actor's: all its calls that run wait; suspended ones do not run
  uint64_t blocked_threads = 0;     // then: those of its threads that do, bit by bit
  std::vector<ObjectId> waits_for;  // while it is blocked: for so many of these
  uint32_t waits_needed = 0;
  int64_t charged_nanos = 0;  // until when its job has been charged for its CPUs
  struct Calls {
    uint32_t count = 0;
    uint32_t max = 0;
  };
  // Of one concurrency group of an actor.
  struct Load {
    uint32_t dispatched = 0;
    uint32_t suspended = 0;
  };
  std::vector<Load> loads;          // by group, as far as there were calls
  size_t suspended = 0;             // of the queue
  uint64_t sampled_bytes = 0;       // of memory, that it had for itself when it was last looked at
  std::string out_of_memory;        // not empty: why it is being killed
  std::map<uint64_t, Calls> calls;  // of code with a max_calls, by its entry
  bool retiring = false;            // one of them is reached: it takes no more tasks

  bool is_actor() const { return !actor.is_null(); }
  Load LoadOf(uint32_t group) const { return group < loads.size() ? loads[group] : Load(); }
  // Suspended, on a thread that waits in Get: whatever comes, it goes on only after that.
  bool HoldsUp(const Task& call) const {
    return call.suspended && says_blocked && (blocked_threads >> call.thread & 1) != 0;
  }
};

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
