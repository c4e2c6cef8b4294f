#include "scheduler/core/core.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "core/fault/probe.h"

namespace troupe::scheduler {
namespace {

// A worker beyond one per CPU that has had nothing to do for this long is ended.
constexpr int64_t kIdleSurplusNanos = 1'000'000'000;

// So many workers in a row that die as they start are enough to say that none can. Where one has
// started before, the executable is sound and something harms its processes: that may pass.
constexpr int kFailedStarts = 3;
constexpr int kFailedStartsOfWhatRan = 100;
constexpr int kFailedStartsOfWhatJoins = 10;

}  // namespace

Core::Core(const Config& config, TaskWords* words)
    : config_(config),
      words_(words),
      space_(config.store_bytes),
      spill_(config.spill, config.spill_file_bytes),
      workers_(config.total),
      tasks_(config.codec),
      lineage_(config.codec, config.max_lineage_bytes) {}

void Core::DriverJoined(ClientId driver, JobId job, JobOptions options) {
  drivers_[driver] = job;
  Job& joined = jobs_.try_emplace(job, &tasks_).first->second;
  joined.driver = driver;
  joined.options = std::move(options);
  joined.options.weight_units = std::max<int64_t>(1, joined.options.weight_units);
}

void Core::ToolJoined(ClientId tool) { objects_.Follow(tool); }

absl::Status Core::WorkerJoined(ProcessId process, ClientId client) {
  Worker* worker = workers_.Joined(process, client, now_nanos_);
  if (worker == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("no worker process ", static_cast<uint64_t>(process), " is being started"));
  }
  jobs_.at(worker->job).image_runs = true;
  objects_.Follow(client);
  history_.Add(now_nanos_, worker->actor, Step::kProcessJoined, process);
  if (worker->ending) return absl::OkStatus();  // it is being killed
  if (worker->is_actor()) {
    ActorRecord* actor = actors_.Get(worker->actor);
    Dispatch(worker, actor->creation);
  }
  Schedule();
  return absl::OkStatus();
}

void Core::ToolLeft(ClientId tool) {
  ForgetClient(tool);
  DropHoldings(tool);
  Settle();
}

void Core::DriverLeft(ClientId driver) {
  const auto it = drivers_.find(driver);
  TROUPE_CHECK(it != drivers_.end(), "a driver that left without having joined");
  const JobId job = it->second;
  drivers_.erase(it);
  jobs_.at(job).driver_left = true;
  EndJob(job);
  ForgetClient(driver);
  DropHoldings(driver);
  EndJobIfOver(job);
  Settle();
}

bool Core::Survives(ActorId id) const {
  const ActorRecord* actor = actors_.Find(id);
  return actor != nullptr && actor->detached && !actor->dead();
}

// Who goes on in a job without a driver: the processes of detached actors, and the workers that run
// their tasks, to any depth.
std::set<ClientId> Core::Survivors(JobId job) const {
  std::set<ClientId> survivors;
  for (size_t before = SIZE_MAX; before != survivors.size();) {
    before = survivors.size();
    workers_.ForEach([&](const Worker& worker) {
      if (worker.job != job || worker.client == ClientId::kNone) return;
      if (Survives(worker.actor) ||
          (!worker.queue.empty() && survivors.contains(worker.queue.front()->submitter()))) {
        survivors.insert(worker.client);
      }
    });
  }
  return survivors;
}

// Ends everything of a job without a driver but what works for its detached actors.
void Core::EndJob(JobId id) {
  Job& job = jobs_.at(id);
  job.ended = true;
  std::vector<ActorId> ending;
  actors_.ForEach([&](const ActorRecord& actor) {
    if (actor.job != id || actor.dead()) return;
    if (actor.detached) {
      job.ended = false;
    } else {
      ending.push_back(actor.id);
    }
  });
  for (const ActorId actor_id : ending) {
    ActorRecord* const actor = actors_.Get(actor_id);
    KillActor(actor, DeathError(*actor, "its driver has ended", 0));
  }
  const std::set<ClientId> survivors = Survivors(id);
  std::vector<std::pair<uint64_t, TaskId>> tasks;
  tasks_.ForEach([&](const QueuedTask& task) {
    if (task.job != id || survivors.contains(task.submitter())) return;
    if (task.parked || !Survives(static_cast<const Task&>(task).actor))
      tasks.emplace_back(task.order, task.id);
  });
  std::sort(tasks.begin(), tasks.end());
  for (const auto& [order, task_id] : tasks) {
    Task* const task = FindTask(task_id);
    FailTask(task, JobEnded(*task));
  }
  lineage_.DropIf([&](const QueuedTask& task) {
    return task.job == id && (job.ended || !survivors.contains(task.submitter()));
  });
  workers_.ForEach([&](Worker& worker) {
    if (worker.job == id && !worker.ending && !Survives(worker.actor) &&
        !survivors.contains(worker.client)) {
      worker.disowned = true;
      KillProcess(&worker);
    }
  });
}

ErrorInfo Core::JobEnded(const Task& task) {
  return task.MakeError(ErrorKind::kCancelled, "its driver has ended");
}

// An actor's Shutdown hook may take its time, but not for ever.
void Core::EndInOrder(Worker* worker, std::string_view reason) {
  constexpr int64_t kGraceNanos = 30'000'000'000;
  workers_.End(worker);
  endings_.insert({now_nanos_ + kGraceNanos, worker->process});
  history_.Add(now_nanos_, worker->actor, Step::kProcessToldToEnd, worker->process);
  Act(EndWorker{worker->client, std::string(reason)});
}

void Core::KillProcess(Worker* worker) {
  if (std::exchange(worker->killed, true)) return;
  workers_.End(worker);
  history_.Add(now_nanos_, worker->actor, Step::kProcessKilled, worker->process);
  Act(KillWorker{worker->process, /*report=*/!worker->out_of_memory.empty()});
}

// The last detached actor of a job without a driver is the job's end; the job's record goes with
// its last process.
void Core::EndJobIfOver(JobId id) {
  const auto job = jobs_.find(id);
  if (job == jobs_.end() || !job->second.driver_left) return;
  if (!job->second.ended) EndJob(id);
  if (job->second.ended && workers_.CountsOf(id).all() == 0 && workers_.actors_of(id) == 0)
    jobs_.erase(job);
}

void Core::ForgetClient(ClientId client) {
  std::erase_if(waiting_leases_, [&](const WaitingLease& w) { return w.client == client; });
  // Its calls that are under way still run.
  if (const auto called = called_by_.find(client); called != called_by_.end()) {
    const std::vector<ActorId> actors(called->second.begin(), called->second.end());
    for (const ActorId id : actors) {
      ActorRecord* const actor = actors_.Get(id);
      if (!actor->HasQueueOf(client)) ForgetCaller(actor, client);
    }
  }
  StopStreamsOf(client);
  BreakPromises(client);
}

void Core::ProcessDied(ProcessId process, std::string_view signal_or_code, int32_t pid,
                       bool for_want_of_memory, bool runs_on) {
  Worker* worker = workers_.FindProcess(process);
  if (worker == nullptr) return;
  const bool by_us = !worker->out_of_memory.empty();
  const bool out_of_memory = by_us || for_want_of_memory;
  std::string cause = by_us ? worker->out_of_memory : std::string(signal_or_code);
  if (for_want_of_memory && !by_us)
    absl::StrAppend(&cause, " by the kernel, since memory ran out faster than we look");
  if (!by_us && worker->sampled_bytes > 0) {
    absl::StrAppend(&cause, " (when last seen, it had ",
                    FormatBytes(static_cast<int64_t>(worker->sampled_bytes)), " of memory)");
  }
  const JobId job_id = worker->job;
  const ClientId client = worker->client;
  const bool never_joined = worker->state == Worker::State::kStarting;
  // Of itself: it was not killed by us, or for want of memory.
  const bool ended_before_work = !worker->has_worked && !worker->ending && !out_of_memory;
  // Which of its tasks had begun is asked before the words go.
  std::vector<std::pair<Task*, bool>> lost;
  bool any_begun = false;
  for (Task* task : worker->queue) {
    lost.emplace_back(task, !Recall(task));
    any_begun |= lost.back().second;
  }
  const bool had_tasks = !lost.empty();
  for (auto& [task, begun] : lost) {
    if (begun) {
      workers_.Dequeue(worker, task, now_nanos_);
      task->state = Task::State::kReady;
    } else {
      TakeBack(task);
    }
  }
  const ActorId actor_id = worker->actor;
  history_.Add(now_nanos_, actor_id, Step::kProcessDied, process);
  std::erase_if(endings_, [&](const auto& ending) { return ending.second == process; });
  workers_.Remove(worker);
  if (ActorRecord* const actor = actors_.Find(actor_id)) {
    std::erase_if(lost, [&](const auto& l) { return l.first == actor->creation; });
    ActorProcessDied(actor, cause, pid);
  }
  // From the back: each of an actor's calls goes before the later ones of its caller.
  for (auto it = lost.rbegin(); it != lost.rend(); ++it)
    LoseTask(it->first, it->second, out_of_memory, cause, pid);
  if (actor_id.is_null() && (never_joined || (ended_before_work && had_tasks && !any_begun))) {
    Job& job = jobs_.at(job_id);
    const int most = !job.image_runs ? kFailedStarts
                     : never_joined  ? kFailedStartsOfWhatRan
                                     : kFailedStartsOfWhatJoins;
    // So many in a row that die before they can take work, or begin what they were given: the
    // fault is not the task's, but nothing of it will ever run.
    if (++job.failed_starts >= most) {
      TROUPE_PROBE("core: no worker can start");
      job.failed_starts = 0;
      while (!job.ready.empty()) {
        Task* task = job.ready.first();
        FailTask(task, task->MakeError(ErrorKind::kWorkerCrashed,
                                       absl::StrCat("no worker could be started: ", cause), pid));
      }
    }
  }
  if (client != ClientId::kNone) {
    ForgetClient(client);
    if (!runs_on) DropHoldings(client);
  }
  EndJobIfOver(job_id);
  Settle();
}

// What its code may have had in its hands: grants, pins and leases.
void Core::DropHoldings(ClientId client) {
  recalled_.erase(client);
  silent_since_.erase(client);
  residency_.DropClient(client);
  objects_.DropClient(client);
  space_.DropClient(client);
}

void Core::ForgetHoldings(ClientId worker) {
  DropHoldings(worker);
  Settle();
}

absl::StatusOr<Core::Submitter> Core::SubmitterOf(ClientId client) const {
  const auto driver = drivers_.find(client);
  if (driver != drivers_.end()) return Submitter{driver->second};
  const Worker* worker = workers_.FindClient(client);
  if (worker != nullptr) return Submitter{worker->job, worker};
  return absl::PermissionDeniedError(
      absl::StrCat(ToString(client), " has no job: only drivers and workers submit"));
}

bool Core::IsClient(ClientId client) const {
  return drivers_.contains(client) || workers_.FindClient(client) != nullptr;
}

void Core::AdvanceTo(int64_t now_nanos) {
  if (now_nanos > now_nanos_) {
    ChargeJobs(now_nanos - now_nanos_);
    now_nanos_ = now_nanos;
  }
  AdvanceMemory();
  if (held_back_until_nanos_ <= now_nanos_) {
    held_back_until_nanos_ = kNever;
    Settle();
  }
  if (FireTimers()) Settle();
  while (!endings_.empty() && endings_.begin()->first <= now_nanos_) {
    Worker* worker = workers_.FindProcess(endings_.begin()->second);
    endings_.erase(endings_.begin());
    if (worker != nullptr) KillProcess(worker);
  }
  // Idle workers beyond one per CPU.
  for (const auto& entry : jobs_) {
    const JobId id = entry.first;
    const int wanted =
        static_cast<int>(std::max<int64_t>(1, config_.total.cpu_units() / kResourceUnit));
    for (int surplus = workers_.UsableOf(id) - wanted; surplus > 0; --surplus) {
      Worker* const idle = workers_.FindLongestIdle(id);
      if (idle == nullptr || now_nanos_ - idle->idle_since_nanos < kIdleSurplusNanos) break;
      EndInOrder(idle, "it has had nothing to do");
    }
  }
}

int64_t Core::NextDeadline() const {
  int64_t next = std::min(MemoryDeadline(), held_back_until_nanos_);
  if (!timers_.empty()) next = std::min(next, std::get<0>(*timers_.begin()));
  if (!endings_.empty()) next = std::min(next, endings_.begin()->first);
  const int wanted =
      static_cast<int>(std::max<int64_t>(1, config_.total.cpu_units() / kResourceUnit));
  for (const auto& entry : jobs_) {
    const JobId id = entry.first;
    if (workers_.UsableOf(id) <= wanted) continue;
    if (const Worker* const idle = workers_.FindLongestIdle(id))
      next = std::min(next, idle->idle_since_nanos + kIdleSurplusNanos);
  }
  return next;
}

std::vector<Action> Core::TakeActions() {
  return std::exchange(actions_, std::exchange(spare_actions_, {}));
}

void Core::Recycle(std::vector<Action> performed) {
  performed.clear();
  spare_actions_ = std::move(performed);
}

std::string Core::StatusText() const {
  std::string text = absl::StrCat(
      "cpus     ", config_.total.ToString(), ", free: ", workers_.free().ToString(), "\n",
      "store    ", FormatBytes(static_cast<int64_t>(config_.store_bytes)),
      ", used: ", FormatBytes(static_cast<int64_t>(objects_.bytes_stored())), " in ",
      objects_.count(), " objects",
      spill_.enabled()
          ? absl::StrCat(", spilled: ", FormatBytes(static_cast<int64_t>(spill_.used())))
          : std::string(),
      lineage_.record_count() == 0
          ? std::string()
          : absl::StrCat(", lineage: ", FormatBytes(static_cast<int64_t>(lineage_.bytes())), " of ",
                         lineage_.record_count(), " tasks"),
      "\n", "tasks    ", tasks_.size(), " unfinished\n", "actors   ", actors_.size(), "\n");
  if (!placement_groups_.empty())
    absl::StrAppend(&text, "groups   ", placement_groups_.size(), "\n");
  for (const auto& [id, job] : jobs_) {
    const WorkerPool::Counts counts = workers_.CountsOf(id);
    absl::StrAppend(&text, "job ", static_cast<uint32_t>(id), "    workers: ", counts.idle,
                    " idle, ", counts.busy, " busy, ", counts.blocked, " blocked, ",
                    counts.starting, " starting; actors' processes: ", workers_.actors_of(id),
                    "; tasks finished: ", job.tasks_finished, job.ended ? "; ended" : "", "\n");
  }
  return text;
}

void Core::CheckInvariants() const {
  objects_.CheckInvariants();
  space_.CheckInvariants();
  residency_.CheckInvariants();
  spill_.CheckInvariants();
  uint64_t in_memory = 0, away = 0;
  size_t stored = 0;
  ClientUse use;
  objects_.ForEach([&](const objectstore::Entry& entry) {
    const ObjectId id = entry.id;
    use.Add(id.client(), {1, InlineBytes(entry.content(), entry.contained().size())});
    if (!entry.stored()) return;
    ++stored;
    const objectstore::Residency::Record* record = residency_.Find(id);
    TROUPE_CHECK(record != nullptr && record->in_memory() != entry.away(),
                 "an object whose place nobody knows");
    if (const auto* place = std::get_if<Location>(&entry.content()))
      TROUPE_CHECK(*place == record->place, "an object in two places");
    (entry.away() ? away : in_memory) += record->size;
    for (const auto& pin : record->pins)
      TROUPE_CHECK(objects_.HasGrant(id, pin.client), "a pin of a client without a reference");
  });
  TROUPE_CHECK(in_memory == objects_.bytes_stored() && away == objects_.bytes_away(),
               "bytes in memory and on disk that do not add up");
  workers_.CheckInvariants();
  CheckLineage();
  size_t ready = 0, timers = 0, streams = 0;
  tasks_.ForEach([&](const QueuedTask& queued) {
    const std::shared_ptr<const Task> task = LookAt(queued);
    use.Add(task->submitter(), {0, task->spec.size()});
    if (queued.parked) {
      const auto job = jobs_.find(queued.job);
      TROUPE_CHECK(task->CanPark() && job != jobs_.end() && job->second.ready.Contains(task.get()),
                   "a parked task that is not queued, or would not be the same again");
    }
    TROUPE_CHECK((task->worker != nullptr) == (task->state == Task::State::kDispatched),
                 "dispatched without a worker");
    TROUPE_CHECK((task->missing > 0) == (task->state == Task::State::kWaiting) ||
                     task->kind != wire::TaskKind::kTask,
                 "a task that waits for nothing, or does not wait for something");
    TROUPE_CHECK(!task->answered || task->worker != nullptr, "answered, and not running");
    TROUPE_CHECK(
        !task->suspended || (task->worker != nullptr && task->kind == wire::TaskKind::kActorCall),
        "suspended, and no call that runs");
    TROUPE_CHECK(task->suspended || (task->awaits.is_null() && !task->wait_refused),
                 "not suspended, and waiting");
    TROUPE_CHECK((task->state == Task::State::kDelayed) ==
                     (task->timers[static_cast<size_t>(TaskTimer::kRetry)] != kNever),
                 "delayed without an end");
    for (const int64_t at : task->timers) timers += at != kNever;
    streams += task->stream_window > 0;
    TROUPE_CHECK(task->stream_window == 0 || streams_.contains({task->submitter(), task->id}),
                 "a stream that its consumer is not known to have");
    for (const Task* child = task->first_child; child != nullptr; child = child->next_sibling) {
      TROUPE_CHECK(child->parent == task.get() && tasks_.Find(child->id) == child,
                   "a child of another one, or one that is gone");
    }
    if (task->parent != nullptr) {
      TROUPE_CHECK(tasks_.Find(task->parent->id) == task->parent, "a parent that is gone");
    }
    if (task->kind == wire::TaskKind::kTask && task->state == Task::State::kReady) ++ready;
    if (task->worker != nullptr) {
      const auto& queue = task->worker->queue;
      TROUPE_CHECK(std::find(queue.begin(), queue.end(), task.get()) != queue.end(),
                   "a worker that does not know its task");
    }
    for (const ObjectId dependency : task->dependencies) {
      TROUPE_CHECK(objects_.Find(dependency) != nullptr, "a task whose argument was freed");
    }
  });
  size_t known_callers = 0, listed_callers = 0;
  actors_.ForEach([&](const ActorRecord& actor) {
    const Worker* worker = workers_.FindProcess(actor.process);
    for (uint32_t group = 0; worker != nullptr && group < worker->loads.size(); ++group) {
      const Worker::Load& load = worker->loads[group];
      TROUPE_CHECK(load.dispatched <= actor.MostCalls(group, config_.max_suspended_calls),
                   "an actor with more calls than it may have");
    }
    for (const auto& [client, last] : actor.callers) {
      const auto called = called_by_.find(client);
      TROUPE_CHECK(called != called_by_.end() && called->second.contains(actor.id),
                   "a caller of an actor that is not known to be one");
    }
    known_callers += actor.callers.size();
    for (const auto& [queue, calls] : actor.queues)
      TROUPE_CHECK(!calls.empty(), "a queue without calls");
  });
  for (const auto& [client, called] : called_by_) listed_callers += called.size();
  TROUPE_CHECK(known_callers == listed_callers, "callers of actors that do not add up");
  starts_.CheckInvariants();
  TROUPE_CHECK(!StartsAreLookedAt() || !FindStartable().has_value(),
               "an actor or a placement group that could start, and that nobody looks at");
  for (const auto& [id, client] : promises_) {
    const objectstore::Entry* entry = objects_.Find(id);
    TROUPE_CHECK(entry != nullptr && entry->pending() && IsClient(client),
                 "a promise that nobody can keep");
  }
  for (const ObjectId id : freeing_) {
    const objectstore::Entry* entry = objects_.Find(id);
    TROUPE_CHECK(entry != nullptr && !entry->failed(), "what is to be freed and was");
    TROUPE_CHECK(entry->pending() || (entry->stored() && !residency_.Find(id)->pins.empty()),
                 "what could be freed and is there");
  }
  TROUPE_CHECK(use == use_, "what is kept for clients does not add up");
  TROUPE_CHECK(timers == timers_.size(), "timers that do not add up");
  TROUPE_CHECK(streams == streams_.size(), "streams that do not add up");
  ResourceSet total = config_.total;
  for (const auto& [id, group] : placement_groups_) {
    TROUPE_CHECK(group.reserved || objects_.Find(id) != nullptr,
                 "a placement group that nobody has and that has nothing");
    TROUPE_CHECK(ending_groups_.contains(id) == (group.reserved && group.removed),
                 "a placement group that ends and does not, or does not and does");
    if (!group.reserved) continue;
    total.Subtract(group.sum);
    total.Add(group.Given());
  }
  TROUPE_CHECK(workers_.total() == total, "resources of placement groups that do not add up");
  size_t queued = 0;
  for (const auto& [id, job] : jobs_) {
    job.ready.CheckInvariants();
    queued += job.ready.size();
  }
  TROUPE_CHECK(ready == queued, "ready tasks that are not queued");
  for (const auto& [id, dependents] : dependents_) {
    TROUPE_CHECK(objects_.Find(id) != nullptr, "somebody waits for an object that was freed");
  }
}

}  // namespace troupe::scheduler
