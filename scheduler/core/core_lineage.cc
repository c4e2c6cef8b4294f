// The part of Core that makes lost objects again: it runs their tasks again, and first those that
// made what these take and what was freed meanwhile.
//
// A task that runs again is a task like others: it has the next attempt's number and takes one of
// its retries, its timeout counts anew, it can be cancelled by each of its results. It makes only
// what was lost; who waits for that gets it, as if it had not been there before. Nothing begins
// unless everything that is needed can be made.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/small_bytes.h"
#include "core/base/string_view.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {

// What is to run again, and what it makes; or why that cannot be.
struct Core::RebuildPlan {
  std::vector<ObjectId> missing;  // the lost object, and those that were freed and are needed
  std::vector<std::unique_ptr<Task>> tasks;
  std::string hindrance;
};

// Of a task whose results were recorded; what it takes is still held.
void Core::KeepLineage(const Task& task) {
  using Standing = Lineage::Standing;
  if (task.stream_window > 0) return;
  if (task.kind == wire::TaskKind::kActorCall) return lineage_.Refuse(task, Standing::kCallOfActor);
  if (!lineage_.can_keep() || task.retries_left == 0)
    return lineage_.Refuse(task, Standing::kNoRetries);
  std::vector<TaskId> needs;
  std::vector<Lineage::Value> values;
  for (const auto* ids : {&task.dependencies, &task.inner_refs}) {
    for (const ObjectId id : *ids) {
      const objectstore::Entry* entry = objects_.Find(id);
      const auto* bytes = std::get_if<SmallBytes>(&entry->content());
      if (bytes != nullptr && entry->contained().empty()) {
        values.push_back({id, bytes->size()});
      } else if (id.task() != task.id &&
                 (lineage_.Knows(id.task()) || tasks_.Find(id.task()) != nullptr)) {
        needs.push_back(id.task());
      }
    }
  }
  lineage_.Keep(task, std::move(needs), values);
  for (const ObjectId id : lineage_.TakeKept()) objects_.Hold(id);
}

// The bytes of the object are gone. Who wants them is told when it is there again, or that it
// cannot be made again.
void Core::LoseObject(ObjectId id, std::string_view why, const std::string& maker,
                      const std::vector<ClientId>& wanted_by) {
  RebuildPlan plan = PlanRebuild(id);
  if (plan.hindrance.empty()) {
    Rebuild(std::move(plan), wanted_by);
    return;
  }
  objects_.Lose(id, std::make_shared<const ErrorInfo>(ErrorInfo{
                        .kind = ErrorKind::kObjectLost,
                        .message = absl::StrCat(id.ToString(), ", made by ", maker,
                                                ", is lost: ", ToAbsl(why), "; ", plan.hindrance),
                        .origin = maker}));
  for (const ClientId client : wanted_by) Act(SendReady{client, id});
}

Core::RebuildPlan Core::PlanRebuild(ObjectId lost) const {
  RebuildPlan plan;
  plan.missing = {lost};
  absl::flat_hash_set<ObjectId> found = {lost};
  absl::flat_hash_set<TaskId> planned;
  for (size_t i = 0; i < plan.missing.size(); ++i) {
    const ObjectId id = plan.missing[i];
    if (planned.contains(id.task())) continue;
    const QueuedTask* running = tasks_.Find(id.task());
    const Lineage::Record* record = lineage_.Find(id.task());
    if (running != nullptr && !running->parked && static_cast<const Task*>(running)->runs_again() &&
        !static_cast<const Task*>(running)->answered) {
      continue;
    }
    if (record == nullptr) {
      plan.hindrance =
          absl::StrCat(i == 0 ? ""
                              : absl::StrCat(id.ToString(),
                                             ", which is needed to make it again, was freed, "
                                             "and "),
                       WhyNotMadeAgain(id));
      return plan;
    }
    std::unique_ptr<Task> task = lineage_.Awake(*record);
    if (task->placement != nullptr && !placement_groups_.contains(task->placement->group)) {
      plan.hindrance =
          absl::StrCat("the placement group of its task, ", Describe(*task), ", is gone");
      return plan;
    }
    for (const auto* ids : {&task->dependencies, &task->inner_refs}) {
      for (const ObjectId taken : *ids) {
        if (objects_.Find(taken) == nullptr && found.insert(taken).second)
          plan.missing.push_back(taken);
      }
    }
    planned.insert(task->id);
    plan.tasks.push_back(std::move(task));
  }
  return plan;
}

std::string Core::WhyNotMadeAgain(ObjectId id) const {
  switch (lineage_.StandingOf(id.task())) {
    case Lineage::Standing::kCallOfActor:
      return "a call of an actor made it, which is not repeated";
    case Lineage::Standing::kNoRetries:
      return "its task may not run again: none of its max_retries is left";
    case Lineage::Standing::kDropped:
      return absl::StrCat("how it was made was forgotten: the node remembers at most ",
                          FormatBytes(static_cast<int64_t>(config_.max_lineage_bytes)),
                          " of lineage");
    case Lineage::Standing::kFailed:
    case Lineage::Standing::kRunsAgain:
      return "its task has run again, and did not end well";
    case Lineage::Standing::kJobEnded:
      return "its driver has ended";
    case Lineage::Standing::kUnknown:
    case Lineage::Standing::kKept:
      break;
  }
  return id.index() == 0 ? "no task has made it: a value that was Put cannot be made again"
                         : "an item of a stream cannot be made again";
}

void Core::Rebuild(RebuildPlan plan, const std::vector<ClientId>& wanted_by) {
  absl::flat_hash_map<TaskId, Task*> makers;
  for (const auto& task : plan.tasks) makers.emplace(task->id, task.get());
  for (const ObjectId id : plan.missing) {
    const auto planned = makers.find(id.task());
    Task* const maker = planned != makers.end() ? planned->second : FindTask(id.task());
    maker->lost_results.push_back(id.index());
    if (objects_.Find(id) != nullptr) {
      objects_.Hold(id);
    } else {
      objects_.Revive(id);
      use_.Add(id.client(), {1, 0});
      lineage_.ResultRevived(id.task());
    }
  }
  std::vector<TaskId> entered;
  for (std::unique_ptr<Task>& owned : plan.tasks) {
    Task* const task = tasks_.Insert(std::move(owned));
    if (task->retries_left > 0) --task->retries_left;
    queued_bytes_ += task->spec.size();
    use_.Add(task->submitter(), {0, task->spec.size()});
    ++reruns_;
    for (const ObjectId id : task->dependencies) objects_.Hold(id);
    for (const ObjectId id : task->inner_refs) objects_.Hold(id);
    if (task->placement != nullptr) objects_.Hold(task->placement->group);
    lineage_.RunAgain(task->id);
    entered.push_back(task->id);
  }
  // Not before: what only the lost value had a reference to may be needed to make it again.
  const ObjectId lost = plan.missing.front();
  const objectstore::Entry& entry = *objects_.Find(lost);
  use_.Subtract(lost.client(), {0, InlineBytes(entry.content(), entry.contained().size())});
  objects_.Reopen(lost, wanted_by);
  for (const TaskId id : entered) {
    Task* const task = FindTask(id);
    history_.Add(now_nanos_, id.Result(0), Step::kRunsAgain, ProcessId::kNone,
                 static_cast<uint32_t>(task->lost_results.size()));
    const int64_t timeout = config_.codec->Read(task->spec.bytes()).timeout_nanos;
    if (timeout > 0 && timeout < kFarNanos) {
      task->deadline_nanos = now_nanos_ + timeout;
      SetTimer(task, TaskTimer::kDeadline, task->deadline_nanos);
    }
    Admit(task);
  }
  RaiseForWaiting(lost);
}

// Those that began to wait when it was there made it no more urgent.
void Core::RaiseForWaiting(ObjectId id) {
  std::vector<int32_t> priorities;
  workers_.ForEach([&](const Worker& worker) {
    const auto& ids = worker.waits_for;
    if (!worker.queue.empty() && std::find(ids.begin(), ids.end(), id) != ids.end() &&
        jobs_.at(worker.job).priorities_differ) {
      priorities.push_back(worker.queue.front()->priority);
    }
  });
  for (const int32_t priority : priorities) {
    if (Task* maker = MakerOf(id)) Raise(maker, priority);
  }
}

// It is done, and `lineage_` has it again, where it may run once more.
void Core::EndRerun(const Task& task) {
  --reruns_;
  if (lineage_.StandingOf(task.id) == Lineage::Standing::kRunsAgain)
    lineage_.Refuse(task, Lineage::Standing::kFailed);
}

// Of a ready task, where what it takes is being made again; true where it waits for that now.
bool Core::WaitForRebuilt(Task* task) {
  const auto pending = [&](ObjectId id) { return IsPending(id); };
  if (std::none_of(task->dependencies.begin(), task->dependencies.end(), pending)) return false;
  jobs_.at(task->job).ready.Remove(task);
  task->state = Task::State::kWaiting;
  for (const ObjectId id : task->dependencies) {
    if (pending(id)) WaitForArgument(task, id);
  }
  return true;
}

void Core::CheckLineage() const {
  lineage_.CheckInvariants();
  TROUPE_CHECK(lineage_.bytes() <= config_.max_lineage_bytes, "more lineage than there may be");
  absl::flat_hash_map<TaskId, uint32_t> results;
  lineage_.ForEachTask([&](TaskId id, Lineage::Standing standing, uint32_t there, uint32_t) {
    const QueuedTask* task = tasks_.Find(id);
    const bool runs_again =
        task != nullptr && !task->parked && static_cast<const Task*>(task)->runs_again();
    TROUPE_CHECK(runs_again == (standing == Lineage::Standing::kRunsAgain),
                 "a task that runs again and does not, or does not and does");
    if (standing == Lineage::Standing::kKept) {
      const auto job = jobs_.find(lineage_.Find(id)->task->job);
      TROUPE_CHECK(job != jobs_.end() && !job->second.ended, "lineage of a job that has ended");
    }
    if (standing != Lineage::Standing::kUnknown) results.emplace(id, there);
  });
  objects_.ForEach([&](const objectstore::Entry& entry) {
    const auto of = results.find(entry.id.task());
    if (of != results.end()) --of->second;
  });
  for (const auto& [id, there] : results)
    TROUPE_CHECK(there == 0, "results of a task that are known and not there, or not known");
  lineage_.ForEachValue([&](ObjectId id, uint64_t bytes) {
    const objectstore::Entry* entry = objects_.Find(id);
    const auto* content = entry == nullptr ? nullptr : std::get_if<SmallBytes>(&entry->content());
    const bool given_up = entry != nullptr && entry->failed();  // by Free
    TROUPE_CHECK(
        (given_up || (content != nullptr && content->size() == bytes)) && entry->holds() > 0,
        "a value that is kept and is not there");
  });
  size_t reruns = 0;
  tasks_.ForEach([&](const QueuedTask& queued) {
    if (queued.parked) return;
    const Task& task = static_cast<const Task&>(queued);
    if (!task.runs_again()) return;
    ++reruns;
    task.ForEachResult([&](ObjectId id) {
      const objectstore::Entry* entry = objects_.Find(id);
      TROUPE_CHECK(entry != nullptr && entry->pending() != task.answered,
                   "a task that makes again what is there, or nobody needs");
    });
  });
  TROUPE_CHECK(reruns == reruns_, "tasks that run again that do not add up");
}

}  // namespace troupe::scheduler
