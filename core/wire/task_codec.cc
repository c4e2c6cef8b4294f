// Tasks and their arguments.
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/wire/codec.h"

namespace troupe::wire::internal {
namespace {

void Set(const Argument& a, schema::Argument::Builder b) {
  std::visit(Overload{[&](const Argument::Inline& i) {
                        b.setInline(ToKj(i.bytes));
                        SetIds(i.refs, [&](unsigned n) { return b.initRefs(n); });
                      },
                      [&](const ObjectId& id) { SetId(id, b.initObject()); },
                      [&](const Argument::Objects& ids) {
                        auto list = b.initObjects(static_cast<unsigned>(ids.size()));
                        for (unsigned k = 0; k < list.size(); ++k) SetId(ids[k], list[k]);
                      }},
             a.content);
}
Argument Get(schema::Argument::Reader r) {
  switch (r.which()) {
    case schema::Argument::INLINE:
      return {Argument::Inline{FromKj(r.getInline()), GetIds(r.getRefs())}};
    case schema::Argument::OBJECT:
      return {GetId(r.getObject())};
    case schema::Argument::OBJECTS:
      return {GetIds(r.getObjects())};
  }
  return {Argument::Inline{}};
}

}  // namespace

size_t Words(const Amounts& amounts) {
  size_t words = 2;
  for (const auto& [name, units] : amounts)
    words += WordsOf<schema::NamedAmount>() + WordsFor(name.size());
  return words;
}
Amounts GetAmounts(capnp::List<schema::NamedAmount>::Reader list) {
  Amounts amounts;
  amounts.reserve(CountOf(list));
  for (const auto amount : list) amounts.emplace_back(FromKj(amount.getName()), amount.getUnits());
  return amounts;
}

size_t Words(const TaskSpec& t) {
  size_t words = WordsOf<schema::TaskSpec>() + kSmall + WordsFor(t.name.size()) +
                 WordsFor(t.type_name.size()) + WordsFor(t.actor_name.size()) +
                 WordsFor(t.callable.size()) + WordsFor(t.function.size()) +
                 WordsFor(t.concurrency_group.size()) + Words(t.resources) +
                 Words(t.concurrency_groups);
  for (const Argument& a : t.arguments) {
    words += 8 + std::visit(
                     Overload{[](const Argument::Inline& i) {
                                return WordsFor(i.bytes.size()) + WordsForIds(i.refs.size());
                              },
                              [](const ObjectId&) { return size_t{4}; },
                              [](const Argument::Objects& ids) { return WordsForIds(ids.size()); }},
                     a.content);
  }
  return words;
}

void Set(const TaskSpec& t, schema::TaskSpec::Builder b) {
  b.setIdHi(t.id.hi());
  b.setIdLo(t.id.lo());
  b.setActorHi(t.actor.hi());
  b.setActorLo(t.actor.lo());
  b.setSequence(t.sequence);
  b.setEntry(t.entry);
  b.setCpuUnits(t.cpu_units);
  b.setNumReturns(t.num_returns);
  b.setMaxRetries(t.max_retries);
  b.setMaxRestarts(t.max_restarts);
  b.setPriority(t.priority);
  b.setDepth(t.depth);
  b.setKind(static_cast<uint16_t>(t.kind));
  b.setDetached(t.detached);
  b.setTimeoutNanos(t.timeout_nanos);
  b.setGraceNanos(t.grace_nanos);
  b.setParentHi(t.parent.hi());
  b.setParentLo(t.parent.lo());
  b.setRetryOn(t.retry_on);
  b.setMaxCalls(t.max_calls);
  b.setMaxTaskRetries(t.max_task_retries);
  b.setMaxPendingCalls(t.max_pending_calls);
  b.setCheckpointEvery(t.checkpoint_every);
  b.setMaxConcurrency(t.max_concurrency);
  SetText(t.concurrency_group, [&](unsigned n) { return b.initConcurrencyGroup(n); });
  b.setPlacementHi(t.placement.group.hi());
  b.setPlacementLo(t.placement.group.lo());
  b.setBundle(t.placement.bundle);
  SetText(t.name, [&](unsigned n) { return b.initName(n); });
  SetText(t.type_name, [&](unsigned n) { return b.initTypeName(n); });
  SetText(t.actor_name, [&](unsigned n) { return b.initActorName(n); });
  if (!t.callable.empty()) b.setCallable(ToKj(t.callable));
  SetText(t.function, [&](unsigned n) { return b.initFunction(n); });
  b.setStreamWindow(t.stream_window);
  if (!t.arguments.empty()) {
    auto list = b.initArguments(static_cast<unsigned>(t.arguments.size()));
    for (unsigned i = 0; i < list.size(); ++i) Set(t.arguments[i], list[i]);
  }
  SetAmounts(t.resources, [&](unsigned n) { return b.initResources(n); });
  SetAmounts(t.concurrency_groups, [&](unsigned n) { return b.initConcurrencyGroups(n); });
}

absl::Status Get(schema::TaskSpec::Reader r, TaskSpec* task) {
  if (r.getKind() > static_cast<uint16_t>(TaskKind::kActorCall)) {
    return absl::InvalidArgumentError(absl::StrCat("unknown kind of task ", r.getKind()));
  }
  TaskSpec& t = *task;
  t.id = TaskId(r.getIdHi(), r.getIdLo());
  t.kind = TaskKind(r.getKind());
  t.entry = r.getEntry();
  t.actor = ActorId(r.getActorHi(), r.getActorLo());
  t.sequence = r.getSequence();
  t.cpu_units = r.getCpuUnits();
  t.num_returns = r.getNumReturns();
  t.max_retries = r.getMaxRetries();
  t.max_restarts = r.getMaxRestarts();
  t.priority = r.getPriority();
  t.depth = r.getDepth();
  t.detached = r.getDetached();
  t.timeout_nanos = r.getTimeoutNanos();
  t.grace_nanos = r.getGraceNanos();
  t.parent = TaskId(r.getParentHi(), r.getParentLo());
  t.retry_on = r.getRetryOn();
  t.max_calls = r.getMaxCalls();
  t.max_task_retries = r.getMaxTaskRetries();
  t.max_pending_calls = r.getMaxPendingCalls();
  t.checkpoint_every = r.getCheckpointEvery();
  t.max_concurrency = r.getMaxConcurrency();
  t.concurrency_groups = GetAmounts(r.getConcurrencyGroups());
  t.concurrency_group = FromKj(r.getConcurrencyGroup());
  t.placement = {ObjectId(r.getPlacementHi(), r.getPlacementLo()), r.getBundle()};
  t.name = FromKj(r.getName());
  t.type_name = FromKj(r.getTypeName());
  t.actor_name = FromKj(r.getActorName());
  t.callable = FromKj(r.getCallable());
  t.function = FromKj(r.getFunction());
  t.stream_window = r.getStreamWindow();
  const auto arguments = r.getArguments();
  t.arguments.reserve(CountOf(arguments));
  for (const auto a : arguments) t.arguments.push_back(Get(a));
  t.resources = GetAmounts(r.getResources());
  return absl::OkStatus();
}

}  // namespace troupe::wire::internal
