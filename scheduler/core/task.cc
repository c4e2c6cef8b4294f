#include "scheduler/core/task.h"

#include <variant>

namespace troupe::scheduler {

void Task::Fill(const wire::TaskSpec& of) {
  id = of.id;
  kind = of.kind;
  name = of.name;
  actor = of.kind == wire::TaskKind::kActorCreation ? of.id.Result(0) : of.actor;
  num_returns = of.num_returns;
  stream_window = of.stream_window;
  want = ResourceSet(of.cpu_units);
  for (const auto& [resource, units] : of.resources) want.SetNamed(resource, units);
  if (!of.placement.group.is_null()) {
    placement = std::make_unique<BundleChoice>();
    placement->group = of.placement.group;
    placement->bundle = of.placement.bundle;
    placement->asked = want;
  }
  retries_left = of.max_retries;
  priority = of.priority;
  depth = of.depth;
  entry = of.entry;
  max_calls = of.kind == wire::TaskKind::kTask ? of.max_calls : 0;
  may_retry = of.kind == wire::TaskKind::kTask && of.retry_on != 0;
  grace_nanos = of.grace_nanos;
  for (const wire::Argument& argument : of.arguments) {
    if (const auto* value = std::get_if<wire::Argument::Inline>(&argument.content)) {
      if (!value->refs.empty())
        inner_refs.insert(inner_refs.end(), value->refs.begin(), value->refs.end());
    } else if (const auto* object = std::get_if<ObjectId>(&argument.content)) {
      dependencies.push_back(*object);
    } else {
      const auto& objects = std::get<wire::Argument::Objects>(argument.content);
      dependencies.insert(dependencies.end(), objects.begin(), objects.end());
    }
  }
}

bool Task::CanPark() const {
  return kind == wire::TaskKind::kTask && state == State::kReady && generation == 0 &&
         failures == 0 && placement == nullptr && stream_window == 0 && deadline_nanos == kNever &&
         parent == nullptr && first_child == nullptr && !runs_again();
}

}  // namespace troupe::scheduler
