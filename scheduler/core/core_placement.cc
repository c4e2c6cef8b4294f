// The part of Core that reserves placement groups, places tasks in them, and gives back what they
// had.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/small_bytes.h"
#include "core/base/string_view.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {
namespace {

absl::StatusOr<ResourceSet> AmountsOf(const wire::Bundle& bundle) {
  ResourceSet amounts(bundle.cpu_units);
  bool negative = bundle.cpu_units < 0;
  for (const auto& [name, units] : bundle.resources) {
    negative |= units < 0;
    if (IsOfBundle(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("a bundle asks for a resource named \"", name, "\""));
    }
    amounts.SetNamed(name, units);
  }
  if (negative || amounts == ResourceSet())
    return absl::InvalidArgumentError("a bundle of a placement group asks for nothing");
  return amounts;
}

}  // namespace

absl::Status Core::MakePlacementGroup(ClientId client, const wire::PlacementGroup& message) {
  const absl::StatusOr<Submitter> submitter = SubmitterOf(client);
  if (!submitter.ok()) return submitter.status();
  if (message.bundles.empty() || message.bundles.size() > Limits::kMaxBundles) {
    return absl::InvalidArgumentError(
        absl::StrCat("a placement group of ", message.bundles.size(), " bundles"));
  }
  PlacementGroup group;
  group.id = message.id;
  group.job = submitter->job;
  group.maker = client;
  group.name = std::string(message.name);
  group.ready =
      std::string(reinterpret_cast<const char*>(message.ready.data()), message.ready.size());
  for (const wire::Bundle& bundle : message.bundles) {
    absl::StatusOr<ResourceSet> amounts = AmountsOf(bundle);
    if (!amounts.ok()) return amounts.status();
    group.sum.Add(*amounts);
    group.bundles.push_back(*std::move(amounts));
  }
  if (absl::Status status = CreateObject(group.id, client); !status.ok()) return status;
  TROUPE_CHECK(objects_.Subscribe(group.id, client).ok(),
               "the maker of an object that holds no grant on it");
  history_.Add(now_nanos_, group.id, Step::kSubmitted);
  const bool apart = message.strategy == wire::PlacementStrategy::kStrictSpread;
  std::string lacking;
  if (apart && group.bundles.size() > 1) {
    lacking = absl::StrCat("its ", group.bundles.size(),
                           " bundles are to be on as many machines, and the cluster has one");
  } else if (!config_.total.Covers(group.sum)) {
    lacking = absl::StrCat("its bundles ask for ", group.sum.ToString(),
                           " together, and the cluster has only ", config_.total.ToString());
  }
  PlacementGroup& entered = placement_groups_[message.id];
  entered = std::move(group);
  if (!lacking.empty()) {
    Remove(&entered, ErrorKind::kInfeasible, lacking);
  } else {
    WaitForStart(entered.id, entered.job);
  }
  Settle();
  return absl::OkStatus();
}

absl::Status Core::RemovePlacementGroup(ClientId client, ObjectId id) {
  const auto it = placement_groups_.find(id);
  if (it == placement_groups_.end() || !objects_.HasGrant(id, client)) {
    return absl::PermissionDeniedError(
        absl::StrCat(ToString(client), " removes ", id.ToString(),
                     ", which is no placement group that it has a reference to"));
  }
  if (it->second.removed) return absl::OkStatus();
  Remove(&it->second, ErrorKind::kCancelled, "it was removed");
  for (const TaskId task_id : AwakeTasks([&](const Task& task) {
         return task.placement != nullptr && task.placement->group == id;
       })) {
    Task* const task = FindTask(task_id);
    if (task == nullptr) continue;  // it went with another one
    const ErrorInfo error = GroupRemoved(*task, it->second);
    if (task->kind != wire::TaskKind::kActorCreation) {
      StopTask(task, error, Ending::kNow);
    } else if (ActorRecord* actor = actors_.Get(task->actor); !actor->dead()) {
      KillActor(actor, DeathError(*actor, error.message, 0));
    }
  }
  Settle();
  return absl::OkStatus();
}

ErrorInfo Core::GroupRemoved(const Task& task, const PlacementGroup& group) {
  return task.MakeError(ErrorKind::kCancelled,
                        absl::StrCat("its placement group ", group.ToString(), " was removed"));
}

// Nothing more may run in it. What waits for it fails.
void Core::Remove(PlacementGroup* group, ErrorKind kind, std::string_view why) {
  group->removed = true;
  starts_looked_at_.reset();
  history_.Add(now_nanos_, group->id, Step::kGroupRemoved);
  if (group->reserved) ending_groups_.insert(group->id);
  const objectstore::Entry* entry = objects_.Find(group->id);
  if (entry == nullptr || !entry->pending()) return;
  const ErrorInfo error{
      .kind = kind,
      .message = absl::StrCat("placement group ", group->ToString(), ": ", ToAbsl(why)),
      .task = group->id.task()};
  ObjectResolved(group->id, objects_.Fail(group->id, std::make_shared<const ErrorInfo>(error)));
}

// The last reference is gone, and with it the last task in it.
void Core::FreePlacementGroup(ObjectId id) {
  const auto it = placement_groups_.find(id);
  if (it == placement_groups_.end()) return;
  if (!it->second.removed) Remove(&it->second, ErrorKind::kCancelled, "its last reference is gone");
  if (!it->second.reserved) placement_groups_.erase(it);
}

void Core::Reserve(PlacementGroup* group) {
  workers_.Exchange(group->sum, group->Given());
  group->reserved = true;
  history_.Add(now_nanos_, group->id, Step::kGroupReserved);
  use_.Add(group->id.client(), {0, group->ready.size()});
  const absl::StatusOr<objectstore::Subscribers> subscribers =
      objects_.Seal(group->maker, group->id, SmallBytes(std::exchange(group->ready, {})), {});
  TROUPE_CHECK(subscribers.ok(), "a placement group that is reserved twice");
  ObjectResolved(group->id, *subscribers);
}

// Of groups that were removed, when nobody is in them any more: an actor's process may take a while
// to die.
void Core::ReturnBundles() {
  std::erase_if(ending_groups_, [&](ObjectId id) {
    const auto it = placement_groups_.find(id);
    PlacementGroup& group = it->second;
    if (!workers_.free().Covers(group.Given())) return false;
    workers_.Exchange(group.Given(), group.sum);
    group.reserved = false;
    history_.Add(now_nanos_, id, Step::kGroupReturned);
    if (objects_.Find(id) == nullptr) placement_groups_.erase(it);
    return true;
  });
}

// Where in its group the task may run. An error: nowhere.
std::optional<ErrorInfo> Core::EnterBundle(Task* task) const {
  BundleChoice& choice = *task->placement;
  const PlacementGroup& group = placement_groups_.at(choice.group);
  const objectstore::Entry* entry = objects_.Find(choice.group);
  if (entry->failed()) return *entry->error();
  if (group.removed) return GroupRemoved(*task, group);
  if (choice.bundle > group.bundles.size()) {
    return task->MakeError(ErrorKind::kInvalidArgument,
                           absl::StrCat("it asks for bundle ", choice.bundle - 1,
                                        " of placement group ", group.ToString(), ", whose ",
                                        group.bundles.size(), " bundles are numbered from 0"));
  }
  std::string sizes;
  for (size_t i = 0; i < group.bundles.size(); ++i) {
    if (choice.bundle != 0 && choice.bundle != i + 1) continue;
    const ResourceSet& bundle = group.bundles[i];
    absl::StrAppend(&sizes, sizes.empty() ? "" : " or ", bundle.ToString());
    if (bundle.Covers(choice.asked)) choice.wants.push_back(InBundle(choice.asked, group.id, i));
  }
  if (choice.wants.empty()) {
    return task->MakeError(
        ErrorKind::kInfeasible,
        absl::StrCat(
            "it asks for ", choice.asked.ToString(), ", and ",
            choice.bundle == 0 ? "each bundle" : absl::StrCat("bundle ", choice.bundle - 1),
            " of its placement group ", group.ToString(), " has only ", sizes));
  }
  if (choice.asked == ResourceSet()) choice.wants.resize(1);
  choice.queued_as =
      choice.wants.size() == 1 ? choice.wants[0] : InAnyBundle(choice.asked, group.id);
  task->want = choice.queued_as;
  return std::nullopt;
}

}  // namespace troupe::scheduler
