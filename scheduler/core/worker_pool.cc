#include "scheduler/core/worker_pool.h"

#include <algorithm>
#include <bitset>
#include <utility>

#include "core/base/check.h"
#include "scheduler/core/placement_group.h"

namespace troupe::scheduler {

Worker* WorkerPool::Start(ProcessId process, JobId job, ActorId actor) {
  auto owned = std::make_unique<Worker>();
  Worker* worker = owned.get();
  worker->process = process;
  worker->job = job;
  worker->actor = actor;
  worker->free_slots.reserve(Limits::kStateWords);
  for (int slot = Limits::kStateWords; slot-- > 0;)
    worker->free_slots.push_back(static_cast<uint32_t>(slot));
  TROUPE_CHECK(workers_.emplace(process, std::move(owned)).second,
               "a process number that was used before");
  if (worker->is_actor()) {
    ++actors_[job];
  } else {
    Team& team = teams_[job];
    team.workers.push_back(worker);
    ++team.counts.starting;
  }
  return worker;
}

Worker* WorkerPool::Joined(ProcessId process, ClientId client, int64_t now_nanos) {
  Worker* worker = FindProcess(process);
  if (worker == nullptr || worker->state != Worker::State::kStarting) return nullptr;
  worker->client = client;
  worker->idle_since_nanos = now_nanos;
  by_client_[client] = worker;
  SetState(worker, Worker::State::kIdle);
  return worker;
}

void WorkerPool::Remove(Worker* worker) {
  TROUPE_CHECK(worker->queue.empty(), "a worker that goes while it has tasks");
  if (worker->holds_grant) ReturnGrant(worker);
  if (worker->client != ClientId::kNone) by_client_.erase(worker->client);
  if (worker->is_actor()) {
    if (--actors_[worker->job] == 0) actors_.erase(worker->job);
  } else {
    SetState(worker, Worker::State::kIdle);
    const auto team = teams_.find(worker->job);
    --team->second.counts.idle;
    std::erase(team->second.workers, worker);
    if (team->second.workers.empty()) teams_.erase(team);
  }
  workers_.erase(worker->process);
}

Worker* WorkerPool::FindProcess(ProcessId process) {
  const auto it = workers_.find(process);
  return it == workers_.end() ? nullptr : it->second.get();
}

Worker* WorkerPool::FindClient(ClientId client) {
  const auto it = by_client_.find(client);
  return it == by_client_.end() ? nullptr : it->second;
}

void WorkerPool::Enqueue(Worker* worker, Task* task, uint64_t generation) {
  TROUPE_CHECK(CanTake(worker), "a task for a worker that can take none");
  if (!worker->holds_grant && !worker->is_actor()) TakeGrant(worker, task->want);
  task->worker = worker;
  task->slot = worker->free_slots.back();
  task->generation = generation;
  task->holds_slot = true;
  task->suspensions = 0;
  worker->free_slots.pop_back();
  worker->queue.push_back(task);
  if (worker->is_actor()) {
    if (task->group >= worker->loads.size()) worker->loads.resize(task->group + 1);
    ++worker->loads[task->group].dispatched;
    UpdateState(worker);
  } else if (worker->state == Worker::State::kIdle) {
    SetState(worker, Worker::State::kBusy);
  }
}

void WorkerPool::Dequeue(Worker* worker, Task* task, int64_t now_nanos) {
  if (task->suspended) Resume(task);
  if (!worker->queue.empty() && worker->queue.front() == task) {
    worker->queue.pop_front();  // the one that runs
  } else {
    const auto it = std::find(worker->queue.begin(), worker->queue.end(), task);
    TROUPE_CHECK(it != worker->queue.end(), "a task that its worker does not have");
    worker->queue.erase(it);
  }
  if (std::exchange(task->holds_slot, false)) worker->free_slots.push_back(task->slot);
  task->worker = nullptr;
  if (worker->is_actor()) {
    --worker->loads[task->group].dispatched;
    UpdateState(worker);
  }
  if (!worker->queue.empty()) return;
  if (!worker->is_actor() && worker->holds_grant) ReturnGrant(worker);
  SetState(worker, Worker::State::kIdle);
  worker->idle_since_nanos = now_nanos;
}

void WorkerPool::Suspend(Task* task) {
  TROUPE_CHECK(!task->suspended && task->worker->is_actor(), "a call that is suspended twice");
  Worker* worker = task->worker;
  task->suspended = true;
  ++task->suspensions;
  // It has begun, and needs no word to say so.
  if (std::exchange(task->holds_slot, false)) worker->free_slots.push_back(task->slot);
  ++worker->loads[task->group].suspended;
  ++worker->suspended;
  UpdateState(worker);
}

void WorkerPool::Resume(Task* task) {
  TROUPE_CHECK(task->suspended, "a call that goes on and was not suspended");
  Worker* worker = task->worker;
  task->suspended = task->wait_refused = false;
  task->awaits = ObjectId();
  --worker->loads[task->group].suspended;
  --worker->suspended;
  UpdateState(worker);
}

void WorkerPool::UpdateState(Worker* worker) {
  const size_t calls = worker->queue.size();
  const bool stands = worker->says_blocked || worker->suspended == calls;
  SetState(worker, calls == 0 ? Worker::State::kIdle
                   : stands   ? Worker::State::kBlocked
                              : Worker::State::kBusy);
}

bool WorkerPool::CanTake(const Worker* worker) const {
  if (worker->ending || worker->retiring || worker->state == Worker::State::kStarting ||
      worker->free_slots.empty())
    return false;
  // How many of an actor's calls are given to it depends on their groups.
  return worker->is_actor() || static_cast<int>(worker->queue.size()) < Limits::kDispatchDepth;
}

void WorkerPool::Block(Worker* worker) {
  if (worker->is_actor()) {
    worker->says_blocked = true;
    UpdateState(worker);
    return;
  }
  if (worker->state != Worker::State::kBusy) return;
  if (worker->holds_grant) {
    worker->lends_cpus = true;
    free_.Add(CpusIn(worker->granted));
  }
  SetState(worker, Worker::State::kBlocked);
}

void WorkerPool::Unblock(Worker* worker) {
  if (worker->is_actor()) {
    worker->says_blocked = false;
    worker->blocked_threads = 0;
    worker->waits_for.clear();
    UpdateState(worker);
    return;
  }
  if (worker->state != Worker::State::kBlocked) return;
  TakeBackCpus(worker);
  worker->waits_for.clear();
  SetState(worker, Worker::State::kBusy);
}

void WorkerPool::GrantToActor(Worker* worker, const ResourceSet& want) { TakeGrant(worker, want); }

Worker* WorkerPool::FindIdle(JobId job) {
  const auto team = teams_.find(job);
  if (team == teams_.end() || team->second.counts.idle == 0) return nullptr;
  for (Worker* worker : team->second.workers) {
    if (worker->state == Worker::State::kIdle && !worker->ending) return worker;
  }
  return nullptr;
}

Worker* WorkerPool::FindShallowest(JobId job, const ResourceSet& want) {
  const auto team = teams_.find(job);
  if (team == teams_.end()) return nullptr;
  Worker* best = nullptr;
  for (Worker* worker : team->second.workers) {
    if (worker->state != Worker::State::kBusy || !CanTake(worker) || worker->granted != want)
      continue;
    if (best == nullptr || worker->queue.size() < best->queue.size()) best = worker;
  }
  return best;
}

Worker* WorkerPool::FindShallowestAbove(JobId job, const ResourceSet& want, int32_t priority) {
  const auto team = teams_.find(job);
  if (team == teams_.end()) return nullptr;
  Worker* best = nullptr;
  size_t best_ahead = Limits::kDispatchDepth;
  for (Worker* worker : team->second.workers) {
    if (worker->state != Worker::State::kBusy || worker->ending || worker->retiring ||
        worker->granted != want)
      continue;
    const auto& queue = worker->queue;
    const size_t ahead =
        1 + static_cast<size_t>(std::count_if(queue.begin() + 1, queue.end(), [&](const Task* t) {
          return t->priority >= priority;
        }));
    if (ahead < best_ahead) {
      best = worker;
      best_ahead = ahead;
    }
  }
  return best;
}

bool WorkerPool::AnyAtWork() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& entry) {
    const Worker& worker = *entry.second;
    return worker.ending || worker.state == Worker::State::kStarting ||
           worker.state == Worker::State::kBusy;
  });
}

void WorkerPool::Exchange(const ResourceSet& taken, const ResourceSet& given) {
  total_.Subtract(taken);
  free_.Subtract(taken);
  total_.Add(given);
  free_.Add(given);
}

ResourceSet WorkerPool::NotHeldByActors() const {
  ResourceSet left = total_;
  for (const auto& [process, worker] : workers_) {
    if (worker->is_actor() && worker->holds_grant) left.Subtract(worker->granted);
  }
  return left;
}

Worker* WorkerPool::FindDeepest(JobId job) {
  const auto team = teams_.find(job);
  if (team == teams_.end()) return nullptr;
  Worker* best = nullptr;
  for (Worker* worker : team->second.workers) {
    if (worker->queue.size() < 2) continue;
    if (best == nullptr || worker->queue.size() > best->queue.size()) best = worker;
  }
  return best;
}

WorkerPool::Counts WorkerPool::CountsOf(JobId job) const {
  const auto team = teams_.find(job);
  return team == teams_.end() ? Counts{} : team->second.counts;
}

int WorkerPool::actors_of(JobId job) const {
  const auto it = actors_.find(job);
  return it == actors_.end() ? 0 : it->second;
}

void WorkerPool::TakeGrant(Worker* worker, const ResourceSet& want) {
  TROUPE_CHECK(!worker->holds_grant, "a worker that is granted resources twice");
  worker->granted = want;
  worker->holds_grant = true;
  free_.Subtract(want);
}

void WorkerPool::ReturnGrant(Worker* worker) {
  TROUPE_CHECK(worker->holds_grant, "a grant that is given back twice");
  TakeBackCpus(worker);
  worker->holds_grant = false;
  free_.Add(worker->granted);
}

void WorkerPool::TakeBackCpus(Worker* worker) {
  if (!std::exchange(worker->lends_cpus, false)) return;
  free_.Subtract(CpusIn(worker->granted));
}

void WorkerPool::SetState(Worker* worker, Worker::State state) {
  if (!worker->is_actor()) {
    Counts& counts = teams_.at(worker->job).counts;
    const auto count = [&](Worker::State s) -> int& {
      switch (s) {
        case Worker::State::kStarting:
          return counts.starting;
        case Worker::State::kIdle:
          return counts.idle;
        case Worker::State::kBusy:
          return counts.busy;
        case Worker::State::kBlocked:
          break;
      }
      return counts.blocked;
    };
    --count(worker->state);
    ++count(state);
  }
  worker->state = state;
}

void WorkerPool::CheckActor(const Worker& worker) {
  std::vector<Worker::Load> loads(worker.loads.size());
  size_t suspended = 0;
  for (const Task* task : worker.queue) {
    TROUPE_CHECK(task->group < loads.size(), "a call whose group nobody counts");
    TROUPE_CHECK(!task->suspended || (!task->holds_slot && task->suspensions > 0),
                 "suspended, and with a slot");
    ++loads[task->group].dispatched;
    loads[task->group].suspended += task->suspended;
    suspended += task->suspended;
  }
  for (size_t i = 0; i < loads.size(); ++i) {
    TROUPE_CHECK(loads[i].dispatched == worker.loads[i].dispatched &&
                     loads[i].suspended == worker.loads[i].suspended,
                 "an actor's calls that do not add up");
  }
  TROUPE_CHECK(suspended == worker.suspended, "suspended calls that do not add up");
  if (worker.state == Worker::State::kStarting) return;
  const bool stands =
      !worker.queue.empty() && (worker.says_blocked || suspended == worker.queue.size());
  TROUPE_CHECK((worker.state == Worker::State::kBlocked) == stands,
               "an actor that stands still and is not said to, or the other way round");
}

void WorkerPool::CheckInvariants() const {
  ResourceSet sum = free_;
  std::map<JobId, Counts> counts;
  for (const auto& [process, worker] : workers_) {
    TROUPE_CHECK(process == worker->process, "a worker under another one's number");
    if (worker->holds_grant) sum.Add(worker->granted);
    if (worker->lends_cpus) sum.Subtract(CpusIn(worker->granted));
    TROUPE_CHECK(!worker->lends_cpus || worker->state == Worker::State::kBlocked,
                 "a worker that lends its CPUs and runs");
    std::bitset<Limits::kStateWords> slots;
    const auto take = [&](uint32_t slot) {
      TROUPE_CHECK(slot < slots.size() && !slots[slot], "a slot that is used twice");
      slots.set(slot);
    };
    for (const uint32_t slot : worker->free_slots) take(slot);
    for (const Task* task : worker->queue) {
      TROUPE_CHECK(task->worker == worker.get(), "a queued task that belongs to another worker");
      if (task->holds_slot) take(task->slot);
    }
    TROUPE_CHECK(slots.all(), "a slot that was lost");
    if (worker->is_actor()) {
      CheckActor(*worker);
      continue;
    }
    TROUPE_CHECK(worker->holds_grant == (worker->state == Worker::State::kBusy ||
                                         worker->state == Worker::State::kBlocked),
                 "a grant without work, or work without");
    Counts& c = counts[worker->job];
    c.starting += worker->state == Worker::State::kStarting;
    c.idle += worker->state == Worker::State::kIdle;
    c.busy += worker->state == Worker::State::kBusy;
    c.blocked += worker->state == Worker::State::kBlocked;
  }
  TROUPE_CHECK(sum == total_, "resources that do not add up");
  for (const auto& [job, c] : counts) {
    const Counts have = CountsOf(job);
    TROUPE_CHECK(have.starting == c.starting && have.idle == c.idle && have.busy == c.busy &&
                     have.blocked == c.blocked,
                 "worker counts that do not add up");
  }
}

}  // namespace troupe::scheduler
