#include "scheduler/core/worker_team.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/check.h"
#include "scheduler/core/placement_group.h"

namespace troupe::scheduler {
namespace {

Worker::Standing StandingOf(const Worker& worker) {
  return {worker.state, !worker.ending && !worker.retiring, worker.ending,
          static_cast<uint32_t>(worker.queue.size())};
}

// REQUIRES: busy.
bool HasRoom(const Worker::Standing& standing) {
  return standing.usable && standing.depth < Limits::kDispatchDepth;
}

// The tasks that stay before one of that priority, when those of a lower one are recalled.
size_t TasksAhead(const Worker& worker, int32_t priority) {
  const auto& queue = worker.queue;
  return 1 +
         static_cast<size_t>(std::count_if(queue.begin() + 1, queue.end(), [&](const Task* task) {
           return task->priority >= priority;
         }));
}

}  // namespace

BusyOfShape::BusyOfShape(const ResourceSet& of) : shape(of), cpu_units(CpuUnitsIn(of)) {}

Worker* BusyOfShape::Deepest() const {
  Worker* const one = usable.Deepest();
  Worker* const other = leaving.Deepest();
  if (one == nullptr || other == nullptr) return one == nullptr ? other : one;
  return other->queue.size() > one->queue.size() ? other : one;
}

void WorkerTeam::Add(Worker* worker) { Enter(worker, StandingOf(*worker)); }

void WorkerTeam::Remove(Worker* worker) { Leave(worker); }

void WorkerTeam::Update(Worker* worker) {
  const Worker::Standing now = StandingOf(*worker);
  const Worker::Standing& was = worker->standing;
  if (now == was) return;
  if (was.state == Worker::State::kBusy && was.usable && now.state == was.state && now.usable) {
    MoveTo(worker, now.depth);  // as with nearly each task, of many
    return;
  }
  Leave(worker);
  Enter(worker, now);
}

// REQUIRES: it is busy and usable, and was before.
void WorkerTeam::MoveTo(Worker* worker, uint32_t depth) {
  BusyOfShape* const busy = worker->among;
  const bool was_deep = busy->is_deep();
  const uint32_t before = std::exchange(worker->standing.depth, depth);
  busy->usable.Erase(worker, before);
  busy->usable.Insert(worker, depth);
  UpdateDeep(busy, was_deep);
  with_room_ += (depth < Limits::kDispatchDepth) - (before < Limits::kDispatchDepth);
}

void WorkerTeam::UpdateDeep(BusyOfShape* busy, bool was_deep) {
  if (busy->is_deep() == was_deep) return;
  if (was_deep) {
    deep_.erase(std::find(deep_.begin(), deep_.end(), busy));
  } else {
    deep_.push_back(busy);
  }
}

void WorkerTeam::Enter(Worker* worker, const Worker::Standing& standing) {
  worker->standing = standing;
  const auto& [state, usable, ending, depth] = standing;
  ++counts_[static_cast<size_t>(state)];
  if (state == Worker::State::kIdle && !ending) {
    ++usable_idle_;
    idle_.PushFront(worker);
  } else if (state == Worker::State::kBusy) {
    BusyOfShape* const busy = worker->among = busy_.Get(worker->granted);
    const bool was_deep = busy->is_deep();
    busy_cpu_units_ += busy->cpu_units;
    (usable ? busy->usable : busy->leaving).Insert(worker, depth);
    UpdateDeep(busy, was_deep);
    with_room_ += HasRoom(standing);
  }
}

void WorkerTeam::Leave(Worker* worker) {
  const auto& [state, usable, ending, depth] = worker->standing;
  --counts_[static_cast<size_t>(state)];
  if (state == Worker::State::kIdle && !ending) {
    --usable_idle_;
    idle_.Erase(worker);
  } else if (state == Worker::State::kBusy) {
    BusyOfShape* const busy = std::exchange(worker->among, nullptr);
    const bool was_deep = busy->is_deep();
    busy_cpu_units_ -= busy->cpu_units;
    (usable ? busy->usable : busy->leaving).Erase(worker, depth);
    UpdateDeep(busy, was_deep);
    with_room_ -= HasRoom(worker->standing);
  }
}

Worker* WorkerTeam::FindShallowest(const ResourceSet& want) const {
  if (with_room_ == 0) return nullptr;  // so it is mostly, where there are more tasks than workers
  const BusyOfShape* const busy = busy_.Find(want);
  Worker* const worker = busy == nullptr ? nullptr : busy->usable.Shallowest();
  return worker == nullptr || worker->queue.size() >= Limits::kDispatchDepth ? nullptr : worker;
}

// In the order of how deep they are: none has fewer ahead than one.
Worker* WorkerTeam::FindShallowestAbove(const ResourceSet& want, int32_t priority) const {
  const BusyOfShape* const busy = busy_.Find(want);
  if (busy == nullptr) return nullptr;
  Worker* best = nullptr;
  size_t best_ahead = Limits::kDispatchDepth;
  for (size_t depth = 1; depth <= Limits::kDispatchDepth && best_ahead > 1; ++depth) {
    const auto& as_deep = busy->usable.at(depth);
    for (Worker* worker = as_deep.front(); worker != nullptr; worker = as_deep.After(worker)) {
      const size_t ahead = TasksAhead(*worker, priority);
      if (ahead >= best_ahead) continue;
      best = worker;
      best_ahead = ahead;
    }
  }
  return best;
}

Worker* WorkerTeam::FindDeepest(absl::FunctionRef<bool(const Worker&)> is_asked_for) const {
  Worker* deepest = nullptr;
  for (const BusyOfShape* busy : deep_) {
    Worker* const worker = busy->Deepest();
    if (deepest != nullptr && deepest->queue.size() >= worker->queue.size()) continue;
    if (is_asked_for(*worker)) deepest = worker;
  }
  return deepest;
}

std::vector<Worker*> WorkerTeam::FindDeep(const ResourceSet& want) const {
  std::vector<Worker*> found;
  const BusyOfShape* const busy = busy_.Find(want);
  if (busy == nullptr) return found;
  for (const auto* of : {&busy->usable, &busy->leaving}) {
    for (size_t depth = 2; depth <= Limits::kDispatchDepth; ++depth) {
      const auto& as_deep = of->at(depth);
      for (Worker* worker = as_deep.front(); worker != nullptr; worker = as_deep.After(worker))
        found.push_back(worker);
    }
  }
  return found;
}

void WorkerTeam::CheckInvariants(const std::vector<const Worker*>& all) const {
  Counts counts;
  std::map<const void*, size_t> lengths;  // of each list, as the workers stand
  int64_t cpu_units = 0;
  int with_room = 0;
  for (const Worker* worker : all) {
    TROUPE_CHECK(worker->standing == StandingOf(*worker), "a worker that its team has not updated");
    const size_t depth = worker->queue.size();
    const auto is = [&](Worker::State state) { return worker->state == state; };
    counts.starting += is(Worker::State::kStarting);
    counts.idle += is(Worker::State::kIdle);
    counts.busy += is(Worker::State::kBusy);
    counts.blocked += is(Worker::State::kBlocked);
    if (is(Worker::State::kIdle) && !worker->ending) ++lengths[&idle_];
    TROUPE_CHECK((worker->among != nullptr) == is(Worker::State::kBusy), "busy, and in no list");
    if (!is(Worker::State::kBusy)) continue;
    TROUPE_CHECK(worker->among == busy_.Find(worker->granted), "among those of another grant");
    cpu_units += CpuUnitsIn(worker->granted);
    with_room += HasRoom(worker->standing);
    const bool leaves = worker->ending || worker->retiring;
    ++lengths[&(leaves ? worker->among->leaving : worker->among->usable).at(depth)];
  }
  TROUPE_CHECK(counts == this->counts(), "worker counts that do not add up");
  TROUPE_CHECK(cpu_units == busy_cpu_units_, "CPUs of busy workers that do not add up");
  TROUPE_CHECK(with_room == with_room_, "busy workers with room that do not add up");
  CheckLists(lengths);
}

// Each list has as many workers as it should, and they are where they say they are.
void WorkerTeam::CheckLists(std::map<const void*, size_t> lengths) const {
  const auto check = [&](const auto& list, auto belongs) {
    size_t length = 0;
    const Worker* last = nullptr;
    for (const Worker* worker = list.front(); worker != nullptr; worker = list.After(worker)) {
      TROUPE_CHECK(belongs(*worker), "a worker in a list of others");
      ++length;
      last = worker;
    }
    TROUPE_CHECK(last == list.back(), "a list of workers with another end");
    TROUPE_CHECK(length == lengths[&list], "a list of workers that does not have all");
  };
  const auto as_deep = [](size_t depth) {
    return [depth](const Worker& worker) { return worker.queue.size() == depth; };
  };
  check(idle_, [](const Worker& worker) { return worker.state == Worker::State::kIdle; });
  TROUPE_CHECK(lengths[&idle_] == static_cast<size_t>(usable_idle_), "idle ones not counted");
  busy_.ForEach([&](const BusyOfShape& busy) {
    TROUPE_CHECK(std::count(deep_.begin(), deep_.end(), &busy) == (busy.is_deep() ? 1 : 0),
                 "a shape among the deep ones, and is none, or the other way round");
    for (size_t depth = 0; depth < decltype(busy.usable)::kDepths; ++depth) {
      check(busy.usable.at(depth), as_deep(depth));
      check(busy.leaving.at(depth), as_deep(depth));
    }
    TROUPE_CHECK(busy.usable.IsMarked() && busy.leaving.IsMarked(),
                 "depths at which there are workers, or none");
  });
}

}  // namespace troupe::scheduler
