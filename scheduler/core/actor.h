// ActorRecord is what the scheduler knows of one actor.
//
// Life: pending (arguments of its creation are missing) → starting (a process is being started, the
// constructor runs) → alive ⇄ restarting → dead.  A dead actor's record stays as long as its id is
// in the object table, so that late callers learn what it died of.
// Order: calls of one caller run in the order of their sequence numbers; a call that waits for an
// argument holds up the later ones of the same caller only. Each concurrency group has an order of
// its own, and so many calls of it may run at a time as it has threads. A call that is suspended (a
// coroutine that waits) does not run.
#ifndef TROUPE_SCHEDULER_CORE_ACTOR_H_
#define TROUPE_SCHEDULER_CORE_ACTOR_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/limits.h"
#include "scheduler/core/task.h"
#include "scheduler/core/worker_pool.h"

namespace troupe::scheduler {

struct ActorRecord {
  enum class State { kPending, kStarting, kAlive, kRestarting, kDead };

  explicit ActorRecord(ActorId actor) : id(actor) {}

  const ActorId id;
  JobId job = JobId::kNone;
  std::string name;           // to be found by; empty: none
  std::string type_name;      // the class
  bool detached = false;      // held by its name until it is killed
  int32_t restarts_left = 0;  // -1: without end
  State state = State::kPending;
  int32_t max_task_retries = 0;    // of each call
  uint32_t max_pending_calls = 0;  // 0: without end
  uint32_t pending_calls = 0;
  ObjectId checkpoint;       // what Restore is given; held by this record
  Task* creation = nullptr;  // kept as long as the actor may be restarted
  ProcessId process = ProcessId::kNone;
  std::optional<ErrorInfo> death;  // why calls fail, once it is dead
  // It has called ExitActor: it takes no calls any more, and ends with the last of those that have
  // been suspended.
  bool leaving = false;

  // Calls that may run at a time. The first group has no name: calls that name none are its.
  struct Group {
    std::string name;
    uint32_t threads = 1;
  };
  std::vector<Group> groups = {Group()};

  absl::flat_hash_map<ClientId, uint64_t> callers;  // the last sequence number that each used
  // The calls of one caller and group that were not dispatched yet, in order; no empty ones.
  using Queue = std::pair<ClientId, uint32_t>;
  std::map<Queue, std::deque<Task*>> queues;

  bool HasQueueOf(ClientId caller) const {
    const auto it = queues.lower_bound({caller, 0});
    return it != queues.end() && it->first.first == caller;
  }

  bool dead() const { return state == State::kDead; }
  // How many of the group are dispatched at a time: some more than can run, so that none idles;
  // those that are suspended not counted.
  size_t DispatchDepth(uint32_t group) const {
    return groups[group].threads + Limits::kActorDispatchDepth / groups.size();
  }
  // The same, with those that are suspended: when all that it has taken wait, no more than this.
  size_t MostCalls(uint32_t group, size_t max_suspended) const {
    return groups[group].threads + max_suspended / groups.size();
  }
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_ACTOR_H_
