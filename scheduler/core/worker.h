// Worker is what the scheduler knows of one process that runs tasks, or is an actor's.
//
// WorkerPool changes it, and Core what concerns its decisions alone. Units: times in nanoseconds of
// the core's clock.
#ifndef TROUPE_SCHEDULER_CORE_WORKER_H_
#define TROUPE_SCHEDULER_CORE_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/resource_set.h"
#include "scheduler/core/task.h"

namespace troupe::scheduler {

// The number of one process that the node starts; known before the process has a channel.
enum class ProcessId : uint64_t { kNone = 0 };

struct Worker;
class WorkerTeam;
struct BusyOfShape;

// Its neighbours in a list of workers.
struct WorkerLink {
  Worker* previous = nullptr;
  Worker* next = nullptr;
};

struct Worker {
  enum class State : uint8_t { kStarting, kIdle, kBusy, kBlocked };

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

  // As what its team has counted it; and its place in the team's lists.
  struct Standing {
    State state = State::kStarting;
    bool usable = true;  // neither ending nor retiring
    bool ending = false;
    uint32_t depth = 0;  // of its queue
    bool operator==(const Standing&) const = default;
  };
  WorkerTeam* team = nullptr;  // null: an actor's
  Standing standing;
  BusyOfShape* among = nullptr;  // while it is busy
  WorkerLink place;
  bool counted_at_work = false;  // by the pool
  bool counted_waiting_holder = false;

  bool is_actor() const { return !actor.is_null(); }
  Load LoadOf(uint32_t group) const { return group < loads.size() ? loads[group] : Load(); }
  // Suspended, on a thread that waits in Get: whatever comes, it goes on only after that.
  bool HoldsUp(const Task& call) const {
    return call.suspended && says_blocked && (blocked_threads >> call.thread & 1) != 0;
  }
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_WORKER_H_
