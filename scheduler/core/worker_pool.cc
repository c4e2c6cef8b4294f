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
    worker->team = &teams_[job];
    worker->team->Add(worker);
  }
  Update(worker);
  return worker;
}

Worker* WorkerPool::Joined(ProcessId process, ClientId client, int64_t now_nanos) {
  Worker* worker = FindProcess(process);
  if (worker == nullptr || worker->state != Worker::State::kStarting) return nullptr;
  worker->client = client;
  worker->idle_since_nanos = now_nanos;
  by_client_[client] = worker;
  worker->state = Worker::State::kIdle;
  Update(worker);
  return worker;
}

void WorkerPool::Remove(Worker* worker) {
  TROUPE_CHECK(worker->queue.empty(), "a worker that goes while it has tasks");
  if (worker->holds_grant) ReturnGrant(worker);
  if (worker->client != ClientId::kNone) by_client_.erase(worker->client);
  if (worker->is_actor()) {
    if (--actors_[worker->job] == 0) actors_.erase(worker->job);
  } else {
    worker->team->Remove(worker);
    if (worker->team->counts().all() == 0) teams_.erase(worker->job);
  }
  at_work_ -= worker->counted_at_work;
  waiting_holders_ -= worker->counted_waiting_holder;
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
    worker->state = Worker::State::kBusy;
  }
  Update(worker);
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
  if (worker->queue.empty()) {
    if (!worker->is_actor() && worker->holds_grant) ReturnGrant(worker);
    worker->state = Worker::State::kIdle;
    worker->idle_since_nanos = now_nanos;
  }
  Update(worker);
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
  Update(worker);
}

void WorkerPool::Resume(Task* task) {
  TROUPE_CHECK(task->suspended, "a call that goes on and was not suspended");
  Worker* worker = task->worker;
  task->suspended = task->wait_refused = false;
  task->awaits = ObjectId();
  --worker->loads[task->group].suspended;
  --worker->suspended;
  UpdateState(worker);
  Update(worker);
}

void WorkerPool::UpdateState(Worker* worker) {
  const size_t calls = worker->queue.size();
  const bool stands = worker->says_blocked || worker->suspended == calls;
  worker->state = calls == 0 ? Worker::State::kIdle
                  : stands   ? Worker::State::kBlocked
                             : Worker::State::kBusy;
}

bool WorkerPool::IsAtWork(const Worker& worker) {
  return worker.ending || worker.state == Worker::State::kStarting ||
         worker.state == Worker::State::kBusy;
}

bool WorkerPool::WaitsAndHolds(const Worker& worker) {
  return worker.state == Worker::State::kBlocked && worker.holds_grant;
}

void WorkerPool::Update(Worker* worker) {
  const bool at_work = IsAtWork(*worker), holds = WaitsAndHolds(*worker);
  at_work_ += at_work - std::exchange(worker->counted_at_work, at_work);
  waiting_holders_ += holds - std::exchange(worker->counted_waiting_holder, holds);
  if (worker->team != nullptr) worker->team->Update(worker);
}

void WorkerPool::End(Worker* worker) {
  worker->ending = true;
  Update(worker);
}

void WorkerPool::SetRetiring(Worker* worker, bool retiring) {
  worker->retiring = retiring;
  Update(worker);
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
  } else if (worker->state == Worker::State::kBusy) {
    if (worker->holds_grant) {
      worker->lends_cpus = true;
      free_.Add(CpusIn(worker->granted));
      ++times_freed_;
    }
    worker->state = Worker::State::kBlocked;
  }
  Update(worker);
}

void WorkerPool::Unblock(Worker* worker) {
  if (worker->is_actor()) {
    worker->says_blocked = false;
    worker->blocked_threads = 0;
    worker->waits_for.clear();
    UpdateState(worker);
  } else if (worker->state == Worker::State::kBlocked) {
    TakeBackCpus(worker);
    worker->waits_for.clear();
    worker->state = Worker::State::kBusy;
  }
  Update(worker);
}

void WorkerPool::GrantToActor(Worker* worker, const ResourceSet& want) {
  TakeGrant(worker, want);
  Update(worker);
}

void WorkerPool::Exchange(const ResourceSet& taken, const ResourceSet& given) {
  for (ResourceSet* amounts : {&total_, &free_, &not_held_by_actors_}) {
    amounts->Subtract(taken);
    amounts->Add(given);
  }
  ++times_freed_;
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
  if (worker->is_actor()) not_held_by_actors_.Subtract(want);
}

void WorkerPool::ReturnGrant(Worker* worker) {
  TROUPE_CHECK(worker->holds_grant, "a grant that is given back twice");
  TakeBackCpus(worker);
  worker->holds_grant = false;
  free_.Add(worker->granted);
  ++times_freed_;
  if (worker->is_actor()) not_held_by_actors_.Add(worker->granted);
}

void WorkerPool::TakeBackCpus(Worker* worker) {
  if (!std::exchange(worker->lends_cpus, false)) return;
  free_.Subtract(CpusIn(worker->granted));
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
  ResourceSet sum = free_, left = total_;
  std::map<JobId, std::vector<const Worker*>> teams;
  int at_work = 0, waiting_holders = 0;
  for (const auto& [process, worker] : workers_) {
    TROUPE_CHECK(process == worker->process, "a worker under another one's number");
    at_work += IsAtWork(*worker);
    waiting_holders += WaitsAndHolds(*worker);
    if (worker->holds_grant) sum.Add(worker->granted);
    if (worker->holds_grant && worker->is_actor()) left.Subtract(worker->granted);
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
    teams[worker->job].push_back(worker.get());
  }
  TROUPE_CHECK(sum == total_, "resources that do not add up");
  TROUPE_CHECK(left == not_held_by_actors_, "resources of actors that do not add up");
  TROUPE_CHECK(at_work == at_work_ && waiting_holders == waiting_holders_,
               "workers at work, or that wait, that do not add up");
  TROUPE_CHECK(teams.size() == teams_.size(), "a team without workers, or the other way round");
  for (const auto& [job, team] : teams_) team.CheckInvariants(teams[job]);
}

}  // namespace troupe::scheduler
