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

namespace {

// Whether the parts that most tasks do not have say anything.
bool HasOptions(const TaskSpec& t) {
  return t.timeout_nanos != 0 || t.retry_on != 0 || t.placement.group != ObjectId() ||
         t.placement.bundle != 0 || t.max_calls != 0 || t.stream_window != 0 ||
         !t.function.empty() || !t.resources.empty();
}
bool HasCall(const TaskSpec& t) {
  return t.actor != ActorId() || t.sequence != 0 || !t.concurrency_group.empty();
}
bool HasCreation(const TaskSpec& t) {
  return t.max_restarts != 0 || t.max_task_retries != 0 || t.max_pending_calls != 0 ||
         t.checkpoint_every != 0 || t.max_concurrency != 1 || t.detached || !t.type_name.empty() ||
         !t.actor_name.empty() || !t.concurrency_groups.empty();
}

void SetOptions(const TaskSpec& t, schema::TaskOptions::Builder b) {
  b.setTimeoutNanos(t.timeout_nanos);
  b.setRetryOn(t.retry_on);
  b.setPlacementHi(t.placement.group.hi());
  b.setPlacementLo(t.placement.group.lo());
  b.setBundle(t.placement.bundle);
  b.setMaxCalls(t.max_calls);
  b.setStreamWindow(t.stream_window);
  SetText(t.function, [&](unsigned n) { return b.initFunction(n); });
  SetAmounts(t.resources, [&](unsigned n) { return b.initResources(n); });
}
void GetOptions(schema::TaskOptions::Reader r, TaskSpec& t) {
  t.timeout_nanos = r.getTimeoutNanos();
  t.retry_on = r.getRetryOn();
  t.placement = {ObjectId(r.getPlacementHi(), r.getPlacementLo()), r.getBundle()};
  t.max_calls = r.getMaxCalls();
  t.stream_window = r.getStreamWindow();
  t.function = FromKj(r.getFunction());
  t.resources = GetAmounts(r.getResources());
}

void SetCall(const TaskSpec& t, schema::ActorCall::Builder b) {
  b.setActorHi(t.actor.hi());
  b.setActorLo(t.actor.lo());
  b.setSequence(t.sequence);
  SetText(t.concurrency_group, [&](unsigned n) { return b.initConcurrencyGroup(n); });
}
void GetCall(schema::ActorCall::Reader r, TaskSpec& t) {
  t.actor = ActorId(r.getActorHi(), r.getActorLo());
  t.sequence = r.getSequence();
  t.concurrency_group = FromKj(r.getConcurrencyGroup());
}

void SetCreation(const TaskSpec& t, schema::ActorCreation::Builder b) {
  b.setMaxRestarts(t.max_restarts);
  b.setMaxTaskRetries(t.max_task_retries);
  b.setMaxPendingCalls(t.max_pending_calls);
  b.setCheckpointEvery(t.checkpoint_every);
  b.setMaxConcurrency(t.max_concurrency);
  b.setDetached(t.detached);
  SetText(t.type_name, [&](unsigned n) { return b.initTypeName(n); });
  SetText(t.actor_name, [&](unsigned n) { return b.initActorName(n); });
  SetAmounts(t.concurrency_groups, [&](unsigned n) { return b.initConcurrencyGroups(n); });
}
void GetCreation(schema::ActorCreation::Reader r, TaskSpec& t) {
  t.max_restarts = r.getMaxRestarts();
  t.max_task_retries = r.getMaxTaskRetries();
  t.max_pending_calls = r.getMaxPendingCalls();
  t.checkpoint_every = r.getCheckpointEvery();
  t.max_concurrency = r.getMaxConcurrency();
  t.detached = r.getDetached();
  t.type_name = FromKj(r.getTypeName());
  t.actor_name = FromKj(r.getActorName());
  t.concurrency_groups = GetAmounts(r.getConcurrencyGroups());
}

}  // namespace

size_t Words(const TaskSpec& t) {
  size_t words =
      WordsOf<schema::TaskSpec>() + WordsFor(t.name.size()) + WordsFor(t.callable.size()) + 2;
  for (const Argument& a : t.arguments) {
    words +=
        WordsOf<schema::Argument>() +
        std::visit(Overload{[](const Argument::Inline& i) {
                              return WordsFor(i.bytes.size()) + WordsForIds(i.refs.size());
                            },
                            [](const ObjectId&) { return size_t{2}; },
                            [](const Argument::Objects& ids) { return WordsForIds(ids.size()); }},
                   a.content);
  }
  if (HasOptions(t))
    words += WordsOf<schema::TaskOptions>() + WordsFor(t.function.size()) + Words(t.resources);
  if (HasCall(t)) words += WordsOf<schema::ActorCall>() + WordsFor(t.concurrency_group.size());
  if (HasCreation(t)) {
    words += WordsOf<schema::ActorCreation>() + WordsFor(t.type_name.size()) +
             WordsFor(t.actor_name.size()) + Words(t.concurrency_groups);
  }
  return words;
}

void Set(const TaskSpec& t, schema::TaskSpec::Builder b) {
  b.setIdHi(t.id.hi());
  b.setIdLo(t.id.lo());
  b.setEntry(t.entry);
  b.setCpuUnits(t.cpu_units);
  b.setGraceNanos(t.grace_nanos);
  b.setParentHi(t.caller.task.hi());
  b.setParentLo(t.caller.task.lo());
  b.setNumReturns(t.num_returns);
  b.setMaxRetries(t.max_retries);
  b.setPriority(t.priority);
  b.setDepth(t.depth);
  b.setKind(static_cast<uint16_t>(t.kind));
  b.setSiteFile(t.caller.site_file);
  b.setSiteLine(t.caller.site_line);
  SetText(t.name, [&](unsigned n) { return b.initName(n); });
  if (!t.callable.empty()) b.setCallable(ToKj(t.callable));
  if (!t.arguments.empty()) {
    auto list = b.initArguments(static_cast<unsigned>(t.arguments.size()));
    for (unsigned i = 0; i < list.size(); ++i) Set(t.arguments[i], list[i]);
  }
  if (HasOptions(t)) SetOptions(t, b.initOptions());
  if (HasCall(t)) SetCall(t, b.initCall());
  if (HasCreation(t)) SetCreation(t, b.initCreation());
}

absl::Status Get(schema::TaskSpec::Reader r, TaskSpec* task) {
  if (r.getKind() > static_cast<uint16_t>(TaskKind::kActorCall)) {
    return absl::InvalidArgumentError(absl::StrCat("unknown kind of task ", r.getKind()));
  }
  TaskSpec& t = *task;
  t.id = TaskId(r.getIdHi(), r.getIdLo());
  t.entry = r.getEntry();
  t.cpu_units = r.getCpuUnits();
  t.grace_nanos = r.getGraceNanos();
  t.caller.task = TaskId(r.getParentHi(), r.getParentLo());
  t.num_returns = r.getNumReturns();
  t.max_retries = r.getMaxRetries();
  t.priority = r.getPriority();
  t.depth = r.getDepth();
  t.kind = TaskKind(r.getKind());
  t.caller.site_file = r.getSiteFile();
  t.caller.site_line = r.getSiteLine();
  t.name = FromKj(r.getName());
  t.callable = FromKj(r.getCallable());
  const auto arguments = r.getArguments();
  t.arguments.reserve(CountOf(arguments));
  for (const auto a : arguments) t.arguments.push_back(Get(a));
  if (r.hasOptions()) GetOptions(r.getOptions(), t);
  if (r.hasCall()) GetCall(r.getCall(), t);
  if (r.hasCreation()) GetCreation(r.getCreation(), t);
  return absl::OkStatus();
}

}  // namespace troupe::wire::internal
