// The part of Core that decides who goes first: priorities that are inherited, claims on resources,
// the shares of jobs, and waits that can never end.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/string_view.h"
#include "core/fault/probe.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {
namespace {

// For so long others of the same job may go past a task whose resources are not free.
constexpr int64_t kPatienceNanos = 100'000'000;
// By so much more than another job must one have used its CPUs before it makes way.
constexpr double kShareStepNanos = 1'000'000;

}  // namespace

// What of `want` is not in `free`.
ResourceSet Core::Lacking(const ResourceSet& want, const ResourceSet& free) {
  ResourceSet lacking(
      std::max<int64_t>(0, want.cpu_units() > 0 ? want.cpu_units() - free.cpu_units() : 0));
  for (const auto& [name, units] : want.named())
    lacking.SetNamed(name, std::max<int64_t>(0, units - free.Named(name)));
  return lacking;
}

bool Core::Overlap(const ResourceSet& a, const ResourceSet& b) {
  if (a.cpu_units() > 0 && b.cpu_units() > 0) return true;
  return std::any_of(a.named().begin(), a.named().end(),
                     [&](const auto& entry) { return b.Named(entry.first) > 0; });
}

bool Core::AnyFits(std::span<const ResourceSet> wants) const {
  return std::any_of(wants.begin(), wants.end(),
                     [&](const ResourceSet& want) { return workers_.free().Covers(want); });
}

// What an actor or a placement group that waits for resources may be given; empty: it is gone.
std::span<const ResourceSet> Core::StartWants(ObjectId start) const {
  if (const auto group = placement_groups_.find(start); group != placement_groups_.end())
    return group->second.removed ? std::span<const ResourceSet>()
                                 : std::span(&group->second.sum, 1);
  const ActorRecord* actor = actors_.Find(start);
  if (actor == nullptr || actor->dead()) return {};
  return actor->creation->Wants();
}

// Whose first task lacks resources. What could not be had even if no task ran is no claim: it would
// hold up everybody for as long as an actor lives.
void Core::FindReservations(std::vector<Reservation>* claims) {
  claims->clear();
  const bool simple = jobs_.size() == 1 && jobs_.begin()->second.ready.classes().size() <= 1;
  if (simple && starts_.empty()) return;
  const ResourceSet& reachable = workers_.NotHeldByActors();
  const auto add = [&](const Job* job, std::span<const ResourceSet> wants, int32_t priority,
                       bool overdue) {
    if (AnyFits(wants)) return;
    const auto want = std::find_if(wants.begin(), wants.end(),
                                   [&](const ResourceSet& w) { return reachable.Covers(w); });
    if (want == wants.end()) return;
    claims->push_back({job, *want, Lacking(*want, workers_.free()), priority, overdue});
  };
  if (!starts_.empty()) add(nullptr, StartWants(starts_[0]), 0, true);
  for (const auto& [id, job] : jobs_) {
    if (job.ended || job.ready.empty()) continue;
    const Task* task = job.ready.first();
    add(&job, task->Wants(), task->priority,
        now_nanos_ - task->ready_since_nanos >= kPatienceNanos);
  }
}

// True where the task, and those like it, would take what somebody with a better right lacks.
bool Core::MustYield(const std::vector<Reservation>& claims, const Job& job, const Task& task,
                     const ResourceSet& want) const {
  return std::any_of(claims.begin(), claims.end(), [&](const Reservation& claim) {
    if (!Overlap(claim.lacking, want)) return false;
    if (claim.job == nullptr) return true;
    if (claim.job != &job) return job.used > claim.job->used + kShareStepNanos;
    if (claim.want == want) return false;
    return claim.overdue || claim.priority > task.priority;
  });
}

// The job's workers that hold `want` end with what they have begun.
void Core::YieldWorkers(JobId id, const ResourceSet& want) {
  for (Worker* worker : workers_.FindDeep(id, want)) RecallBehindFirst(worker);
}

// The jobs that have tasks to run, that which has used least for its weight first.
absl::InlinedVector<Core::Share, 4> Core::JobsByShare() {
  absl::InlinedVector<Share, 4> order;
  for (auto& [id, job] : jobs_) {
    if (job.ended || job.ready.empty()) continue;
    const double holds = static_cast<double>(workers_.BusyCpuUnitsOf(id)) /
                         static_cast<double>(job.options.weight_units);
    order.push_back({job.used, holds, id, &job});
  }
  std::sort(order.begin(), order.end());
  return order;
}

// A job that has had nothing to do begins level with the others: it has saved up nothing.
void Core::JoinShares(JobId id, Job* job) {
  if (workers_.CountsOf(id).busy > 0) return;
  double least = -1;
  for (const auto& [other_id, other] : jobs_) {
    if (other_id == id || other.ended) continue;
    if (other.ready.empty() && workers_.CountsOf(other_id).busy == 0) continue;
    if (least < 0 || other.used < least) least = other.used;
  }
  job->used = std::max(job->used, least);
}

// For the CPUs that its workers have had for so long: between two times nothing changes.
void Core::ChargeJobs(int64_t nanos) {
  for (auto& [id, job] : jobs_) {
    job.used += static_cast<double>(nanos) * static_cast<double>(workers_.BusyCpuUnitsOf(id)) /
                static_cast<double>(job.options.weight_units);
  }
}

Task* Core::MakerOf(ObjectId id) { return FindTask(id.task()); }

// A task is as urgent as the most urgent of those that wait for it, to any depth. It stays so.
void Core::Raise(Task* task, int32_t priority) {
  std::vector<Task*> raised = {task};
  while (!raised.empty()) {
    Task* next = raised.back();
    raised.pop_back();
    if (next->priority >= priority) continue;
    Job& job = jobs_.at(next->job);
    job.priorities_differ = true;
    const bool queued = next->kind == wire::TaskKind::kTask && next->state == Task::State::kReady &&
                        job.ready.Contains(next);
    if (queued) job.ready.Remove(next);
    next->priority = priority;
    if (queued) job.ready.Push(next);
    const auto raise_makers = [&](const std::vector<ObjectId>& ids) {
      for (const ObjectId id : ids) {
        if (Task* maker = MakerOf(id)) raised.push_back(maker);
      }
    };
    if (next->missing > 0) raise_makers(next->dependencies);
    Worker* worker = next->worker;
    if (worker == nullptr) continue;
    if (next->suspended) {
      if (Task* maker = MakerOf(next->awaits)) raised.push_back(maker);
    } else if (worker->queue.front() == next) {
      raise_makers(worker->waits_for);
    } else if (next->kind == wire::TaskKind::kTask && Recall(next)) {
      TakeBack(next);  // it comes back before those that it was behind
      MakeReady(next);
    }
  }
}

bool Core::IsPending(ObjectId id) const {
  const objectstore::Entry* entry = objects_.Find(id);
  return entry != nullptr && entry->pending();
}

// True where nothing is under way to the worker that ends its wait, or that of a suspended call.
bool Core::StaysBlocked(const Worker& worker) const {
  if (worker.state != Worker::State::kBlocked) return false;
  if (!worker.is_actor() || worker.says_blocked) {
    const auto resolved = std::count_if(worker.waits_for.begin(), worker.waits_for.end(),
                                        [&](ObjectId id) { return !IsPending(id); });
    if (worker.waits_for.empty() || resolved >= static_cast<ptrdiff_t>(worker.waits_needed))
      return false;
  }
  return std::none_of(worker.queue.begin(), worker.queue.end(), [&](const Task* task) {
    return !worker.HoldsUp(*task) &&
           (task->answered ||
            (task->suspended && (task->wait_refused || !IsPending(task->awaits))));
  });
}

// True where a process that does not wait itself has promised to seal it.
bool Core::PromisedFromOutside(ObjectId id) const {
  const auto promise = promises_.find(id);
  if (promise == promises_.end()) return false;
  const Worker* maker = workers_.FindClient(promise->second);
  return maker == nullptr || maker->state != Worker::State::kBlocked;
}

// Of the workers of a job all of which wait; null where one of them will go on, or has been refused
// its wait already. With `actors` they count too, and one that holds resources may be it.
Worker* Core::DeepestBlocked(JobId id, bool actors) {
  Worker* deepest = nullptr;
  bool moving = false;
  workers_.ForEach([&](Worker& worker) {
    if (worker.job != id || worker.queue.empty() || (worker.is_actor() && !actors)) return;
    moving |=
        worker.wait_refused || !StaysBlocked(worker) ||
        (actors && (std::any_of(worker.waits_for.begin(), worker.waits_for.end(),
                                [&](ObjectId promise) { return PromisedFromOutside(promise); }) ||
                    std::any_of(worker.queue.begin(), worker.queue.end(), [&](const Task* call) {
                      return call->suspended && PromisedFromOutside(call->awaits);
                    })));
    if (worker.is_actor() && !worker.holds_grant) return;
    if (deepest == nullptr || worker.queue.front()->depth > deepest->queue.front()->depth)
      deepest = &worker;
  });
  return moving ? nullptr : deepest;
}

// True where what was asked for is not free, nobody works, and somebody who waits holds something.
bool Core::IsHeldInVain(std::span<const ResourceSet> wants) const {
  return workers_.AnyHoldsInVain() && !wants.empty() && !AnyFits(wants) &&
         std::none_of(timers_.begin(), timers_.end(), [](const auto& timer) {
           return std::get<TaskTimer>(timer) == TaskTimer::kRetry;
         });
}

// The job's first task lacks what blocked workers hold while they wait.
void Core::RefuseHeldResources(JobId id, const Job& job) {
  const Task* first = job.ready.first();
  if (!IsHeldInVain(first->Wants())) return;
  RefuseWaitOfHolder(id, first->Wants().front(),
                     absl::StrCat("task ", first->name, " ", first->id.ToString()));
}

// So does the first actor or placement group of a job. Where others hold it, such as actors, their
// handles may still be dropped.
void Core::RefuseHeldFromStarts() {
  if (!workers_.AnyHoldsInVain()) return;
  starts_.ForEachJob([&](JobId job, const std::deque<ObjectId>& starts) {
    const auto start = std::find_if(starts.begin(), starts.end(),
                                    [&](ObjectId id) { return !StartWants(id).empty(); });
    if (start == starts.end()) return;
    const std::span<const ResourceSet> wants = StartWants(*start);
    if (!IsHeldInVain(wants)) return;
    ResourceSet held_in_vain = workers_.free();
    workers_.ForEach([&](const Worker& worker) {
      if (worker.job != job || worker.state != Worker::State::kBlocked || !worker.holds_grant)
        return;
      held_in_vain.Add(worker.granted);
      if (worker.lends_cpus) held_in_vain.Subtract(CpusIn(worker.granted));
    });
    const bool helps = std::any_of(wants.begin(), wants.end(), [&](const ResourceSet& want) {
      return held_in_vain.Covers(want);
    });
    if (!helps) return;
    const auto group = placement_groups_.find(*start);
    RefuseWaitOfHolder(job, wants.front(),
                       group != placement_groups_.end()
                           ? absl::StrCat("placement group ", group->second.ToString())
                           : absl::StrCat("actor ", actors_.Get(*start)->type_name));
  });
}

// The deepest wait fails, so that what its worker holds comes back.
void Core::RefuseWaitOfHolder(JobId id, const ResourceSet& want, std::string_view who) {
  Worker* deepest = DeepestBlocked(id, /*actors=*/true);
  if (deepest == nullptr) return;
  TROUPE_PROBE("core: a wait for what its holder has");
  RefuseWait(
      deepest,
      absl::StrCat("it holds ", deepest->granted.ToString(), " while it waits, and ", ToAbsl(who),
                   " needs ", want.ToString(), " of which only ", workers_.free().ToString(),
                   " are free: nobody could ever go on; ask for less, or return a reference "
                   "instead of waiting"));
}

}  // namespace troupe::scheduler
