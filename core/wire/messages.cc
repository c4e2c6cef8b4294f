#include "core/wire/messages.h"

#include <algorithm>

#include "core/wire/codec.h"

namespace troupe::wire {
namespace internal {
namespace {

template <typename... F>
struct Overload : F... {
  using F::operator()...;
};
template <typename... F>
Overload(F...) -> Overload<F...>;

// Bounds, in words. A struct inside a list takes its own words plus the list's tag.
constexpr size_t kSmall = 24;

size_t Words(const ErrorInfo& e) {
  return kSmall + WordsFor(e.message.size()) + WordsFor(e.exception_type.size()) +
         WordsFor(e.origin.size()) + WordsFor(e.payload.size());
}
size_t Words(const Value& v) {
  return kSmall + WordsForIds(v.refs.size()) +
         std::visit(Overload{[](Bytes bytes) { return WordsFor(bytes.size()); },
                             [](const Location&) { return size_t{4}; },
                             [](const ErrorInfo& e) { return Words(e); },
                             [](Pending) { return size_t{0}; }, [](Away) { return size_t{0}; }},
                    v.content);
}
size_t Words(const std::vector<ReadyValue>& values) {
  size_t words = 2;
  for (const ReadyValue& v : values) words += 4 + Words(v.value);
  return words;
}
size_t Words(const TaskSpec& t) {
  size_t words = 2 * kSmall + WordsFor(t.name.size()) + WordsFor(t.type_name.size()) +
                 WordsFor(t.actor_name.size()) + WordsFor(t.callable.size()) +
                 WordsFor(t.function.size());
  for (const Argument& a : t.arguments) {
    words += 8 + std::visit(
                     Overload{[](const Argument::Inline& i) {
                                return WordsFor(i.bytes.size()) + WordsForIds(i.refs.size());
                              },
                              [](const ObjectId&) { return size_t{4}; },
                              [](const Argument::Objects& ids) { return WordsForIds(ids.size()); }},
                     a.content);
  }
  for (const auto& [name, units] : t.resources) words += 4 + WordsFor(name.size());
  return words;
}

void Set(const ErrorInfo& e, schema::Error::Builder b) {
  b.setTaskHi(e.task.hi());
  b.setTaskLo(e.task.lo());
  b.setAttempt(e.attempt);
  b.setPid(e.pid);
  b.setKind(static_cast<uint16_t>(e.kind));
  SetText(e.message, [&](unsigned n) { return b.initMessage(n); });
  SetText(e.exception_type, [&](unsigned n) { return b.initExceptionType(n); });
  SetText(e.origin, [&](unsigned n) { return b.initOrigin(n); });
  if (!e.payload.empty()) {
    b.setPayload(ToKj(std::as_bytes(std::span(e.payload.data(), e.payload.size()))));
  }
}
ErrorInfo Get(schema::Error::Reader r) {
  ErrorInfo e;
  e.kind = r.getKind() < kErrorKinds ? ErrorKind(r.getKind()) : ErrorKind::kInternal;
  e.message = FromKj(r.getMessage());
  e.exception_type = FromKj(r.getExceptionType());
  e.origin = FromKj(r.getOrigin());
  const Bytes payload = FromKj(r.getPayload());
  e.payload.assign(reinterpret_cast<const char*>(payload.data()), payload.size());
  e.task = TaskId(r.getTaskHi(), r.getTaskLo());
  e.attempt = r.getAttempt();
  e.pid = r.getPid();
  return e;
}

void Set(const Location& l, schema::Location::Builder b) {
  b.setChunk(static_cast<uint32_t>(l.chunk));
  b.setOffset(l.offset);
  b.setSize(l.size);
}
Location Get(schema::Location::Reader r) {
  return {.chunk = ChunkId(r.getChunk()), .offset = r.getOffset(), .size = r.getSize()};
}

void Set(const Value& v, schema::Value::Builder b) {
  std::visit(Overload{[&](Bytes bytes) { b.setInline(ToKj(bytes)); },
                      [&](const Location& l) { Set(l, b.initStored()); },
                      [&](const ErrorInfo& e) { Set(e, b.initError()); },
                      [&](Pending) { b.setPending(); }, [&](Away) { b.setAway(); }},
             v.content);
  SetIds(v.refs, [&](unsigned n) { return b.initRefs(n); });
}
Value Get(schema::Value::Reader r) {
  Value v;
  switch (r.which()) {
    case schema::Value::INLINE:
      v.content = FromKj(r.getInline());
      break;
    case schema::Value::STORED:
      v.content = Get(r.getStored());
      break;
    case schema::Value::ERROR:
      v.content = Get(r.getError());
      break;
    case schema::Value::PENDING:
      v.content = Pending{};
      break;
    case schema::Value::AWAY:
      v.content = Away{};
      break;
  }
  v.refs = GetIds(r.getRefs());
  return v;
}

template <typename InitList>
void SetReady(const std::vector<ReadyValue>& values, InitList init) {
  auto list = init(static_cast<unsigned>(values.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setHi(values[i].id.hi());
    list[i].setLo(values[i].id.lo());
    Set(values[i].value, list[i].initValue());
  }
}
std::vector<ReadyValue> GetReady(capnp::List<schema::Ready>::Reader list) {
  std::vector<ReadyValue> values;
  values.reserve(CountOf(list));
  for (const auto r : list) values.push_back({ObjectId(r.getHi(), r.getLo()), Get(r.getValue())});
  return values;
}

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

template <typename Init>
void SetAmounts(const std::vector<std::pair<std::string, int64_t>>& amounts, Init init) {
  if (amounts.empty()) return;
  auto list = init(static_cast<unsigned>(amounts.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    SetText(amounts[i].first, [&](unsigned n) { return list[i].initName(n); });
    list[i].setUnits(amounts[i].second);
  }
}
std::vector<std::pair<std::string, int64_t>> GetAmounts(
    capnp::List<schema::NamedAmount>::Reader list) {
  std::vector<std::pair<std::string, int64_t>> amounts;
  amounts.reserve(CountOf(list));
  for (const auto amount : list) amounts.emplace_back(FromKj(amount.getName()), amount.getUnits());
  return amounts;
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
absl::StatusOr<TaskSpec> Get(schema::TaskSpec::Reader r) {
  if (r.getKind() > static_cast<uint16_t>(TaskKind::kActorCall)) {
    return absl::InvalidArgumentError(absl::StrCat("unknown kind of task ", r.getKind()));
  }
  TaskSpec t;
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
  return t;
}

void Set(const StreamDemand& m, schema::StreamDemand::Builder b) {
  b.setTaskHi(m.task.hi());
  b.setTaskLo(m.task.lo());
  b.setConsumed(m.consumed);
  b.setStopped(m.stopped);
}
StreamDemand Get(schema::StreamDemand::Reader r) {
  return {TaskId(r.getTaskHi(), r.getTaskLo()), r.getConsumed(), r.getStopped()};
}
template <typename InitList>
void SetPins(const std::vector<Pin>& pins, InitList init) {
  if (pins.empty()) return;
  auto list = init(static_cast<unsigned>(pins.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setHi(pins[i].id.hi());
    list[i].setLo(pins[i].id.lo());
    list[i].setSerial(pins[i].serial);
  }
}
std::vector<Pin> GetPins(capnp::List<schema::Pin>::Reader list) {
  std::vector<Pin> pins;
  pins.reserve(CountOf(list));
  for (const auto r : list) pins.push_back({ObjectId(r.getHi(), r.getLo()), r.getSerial()});
  return pins;
}
size_t WordsForPins(size_t count) { return 2 + 3 * count; }

struct SetClientMessage {
  schema::ClientMessage::Builder b;

  void operator()(const TaskSpec& t) { Set(t, b.initSubmit()); }
  void operator()(const Seal& m) {
    auto g = b.initSeal();
    g.setHi(m.id.hi());
    g.setLo(m.id.lo());
    Set(m.value, g.initValue());
  }
  void operator()(const Complete& m) {
    auto g = b.initComplete();
    g.setTaskHi(m.task.hi());
    g.setTaskLo(m.task.lo());
    g.setAttempt(m.attempt);
    g.setSlot(m.slot);
    g.setRetry(m.retry);
    auto list = g.initResults(static_cast<unsigned>(m.results.size()));
    for (unsigned i = 0; i < list.size(); ++i) Set(m.results[i], list[i]);
  }
  void operator()(const Subscribe& m) {
    auto list = b.initSubscribe(static_cast<unsigned>(m.ids.size()));
    for (unsigned i = 0; i < list.size(); ++i) SetId(m.ids[i], list[i]);
  }
  void operator()(const Release& m) {
    auto list = b.initRelease(static_cast<unsigned>(m.grants.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setHi(m.grants[i].id.hi());
      list[i].setLo(m.grants[i].id.lo());
      list[i].setCount(m.grants[i].count);
    }
  }
  void operator()(const Claim& m) {
    auto g = b.initClaim();
    g.setHi(m.container.hi());
    g.setLo(m.container.lo());
    g.setFirst(m.first);
    g.setCount(m.count);
  }
  void operator()(const LeaseRequest& m) { b.setLease(m.bytes); }
  void operator()(const ReturnLease& m) { Set(m.unused, b.initReturnLease()); }
  void operator()(const Blocked& m) {
    auto g = b.initBlocked();
    SetIds(m.ids, [&](unsigned n) { return g.initIds(n); });
    g.setNeeded(m.needed);
  }
  void operator()(const Unblocked&) { b.setUnblocked(); }
  void operator()(const Kill& m) {
    auto g = b.initKill();
    g.setHi(m.actor.hi());
    g.setLo(m.actor.lo());
    g.setNoRestart(m.no_restart);
  }
  void operator()(const FindActor& m) {
    auto g = b.initFindActor();
    g.setRequest(m.request);
    SetText(m.name, [&](unsigned n) { return g.initName(n); });
  }
  void operator()(const StatusRequest& m) {
    auto g = b.initStatus();
    g.setRequest(m.request);
    SetText(m.query, [&](unsigned n) { return g.initQuery(n); });
  }
  void operator()(const Stop&) { b.setStop(); }
  void operator()(const Cancel& m) {
    auto g = b.initCancel();
    g.setHi(m.result.hi());
    g.setLo(m.result.lo());
    g.setForce(m.force);
    g.setRecursive(m.recursive);
  }
  void operator()(const StreamItem& m) {
    auto g = b.initStreamItem();
    g.setTaskHi(m.task.hi());
    g.setTaskLo(m.task.lo());
    g.setAttempt(m.attempt);
    g.setSlot(m.slot);
    g.setIndex(m.index);
    Set(m.value, g.initValue());
  }
  void operator()(const StreamDemand& m) { Set(m, b.initStreamDemand()); }
  void operator()(const Fetch& m) {
    auto list = b.initFetch(static_cast<unsigned>(m.ids.size()));
    for (unsigned i = 0; i < list.size(); ++i) SetId(m.ids[i], list[i]);
  }
  void operator()(const Unpinned& m) {
    auto g = b.initUnpinned();
    SetPins(m.agreed, [&](unsigned n) { return g.initAgreed(n); });
    SetPins(m.refused, [&](unsigned n) { return g.initRefused(n); });
  }
  void operator()(const MemoryRequest& m) {
    auto g = b.initMemory();
    g.setRequest(m.request);
    g.setLimit(m.limit);
  }
  void operator()(const Checkpoint& m) {
    auto g = b.initCheckpoint();
    g.setHi(m.state.hi());
    g.setLo(m.state.lo());
  }
  void operator()(const ExitActor&) { b.setExitActor(); }
};

size_t Words(const ClientMessage& message) {
  return kSmall +
         std::visit(Overload{[](const TaskSpec& t) { return Words(t); },
                             [](const Seal& m) { return Words(m.value); },
                             [](const Complete& m) {
                               size_t words = 4;
                               for (const Value& v : m.results) words += Words(v);
                               return words;
                             },
                             [](const Subscribe& m) { return WordsForIds(m.ids.size()); },
                             [](const Blocked& m) { return WordsForIds(m.ids.size()); },
                             [](const Release& m) { return 4 + 3 * m.grants.size(); },
                             [](const FindActor& m) { return WordsFor(m.name.size()); },
                             [](const StatusRequest& m) { return WordsFor(m.query.size()); },
                             [](const StreamItem& m) { return Words(m.value); },
                             [](const Fetch& m) { return WordsForIds(m.ids.size()); },
                             [](const Unpinned& m) {
                               return WordsForPins(m.agreed.size()) +
                                      WordsForPins(m.refused.size());
                             },
                             [](const auto&) { return size_t{8}; }},
                    message);
}

absl::StatusOr<ClientMessage> Get(schema::ClientMessage::Reader r) {
  switch (r.which()) {
    case schema::ClientMessage::SUBMIT: {
      absl::StatusOr<TaskSpec> spec = Get(r.getSubmit());
      if (!spec.ok()) return spec.status();
      return ClientMessage(*std::move(spec));
    }
    case schema::ClientMessage::SEAL: {
      const auto g = r.getSeal();
      return Seal{ObjectId(g.getHi(), g.getLo()), Get(g.getValue())};
    }
    case schema::ClientMessage::COMPLETE: {
      const auto g = r.getComplete();
      Complete m{
          TaskId(g.getTaskHi(), g.getTaskLo()), g.getAttempt(), g.getSlot(), {}, g.getRetry()};
      const auto results = g.getResults();
      m.results.reserve(CountOf(results));
      for (const auto v : results) m.results.push_back(Get(v));
      return m;
    }
    case schema::ClientMessage::SUBSCRIBE:
      return Subscribe{GetIds(r.getSubscribe())};
    case schema::ClientMessage::RELEASE: {
      Release m;
      const auto grants = r.getRelease();
      m.grants.reserve(CountOf(grants));
      for (const auto g : grants)
        m.grants.push_back({ObjectId(g.getHi(), g.getLo()), g.getCount()});
      return m;
    }
    case schema::ClientMessage::CLAIM: {
      const auto g = r.getClaim();
      return Claim{ObjectId(g.getHi(), g.getLo()), g.getFirst(), g.getCount()};
    }
    case schema::ClientMessage::LEASE:
      return LeaseRequest{r.getLease()};
    case schema::ClientMessage::RETURN_LEASE:
      return ReturnLease{Get(r.getReturnLease())};
    case schema::ClientMessage::BLOCKED:
      return Blocked{GetIds(r.getBlocked().getIds()), r.getBlocked().getNeeded()};
    case schema::ClientMessage::UNBLOCKED:
      return Unblocked{};
    case schema::ClientMessage::KILL: {
      const auto g = r.getKill();
      return Kill{ActorId(g.getHi(), g.getLo()), g.getNoRestart()};
    }
    case schema::ClientMessage::FIND_ACTOR: {
      const auto g = r.getFindActor();
      return FindActor{g.getRequest(), FromKj(g.getName())};
    }
    case schema::ClientMessage::STATUS:
      return StatusRequest{r.getStatus().getRequest(), FromKj(r.getStatus().getQuery())};
    case schema::ClientMessage::STOP:
      return Stop{};
    case schema::ClientMessage::CANCEL: {
      const auto g = r.getCancel();
      return Cancel{ObjectId(g.getHi(), g.getLo()), g.getForce(), g.getRecursive()};
    }
    case schema::ClientMessage::STREAM_ITEM: {
      const auto g = r.getStreamItem();
      return StreamItem{TaskId(g.getTaskHi(), g.getTaskLo()), g.getAttempt(), g.getSlot(),
                        g.getIndex(), Get(g.getValue())};
    }
    case schema::ClientMessage::STREAM_DEMAND:
      return Get(r.getStreamDemand());
    case schema::ClientMessage::FETCH:
      return Fetch{GetIds(r.getFetch())};
    case schema::ClientMessage::UNPINNED: {
      const auto g = r.getUnpinned();
      return Unpinned{GetPins(g.getAgreed()), GetPins(g.getRefused())};
    }
    case schema::ClientMessage::MEMORY: {
      const auto g = r.getMemory();
      return MemoryRequest{g.getRequest(), g.getLimit()};
    }
    case schema::ClientMessage::CHECKPOINT: {
      const auto g = r.getCheckpoint();
      return Checkpoint{ObjectId(g.getHi(), g.getLo())};
    }
    case schema::ClientMessage::EXIT_ACTOR:
      return ExitActor{};
  }
  return absl::InvalidArgumentError("a client message of an unknown kind");
}

struct SetNodeMessage {
  schema::NodeMessage::Builder b;

  void operator()(const Dispatch& m) {
    auto g = b.initDispatch();
    g.setSlot(m.slot);
    g.setGeneration(m.generation);
    g.setAttempt(m.attempt);
    if (!m.values.empty()) SetReady(m.values, [&](unsigned n) { return g.initValues(n); });
    SetIds(m.refs, [&](unsigned n) { return g.initRefs(n); });
    g.setSpec(ToKj(m.spec));
    g.setTimeLeftNanos(m.time_left_nanos);
    g.setRestores(m.restores);
    g.setGroup(m.group);
  }
  void operator()(const Ready& m) {
    SetReady(m.values, [&](unsigned n) { return b.initReady(n); });
  }
  void operator()(const Streamed& m) {
    SetReady(m.values, [&](unsigned n) { return b.initStreamed(n); });
  }
  void operator()(const StreamDemand& m) { Set(m, b.initStreamDemand()); }
  void operator()(const LeaseGranted& m) { Set(m.space, b.initLeaseGranted()); }
  void operator()(const LeaseRefused& m) {
    auto g = b.initLeaseRefused();
    Set(m.error, g.initError());
    g.setBytes(m.bytes);
  }
  void operator()(const WaitRefused& m) {
    auto g = b.initWaitRefused();
    Set(m.error, g.initError());
    g.setWait(m.wait);
  }
  void operator()(const DropChunk& m) { b.setDropChunk(static_cast<uint32_t>(m.chunk)); }
  void operator()(const ActorFound& m) {
    auto g = b.initActorFound();
    g.setRequest(m.request);
    g.setHi(m.actor.hi());
    g.setLo(m.actor.lo());
    SetText(m.type_name, [&](unsigned n) { return g.initTypeName(n); });
  }
  void operator()(const StatusReport& m) {
    auto g = b.initStatus();
    g.setRequest(m.request);
    SetText(m.text, [&](unsigned n) { return g.initText(n); });
  }
  void operator()(const Exit& m) {
    if (m.reason.empty()) {
      b.setExit("");
    } else {
      SetText(m.reason, [&](unsigned n) { return b.initExit(n); });
    }
  }
  void operator()(const StopTask& m) {
    auto g = b.initStopTask();
    g.setSlot(m.slot);
    g.setGeneration(m.generation);
    Set(m.error, g.initError());
  }
  void operator()(const Unpin& m) {
    auto list = b.initUnpin(static_cast<unsigned>(m.pins.size()));
    SetPins(m.pins, [&](unsigned) { return list; });
  }
  void operator()(const Recall&) { b.setRecall(); }
  void operator()(const FetchRefused& m) {
    auto g = b.initFetchRefused();
    g.setHi(m.id.hi());
    g.setLo(m.id.lo());
    Set(m.error, g.initError());
  }
  void operator()(const MemoryReport& m) {
    auto g = b.initMemory();
    g.setRequest(m.request);
    g.setCap(m.cap);
    g.setObjectBytes(m.object_bytes);
    g.setLeasedBytes(m.leased_bytes);
    g.setKeptBytes(m.kept_bytes);
    g.setInlineBytes(m.inline_bytes);
    g.setSpilledBytes(m.spilled_bytes);
    g.setObjectCount(m.object_count);
    auto list = g.initObjects(static_cast<unsigned>(m.objects.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      const MemoryObject& object = m.objects[i];
      list[i].setHi(object.id.hi());
      list[i].setLo(object.id.lo());
      list[i].setSize(object.size);
      list[i].setState(static_cast<uint16_t>(object.state));
      list[i].setHolders(object.holders);
      list[i].setHolds(object.holds);
      list[i].setPins(object.pins);
      SetText(object.maker, [&](unsigned n) { return list[i].initMaker(n); });
    }
  }
  void operator()(const Finished& m) { b.setFinished(m.count); }
};

size_t Words(const NodeMessage& message) {
  return kSmall +
         std::visit(Overload{[](const Dispatch& m) {
                               return Words(m.values) + WordsForIds(m.refs.size()) +
                                      WordsFor(m.spec.size());
                             },
                             [](const Ready& m) { return Words(m.values); },
                             [](const Streamed& m) { return Words(m.values); },
                             [](const LeaseRefused& m) { return Words(m.error); },
                             [](const WaitRefused& m) { return Words(m.error); },
                             [](const ActorFound& m) { return WordsFor(m.type_name.size()); },
                             [](const StatusReport& m) { return WordsFor(m.text.size()); },
                             [](const Exit& m) { return WordsFor(m.reason.size()); },
                             [](const StopTask& m) { return Words(m.error); },
                             [](const Unpin& m) { return WordsForPins(m.pins.size()); },
                             [](const FetchRefused& m) { return Words(m.error); },
                             [](const MemoryReport& m) {
                               size_t words = 16;
                               for (const MemoryObject& o : m.objects)
                                 words += 8 + WordsFor(o.maker.size());
                               return words;
                             },
                             [](const auto&) { return size_t{8}; }},
                    message);
}

absl::StatusOr<NodeMessage> Get(schema::NodeMessage::Reader r) {
  switch (r.which()) {
    case schema::NodeMessage::DISPATCH: {
      const auto g = r.getDispatch();
      return Dispatch{
          g.getSlot(),         g.getGeneration(),   g.getAttempt(),       GetReady(g.getValues()),
          GetIds(g.getRefs()), FromKj(g.getSpec()), g.getTimeLeftNanos(), g.getRestores(),
          g.getGroup()};
    }
    case schema::NodeMessage::READY:
      return Ready{GetReady(r.getReady())};
    case schema::NodeMessage::STREAMED:
      return Streamed{GetReady(r.getStreamed())};
    case schema::NodeMessage::STREAM_DEMAND:
      return Get(r.getStreamDemand());
    case schema::NodeMessage::LEASE_GRANTED:
      return LeaseGranted{Get(r.getLeaseGranted())};
    case schema::NodeMessage::LEASE_REFUSED: {
      const auto g = r.getLeaseRefused();
      return LeaseRefused{Get(g.getError()), g.getBytes()};
    }
    case schema::NodeMessage::WAIT_REFUSED:
      return WaitRefused{Get(r.getWaitRefused().getError()), r.getWaitRefused().getWait()};
    case schema::NodeMessage::DROP_CHUNK:
      return DropChunk{ChunkId(r.getDropChunk())};
    case schema::NodeMessage::ACTOR_FOUND: {
      const auto g = r.getActorFound();
      return ActorFound{g.getRequest(), ActorId(g.getHi(), g.getLo()), FromKj(g.getTypeName())};
    }
    case schema::NodeMessage::STATUS: {
      const auto g = r.getStatus();
      return StatusReport{g.getRequest(), FromKj(g.getText())};
    }
    case schema::NodeMessage::EXIT:
      return Exit{FromKj(r.getExit())};
    case schema::NodeMessage::STOP_TASK: {
      const auto g = r.getStopTask();
      return StopTask{g.getSlot(), g.getGeneration(), Get(g.getError())};
    }
    case schema::NodeMessage::UNPIN:
      return Unpin{GetPins(r.getUnpin())};
    case schema::NodeMessage::RECALL:
      return Recall{};
    case schema::NodeMessage::FETCH_REFUSED: {
      const auto g = r.getFetchRefused();
      return FetchRefused{ObjectId(g.getHi(), g.getLo()), Get(g.getError())};
    }
    case schema::NodeMessage::MEMORY: {
      const auto g = r.getMemory();
      MemoryReport m;
      m.request = g.getRequest();
      m.cap = g.getCap();
      m.object_bytes = g.getObjectBytes();
      m.leased_bytes = g.getLeasedBytes();
      m.kept_bytes = g.getKeptBytes();
      m.inline_bytes = g.getInlineBytes();
      m.spilled_bytes = g.getSpilledBytes();
      m.object_count = g.getObjectCount();
      const auto objects = g.getObjects();
      m.objects.reserve(CountOf(objects));
      for (const auto o : objects) {
        if (o.getState() > static_cast<uint16_t>(ObjectState::kFailed)) {
          return absl::InvalidArgumentError(
              absl::StrCat("unknown state of an object ", o.getState()));
        }
        m.objects.push_back({.id = ObjectId(o.getHi(), o.getLo()),
                             .size = o.getSize(),
                             .state = ObjectState(o.getState()),
                             .holders = o.getHolders(),
                             .holds = o.getHolds(),
                             .pins = o.getPins(),
                             .maker = FromKj(o.getMaker())});
      }
      return m;
    }
    case schema::NodeMessage::FINISHED:
      return Finished{r.getFinished()};
  }
  return absl::InvalidArgumentError("a node message of an unknown kind");
}

template <typename Schema, typename Message>
absl::StatusOr<Message> Decode(Bytes bytes) {
  absl::StatusOr<Message> message = absl::InternalError("not read");
  const absl::Status status = Read<Schema>(bytes, [&](typename Schema::Reader reader) {
    message = Get(reader);
    return message.status();
  });
  if (!status.ok()) return status;
  return message;
}

}  // namespace
}  // namespace internal

std::span<uint64_t> MessageBuffer::Zeroed(size_t words) {
  words_.assign(words, 0);
  return words_;
}

Bytes Encode(const ClientMessage& message, MessageBuffer& buffer) {
  return internal::Build<schema::ClientMessage>(
      buffer, internal::Words(message), [&](schema::ClientMessage::Builder b) {
        std::visit(internal::SetClientMessage{b}, message);
      });
}

Bytes Encode(const NodeMessage& message, MessageBuffer& buffer) {
  return internal::Build<schema::NodeMessage>(
      buffer, internal::Words(message),
      [&](schema::NodeMessage::Builder b) { std::visit(internal::SetNodeMessage{b}, message); });
}

absl::StatusOr<ClientMessage> DecodeClientMessage(Bytes bytes) {
  return internal::Decode<schema::ClientMessage, ClientMessage>(bytes);
}

absl::StatusOr<NodeMessage> DecodeNodeMessage(Bytes bytes) {
  return internal::Decode<schema::NodeMessage, NodeMessage>(bytes);
}

}  // namespace troupe::wire
