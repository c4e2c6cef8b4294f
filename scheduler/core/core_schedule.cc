// The part of Core that decides where tasks run, and starts what they run in: workers, actors,
// placement groups.
#include <algorithm>
#include <span>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/limits.h"
#include "core/fault/probe.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {
namespace {

// So many of those that wait for resources to exist are looked at: each may be smaller than those
// before it.
constexpr size_t kStartsLookedAt = 64;

// So many hundredths of the store are for what tasks take; the rest is for what they make.
constexpr uint64_t kArgumentsPercent = 70;
// For so long is a task held back by that before it goes all the same: what runs may need it.
constexpr int64_t kArgumentsPatienceNanos = 10'000'000'000;

// The one of what the task may take that is `granted`, or null.
const ResourceSet* FindWant(const Task& task, const ResourceSet& granted) {
  const std::span<const ResourceSet> wants = task.Wants();
  const auto want = std::find(wants.begin(), wants.end(), granted);
  return want == wants.end() ? nullptr : &*want;
}

}  // namespace

void Core::Schedule() {
  if (!ending_groups_.empty()) ReturnBundles();
  while (!starts_.empty() && StartWhatFits()) ResolveDependents();
  Claims claims;
  if (jobs_.size() == 1) {
    auto& [id, job] = *jobs_.begin();
    while (!job.ended && ScheduleJob(id, job, &claims)) {
    }
  } else {
    for (bool progress = true; progress;) {
      progress = false;
      for (const Share& share : JobsByShare()) {
        progress = ScheduleJob(share.id, *share.job, &claims);
        if (progress) break;
      }
    }
  }
  for (auto& [id, job] : jobs_) {
    if (workers_.AnyIsDeep(id)) Steal(id, job, &claims);
    if (!job.ready.empty()) {
      RefuseHopelessWait(id, job);
      RefuseHeldResources(id, job);
    }
  }
  if (!starts_.empty()) RefuseHeldFromStarts();
  for (SendTakenBack& told : taken_back_) {
    if (workers_.FindClient(told.worker) != nullptr) Act(std::move(told));
  }
  taken_back_.clear();
}

void Core::WaitForStart(ObjectId start, JobId job) {
  starts_.Push(start, job);
  starts_looked_at_.reset();
}

// In the order in which they came; one that is small may go past larger ones, but takes nothing
// that they lack.
std::optional<Core::Startable> Core::FindStartable() const {
  ResourceSet lacking;
  for (size_t i = 0; i < std::min(starts_.size(), kStartsLookedAt); ++i) {
    const std::span<const ResourceSet> wants = StartWants(starts_[i]);
    if (wants.empty()) return Startable{i};
    const auto want = std::find_if(wants.begin(), wants.end(), [&](const ResourceSet& w) {
      return workers_.free().Covers(w) && !Overlap(lacking, w);
    });
    if (want != wants.end()) return Startable{i, *want};
    lacking.Add(Lacking(wants.front(), workers_.free()));
  }
  return std::nullopt;
}

// True where a placement group was reserved, for which others may have waited.
bool Core::StartWhatFits() {
  if (StartsAreLookedAt()) return false;
  bool reserved = false;
  while (const std::optional<Startable> found = FindStartable()) {
    const ObjectId id = starts_.Take(found->place);
    if (!found->want.has_value()) continue;
    if (const auto group = placement_groups_.find(id); group != placement_groups_.end()) {
      Reserve(&group->second);
      reserved = true;
    } else {
      ActorRecord* actor = actors_.Get(id);
      if (actor->creation->placement != nullptr) actor->creation->want = *found->want;
      StartActor(actor);
    }
  }
  starts_looked_at_ = workers_.times_freed();
  return reserved;
}

// Dispatches one task of the job, or takes it from the queue; false where none can be placed now.
bool Core::ScheduleJob(JobId id, Job& job, Claims* claims) {
  if (job.ready.empty()) return false;
  if (!std::exchange(claims->known, true)) FindReservations(&claims->all);
  std::vector<ResourceSet> yielding;
  bool dispatched = false;
  for (const ReadyQueue::Class* tasks : job.ready.classes()) {
    Task* task = tasks->first();
    if (reruns_ > 0 && WaitForRebuilt(task)) {
      claims->known = false;
      return true;  // the classes have changed
    }
    const bool fits = ArgumentsFit(*task);
    if (!fits && IsHeldBack(*task)) continue;
    bool requeued = false;
    const auto place = [&](const ResourceSet& want) {
      if (!claims->all.empty() && MustYield(claims->all, job, *task, want)) {
        yielding.push_back(want);
        return;
      }
      if (Worker* worker = FindWorkerFor(id, job, *tasks, want, &requeued)) {
        job.ready.Remove(task);
        if (task->placement != nullptr) task->want = want;
        Dispatch(worker, task);
        dispatched = true;
        if (!fits) last_let_go_nanos_ = now_nanos_;
      }
    };
    // Of several bundles one that is free, before it queues behind others.
    const std::span<const ResourceSet> wants = task->Wants();
    for (const bool at_once : {true, false}) {
      for (const ResourceSet& want : wants) {
        if (dispatched || requeued) break;
        if (wants.size() == 1 || workers_.free().Covers(want) == at_once) place(want);
      }
      if (wants.size() == 1) break;
    }
    if (dispatched || requeued) {
      claims->known = false;
      break;  // the classes have changed
    }
  }
  if (!yielding.empty()) claims->known = false;
  for (const ResourceSet& want : yielding) YieldWorkers(id, want);
  return dispatched;
}

// What dispatched tasks take cannot leave memory while they run; were it all of the store, none
// could write its result. A task that waits does not count, since it may wait for one that is held
// back, unless it waits for memory: the more of those, the less there is for any of them.
bool Core::ArgumentsFit(const Task& task) const {
  const uint64_t most = space_.cap() / 100 * kArgumentsPercent;
  if (objects_.bytes_stored() + objects_.bytes_away() <= most) return true;  // nearly always
  absl::flat_hash_set<ObjectId> taken;
  uint64_t bytes = 0;
  const auto take = [&](const Task& taker) {
    for (const ObjectId id : taker.dependencies) {
      const objectstore::Entry* entry = objects_.Find(id);
      if (entry->stored() && taken.insert(id).second) bytes += entry->size();
    }
  };
  const absl::flat_hash_set<ClientId> memory_waiters = WaitersForMemory();
  workers_.ForEach([&](const Worker& worker) {
    if (worker.state == Worker::State::kBlocked && !memory_waiters.contains(worker.client)) return;
    for (const Task* dispatched : worker.queue) {
      // An actor's calls are sent ahead, and look at nothing before they begin.
      if (!dispatched->suspended && (!worker.is_actor() || HasBegun(*dispatched)))
        take(*dispatched);
    }
  });
  const uint64_t others = bytes;
  take(task);
  return bytes == others || others == 0 || bytes <= most;
}

// One whose arguments do not fit goes all the same after a while, one at a time: what runs may need
// it, in ways that nobody here knows of.
bool Core::IsHeldBack(const Task& task) {
  const int64_t until =
      std::max(task.ready_since_nanos, last_let_go_nanos_) + kArgumentsPatienceNanos;
  if (until <= now_nanos_) {
    TROUPE_PROBE("core: a task goes though its arguments do not fit");
    return false;
  }
  held_back_until_nanos_ = std::min(held_back_until_nanos_, until);
  return true;
}

// `requeued`: tasks of a lower priority went back to the queue.
Worker* Core::FindWorkerFor(JobId id, Job& job, const ReadyQueue::Class& tasks,
                            const ResourceSet& want, bool* requeued) {
  const Task* task = tasks.first();
  if (workers_.free().Covers(want)) {
    if (Worker* idle = workers_.FindIdle(id)) return idle;
    StartWorkers(id, tasks.size(), want);
    // A process is on its way: better to wait for it than to queue behind a task of unknown length.
    if (workers_.CountsOf(id).starting > 0) return nullptr;
  }
  if (!job.priorities_differ) return workers_.FindShallowest(id, want);
  Worker* worker = workers_.FindShallowestAbove(id, want, task->priority);
  while (worker != nullptr && worker->queue.size() > 1 &&
         worker->queue.back()->priority < task->priority && Recall(worker->queue.back())) {
    Task* lower = worker->queue.back();
    TakeBack(lower);
    MakeReady(lower);
    *requeued = true;
  }
  return worker != nullptr && workers_.CanTake(worker) ? worker : nullptr;
}

// As many as the free resources allow these tasks, of which each wants so much, to use.
void Core::StartWorkers(JobId id, size_t tasks, const ResourceSet& want) {
  const int64_t cpus = std::max<int64_t>(1, config_.total.cpu_units() / kResourceUnit);
  int64_t fitting =
      want.cpu_units() > 0 ? workers_.free().cpu_units() / want.cpu_units() : 2 * cpus;
  for (const auto& [name, units] : want.named())
    fitting = std::min(fitting, workers_.free().Named(name) / units);
  const int64_t wanted = std::min<int64_t>(fitting, static_cast<int64_t>(tasks));
  while (workers_.CountsOf(id).starting < wanted &&
         workers_.CountsOf(id).all() < MaxWorkersPerJob())
    StartProcess(id);
}

void Core::StartProcess(JobId id) {
  const ProcessId process = ProcessId(next_process_++);
  workers_.Start(process, id, ActorId());
  history_.Add(now_nanos_, ObjectId(), Step::kProcessStarted, process);
  Act(StartWorker{process, id});
}

int Core::MaxWorkersPerJob() const {
  return Limits::MaxWorkersPerJob(
      static_cast<int>(std::max<int64_t>(1, config_.total.cpu_units() / kResourceUnit)));
}

// Tasks queue behind another one's first while something is free for them: a worker that has
// nothing to do takes the later half of them, and where there is none, more are started.
void Core::Steal(JobId id, const Job& job, Claims* claims) {
  const auto find_free = [&](const Task& task) -> const ResourceSet* {
    for (const ResourceSet& want : task.Wants()) {
      if (!workers_.free().Covers(want)) continue;
      if (!std::exchange(claims->known, true)) FindReservations(&claims->all);
      if (!MustYield(claims->all, job, task, want)) return &want;
    }
    return nullptr;
  };
  const auto loses = [&](const Worker& worker) {
    // But for those of placement groups, tasks queue where they were granted what they want.
    if (placement_groups_.empty() && !workers_.free().Covers(worker.granted)) return false;
    return find_free(*worker.queue.back()) != nullptr;
  };
  while (Worker* victim = workers_.FindDeepest(id, loses)) {
    Worker* const thief = workers_.FindIdle(id);
    if (thief == nullptr) {
      StartThieves(id, job, *victim, *find_free(*victim->queue.back()));
      return;
    }
    bool moved = false;
    for (size_t n = victim->queue.size() / 2; n > 0; --n) {
      Task* task = victim->queue.back();
      const ResourceSet* const want = moved ? FindWant(*task, thief->granted) : find_free(*task);
      if (want == nullptr || !workers_.CanTake(thief)) break;
      if (!Recall(task)) break;  // it has begun, and so have those before it
      TakeBack(task);
      if (task->placement != nullptr) task->want = *want;
      Dispatch(thief, task);
      moved = true;
    }
    if (!moved) return;
    claims->known = false;
  }
}

// For what queues behind the first tasks of the victim and its like, which wants so much.
void Core::StartThieves(JobId id, const Job& job, const Worker& victim, const ResourceSet& want) {
  // If the last ones died before they worked, these tasks wait for the worker that they have.
  if (job.ended || job.failed_starts > 0 || workers_.CountsOf(id).starting > 0) return;
  size_t tasks = 0;
  for (const Worker* worker : workers_.FindDeep(id, victim.granted))
    tasks += worker->queue.size() - 1;
  StartWorkers(id, tasks, want);
}

// All workers of the job wait, no more may be started, and what they wait for cannot begin: the
// deepest wait fails, so that the others may go on.
void Core::RefuseHopelessWait(JobId id, const Job& job) {
  const WorkerPool::Counts counts = workers_.CountsOf(id);
  if (counts.blocked == 0 || counts.blocked != counts.all() || counts.all() < MaxWorkersPerJob())
    return;
  Worker* deepest = DeepestBlocked(id, /*actors=*/false);
  if (deepest == nullptr) return;
  TROUPE_PROBE("core: all wait for one another");
  RefuseWait(
      deepest,
      absl::StrCat("all ", counts.all(),
                   " workers that a job may have are blocked in Get or Wait, ", job.ready.size(),
                   " tasks cannot begin, and this task, at depth ", deepest->queue.front()->depth,
                   ", is the deepest one: nest less deeply, or return references instead of "
                   "waiting"));
}

}  // namespace troupe::scheduler
