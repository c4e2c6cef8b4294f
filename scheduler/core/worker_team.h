// WorkerTeam is the workers of one job that run tasks: how many do what, and which one is to take,
// or to lose, the next task.
//
// Problem: each event asks that, and with hundreds of workers an answer that looks at all of them
// costs more than all the rest. So those that may be the answer are in lists by what they do and
// how much of it; who changes a worker says so (Update), and it is put where it belongs.
//
// Invariant: counts, sums and lists are those of the workers as they were when they were last
// updated. Pure. Not thread-safe.
// Complexity: O(1), but FindShallowestAbove: those as deep, FindDeepest: the shapes of grants,
// FindDeep: what it finds.
#ifndef TROUPE_SCHEDULER_CORE_WORKER_TEAM_H_
#define TROUPE_SCHEDULER_CORE_WORKER_TEAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/functional/function_ref.h"
#include "core/base/resource_set.h"
#include "scheduler/core/by_shape.h"
#include "scheduler/core/worker.h"
#include "scheduler/core/worker_list.h"

namespace troupe::scheduler {

// The busy workers of a job that were granted as much.
struct BusyOfShape {
  explicit BusyOfShape(const ResourceSet& of);
  bool empty() const { return usable.empty() && leaving.empty(); }
  // Some have tasks behind the first one.
  bool is_deep() const { return usable.AnyFrom(2) || leaving.AnyFrom(2); }
  // The one that has most. REQUIRES: is_deep().
  Worker* Deepest() const;

  ResourceSet shape;
  int64_t cpu_units = 0;
  WorkersByDepth<&Worker::place> usable;
  WorkersByDepth<&Worker::place> leaving;  // they take no more tasks
};

class WorkerTeam {
 public:
  struct Counts {
    int starting = 0, idle = 0, busy = 0, blocked = 0;
    int all() const { return starting + idle + busy + blocked; }
    bool operator==(const Counts&) const = default;
  };

  WorkerTeam() = default;
  WorkerTeam(const WorkerTeam&) = delete;
  WorkerTeam& operator=(const WorkerTeam&) = delete;

  // It is of the team from now on; and no more.
  void Add(Worker* worker);
  void Remove(Worker* worker);
  // What it does, its queue, its grant, or whether it takes tasks has changed.
  void Update(Worker* worker);

  Counts counts() const { return {counts_[0], counts_[1], counts_[2], counts_[3]}; }
  // Of those, that may be given tasks.
  int usable_idle() const { return usable_idle_; }
  // CPUs that the busy ones have been granted, in 1/10000.
  int64_t busy_cpu_units() const { return busy_cpu_units_; }

  // Null where there is none. The one that has been idle for the shortest time, whose memory is
  // warm; and for the longest.
  Worker* FindIdle() const { return idle_.front(); }
  Worker* FindLongestIdle() const { return idle_.back(); }
  // As in WorkerPool.
  Worker* FindShallowest(const ResourceSet& want) const;
  Worker* FindShallowestAbove(const ResourceSet& want, int32_t priority) const;
  bool AnyIsDeep() const { return !deep_.empty(); }
  Worker* FindDeepest(absl::FunctionRef<bool(const Worker&)> is_asked_for) const;
  // The busy ones that were granted exactly `want`, and that have tasks behind the first one.
  std::vector<Worker*> FindDeep(const ResourceSet& want) const;

  // Recomputes all of it from the workers, which are `all` of the team.
  void CheckInvariants(const std::vector<const Worker*>& all) const;

 private:
  // Counts it, and puts it in the lists; or the other way round.
  void Enter(Worker* worker, const Worker::Standing& standing);
  void Leave(Worker* worker);
  void MoveTo(Worker* worker, uint32_t depth);
  // Of what may have begun, or ceased, to be deep.
  void UpdateDeep(BusyOfShape* busy, bool was_deep);
  void CheckLists(std::map<const void*, size_t> lengths) const;

  std::array<int, 4> counts_ = {};  // by state
  int usable_idle_ = 0;
  int64_t busy_cpu_units_ = 0;
  int with_room_ = 0;  // busy ones that can take one more
  WorkerList<&Worker::place> idle_;
  ByShape<BusyOfShape> busy_;
  std::vector<BusyOfShape*> deep_;  // that are: the one that has been so for longest first
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_WORKER_TEAM_H_
