// The part of Core that finds waits that can never end because they go round in a circle.
//
// Problem: a call that waits for a later call of its own actor waits for ever where that cannot
// begin before it has ended: the actor's only thread is blocked in the wait, or the actor has as
// many suspended calls as it may have, all of which wait so. The circle may be long, and go through
// tasks, arguments and other actors. A circle closes when somebody begins to wait; so that one is
// looked at, and its wait is refused where nothing that it waits for can come.
//
// What is not known counts as able to go on: what runs, a promise, which any thread may keep, which
// of the objects that a process with several threads waits for is whose. So no wait is refused that
// might end; what that lets pass is looked at again when the process stands still the next time.
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/fault/probe.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {

// Who waits for what, as far as it can be reached from one of them. Lives within one event.
class Core::WaitGraph {
 public:
  explicit WaitGraph(const Core& core) : core_(core) {}

  // True where the call may still come to its end, or the process's wait to its own.
  bool MayGoOn(const Task* call) { return MayGoOn(NodeOf(call)); }
  bool MayGoOn(const Worker* worker) { return MayGoOn(NodeOf(worker)); }

 private:
  static constexpr size_t kMaxNodes = 20'000;

  bool MayGoOn(size_t start) {
    for (size_t next = 0; next < nodes_.size(); ++next) {
      if (nodes_.size() > kMaxNodes) return true;  // nobody knows
      const Node& node = nodes_[next];
      if (node.group.has_value()) {
        LookAtGroup(next, *node.worker, *node.group);
      } else if (node.worker != nullptr) {
        LookAtProcess(next, *node.worker);
      } else {
        LookAtTask(next, *node.task);
      }
    }
    // What can go on lets others go on; the others are those that wait for one another.
    for (bool progress = true; progress && !nodes_[start].goes_on;) {
      progress = false;
      for (size_t i = nodes_.size(); i-- > 0;) {
        if (nodes_[i].goes_on || !Fulfilled(nodes_[i])) continue;
        nodes_[i].goes_on = progress = true;
      }
    }
    return nodes_[start].goes_on;
  }

  // So many of these must go on.
  struct Condition {
    size_t needed = 0;
    std::vector<size_t> nodes;
  };
  struct Node {
    const Task* task = nullptr;          // that it ends
    const Worker* worker = nullptr;      // that its wait does
    std::optional<uint32_t> group = {};  // that one of the worker's calls of this group ends
    std::vector<Condition> conditions = {};
    bool goes_on = false;
  };

  size_t Enter(const void* who, Node node) {
    const auto [it, inserted] = index_.emplace(who, nodes_.size());
    if (inserted) nodes_.push_back(std::move(node));
    return it->second;
  }
  size_t NodeOf(const Task* task) { return Enter(task, {.task = task}); }
  size_t NodeOf(const Worker* worker) { return Enter(worker, {.worker = worker}); }
  size_t NodeOf(const Worker* worker, uint32_t group) {
    return Enter(&worker->loads[group], {.worker = worker, .group = group});
  }

  bool Fulfilled(const Node& node) const {
    for (const Condition& condition : node.conditions) {
      size_t going = 0;
      for (const size_t other : condition.nodes) going += nodes_[other].goes_on;
      if (going < condition.needed) return false;
    }
    return true;
  }

  // So many of the objects must come. Those that come in any case, or are there, count.
  void NeedObjects(size_t node, const std::vector<ObjectId>& ids, size_t needed) {
    Condition condition{needed, {}};
    for (const ObjectId id : ids) {
      const std::optional<size_t> maker = MakerOf(id);
      if (maker.has_value()) {
        condition.nodes.push_back(*maker);
      } else if (--condition.needed == 0) {
        return;
      }
    }
    nodes_[node].conditions.push_back(std::move(condition));
  }
  void NeedArguments(size_t node, const Task& task) {
    if (task.missing == 0) return;
    std::vector<ObjectId> pending;
    for (const ObjectId id : task.dependencies) {
      if (core_.IsPending(id)) pending.push_back(id);
    }
    if (!pending.empty()) NeedObjects(node, pending, pending.size());
  }

  // Whose end brings the object; none where it is there, is a promise, or waits only for its turn.
  std::optional<size_t> MakerOf(ObjectId id) {
    if (!core_.IsPending(id)) return std::nullopt;
    const QueuedTask* task = core_.tasks_.Find(id.task());
    if (task == nullptr || task->parked) return std::nullopt;
    return NodeOf(static_cast<const Task*>(task));
  }

  const ActorRecord* ActorOf(const Worker& worker) const {
    return core_.actors_.Find(worker.actor);
  }
  // All the threads of the group have calls that wait in Get, so that none begins another one.
  bool HasNoThreadFree(const Worker& worker, uint32_t group) const {
    const ActorRecord* actor = ActorOf(worker);
    if (actor == nullptr || !worker.says_blocked) return false;
    uint32_t running = 0;
    for (const Task* task : worker.queue)
      running += task->group == group && !task->suspended && core_.HasBegun(*task);
    return running >= actor->groups[group].threads;
  }

  void LookAtProcess(size_t node, const Worker& worker) {
    if (worker.state != Worker::State::kBlocked || worker.wait_refused || worker.ending) return;
    // One of these is enough for it to go on, on some thread.
    std::vector<ObjectId> awaited;
    for (const Task* task : worker.queue) {
      if (worker.HoldsUp(*task)) continue;
      if (task->answered || task->wait_refused) return;
      if (task->suspended) awaited.push_back(task->awaits);
    }
    if (worker.is_actor() && !worker.says_blocked) return NeedObjects(node, awaited, 1);
    // Of a long list the node knows only a part.
    constexpr size_t kNamedAtLeast = 64;
    const std::vector<ObjectId>& ids = worker.waits_for;
    if (ids.size() >= kNamedAtLeast && worker.waits_needed < ids.size()) return;
    if (ids.empty() || worker.waits_needed == 0) return;
    const size_t needed = awaited.empty() ? worker.waits_needed : 1;
    awaited.insert(awaited.end(), ids.begin(), ids.end());
    NeedObjects(node, awaited, needed);
  }

  void LookAtTask(size_t node, const Task& task) {
    if (task.kind == wire::TaskKind::kActorCreation) return;
    if (task.worker != nullptr) return LookAtDispatched(node, task, *task.worker);
    NeedArguments(node, task);
    if (task.kind == wire::TaskKind::kActorCall) LookAtQueued(node, task);
  }

  void LookAtDispatched(size_t node, const Task& task, const Worker& worker) {
    if (worker.ending) return;
    if (!worker.HoldsUp(task) && (task.answered || task.wait_refused)) return;
    if (task.suspended && !task.answered && !task.wait_refused) NeedObjects(node, {task.awaits}, 1);
    if (worker.state != Worker::State::kBlocked) return;
    const bool process_waits = !worker.is_actor()     ? worker.queue.front() == &task
                               : task.suspended       ? worker.HoldsUp(task)
                               : core_.HasBegun(task) ? worker.says_blocked
                                                      : HasNoThreadFree(worker, task.group);
    if (process_waits) nodes_[node].conditions.push_back({1, {NodeOf(&worker)}});
  }

  // A call that its actor has not taken yet.
  void LookAtQueued(size_t node, const Task& call) {
    const ActorRecord& actor = *core_.actors_.Get(call.actor);
    if (actor.state != ActorRecord::State::kAlive) return;
    const auto queue = actor.queues.find({call.submitter(), call.group});
    if (queue != actor.queues.end()) {
      for (const Task* ahead : queue->second) {
        if (ahead == &call) break;
        NeedArguments(node, *ahead);
      }
    }
    const Worker* worker = core_.workers_.FindProcess(actor.process);
    if (worker == nullptr || worker->ending) return;
    if (HasNoThreadFree(*worker, call.group))
      nodes_[node].conditions.push_back({1, {NodeOf(worker)}});
    if (core_.IsFull(actor, *worker, call.group))
      nodes_[node].conditions.push_back({1, {NodeOf(worker, call.group)}});
  }

  void LookAtGroup(size_t node, const Worker& worker, uint32_t group) {
    Condition one{1, {}};
    for (const Task* call : worker.queue) {
      if (call->group == group) one.nodes.push_back(NodeOf(call));
    }
    nodes_[node].conditions.push_back(std::move(one));
  }

  const Core& core_;
  std::deque<Node> nodes_;
  absl::flat_hash_map<const void*, size_t> index_;
};

void Core::RefuseCircularWait(Task* call) {
  if (!call->suspended || call->answered || call->wait_refused) return;
  if (WaitGraph(*this).MayGoOn(call)) return;
  const ActorRecord& actor = *actors_.Get(call->actor);
  TROUPE_PROBE("core: a suspended call waits in a circle");
  RefuseSuspension(
      call, absl::StrCat("it waits for ", call->awaits.ToString(),
                         ", which can never come, since what makes that waits for it, or for other "
                         "calls that do: the actor ",
                         actor.type_name, " has ", call->worker->suspended,
                         " suspended calls, and takes at most ",
                         actor.MostCalls(call->group, config_.max_suspended_calls),
                         " of this kind; let fewer of them wait for one another"));
}

// Without an actor there is no circle: a task waits for what was submitted before.
void Core::RefuseCircularWait(Worker* worker) {
  if (actors_.size() == 0 || worker->state != Worker::State::kBlocked || worker->wait_refused ||
      worker->queue.empty()) {
    return;
  }
  if (WaitGraph(*this).MayGoOn(worker)) return;
  RefuseWait(worker,
             "what it waits for can never come, since that waits for this process: in an actor, "
             "co_await its own calls in a coroutine, instead of Get, or return the reference");
}

}  // namespace troupe::scheduler
