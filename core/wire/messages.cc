#include "core/wire/messages.h"

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/wire/codec.h"
#include "core/wire/roads.h"

namespace troupe::wire {
namespace internal {
namespace {

using internal::Get;
using internal::Set;
using internal::Words;

size_t Words(const std::vector<ReadyValue>& values) {
  size_t words = 2;
  for (const ReadyValue& v : values) words += 4 + Words(v.value);
  return words;
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

size_t Words(const Complete& m) {
  size_t words = 4;
  for (const Value& v : m.results) words += Words(v);
  return words;
}

size_t Words(const PlacementGroup& m) {
  size_t words = 4 + WordsFor(m.name.size()) + WordsFor(m.ready.size());
  for (const Bundle& bundle : m.bundles)
    words += WordsOf<schema::Bundle>() + Words(bundle.resources);
  return words;
}

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
      list[i].setUnread(m.grants[i].unread);
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
    g.setThreads(m.threads);
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
  void operator()(const Free& m) {
    auto list = b.initFree(static_cast<unsigned>(m.ids.size()));
    for (unsigned i = 0; i < list.size(); ++i) SetId(m.ids[i], list[i]);
  }
  void operator()(const CodeNotice& m) {
    auto g = b.initCodeNotice();
    SetText(m.path, [&](unsigned n) { return g.initPath(n); });
    SetText(m.sha256, [&](unsigned n) { return g.initSha256(n); });
    g.setBytes(m.bytes);
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
  void operator()(const Promise& m) { SetId(m.id, b.initPromise()); }
  void operator()(const PlacementGroup& m) {
    auto g = b.initPlacementGroup();
    g.setHi(m.id.hi());
    g.setLo(m.id.lo());
    g.setStrategy(static_cast<uint16_t>(m.strategy));
    auto list = g.initBundles(static_cast<unsigned>(m.bundles.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setCpuUnits(m.bundles[i].cpu_units);
      SetAmounts(m.bundles[i].resources, [&](unsigned n) { return list[i].initResources(n); });
    }
    SetText(m.name, [&](unsigned n) { return g.initName(n); });
    g.setReady(ToKj(m.ready));
  }
  void operator()(const RemovePlacementGroup& m) { SetId(m.id, b.initRemovePlacementGroup()); }
  void operator()(const Suspend& m) {
    auto g = b.initSuspend();
    g.setTaskHi(m.task.hi());
    g.setTaskLo(m.task.lo());
    g.setAttempt(m.attempt);
    g.setSlot(m.slot);
    g.setAwaitsHi(m.awaits.hi());
    g.setAwaitsLo(m.awaits.lo());
    g.setThread(m.thread);
  }
  void operator()(const Resume& m) {
    auto g = b.initResume();
    g.setTaskHi(m.task.hi());
    g.setTaskLo(m.task.lo());
    g.setAttempt(m.attempt);
    g.setSlot(m.slot);
  }
};

constexpr Overload kClientWords{[](const TaskSpec& t) { return Words(t); },
                                [](const Seal& m) { return Words(m.value); },
                                [](const Complete& m) { return Words(m); },
                                [](const Subscribe& m) { return WordsForIds(m.ids.size()); },
                                [](const Blocked& m) { return WordsForIds(m.ids.size()); },
                                [](const Release& m) { return 4 + 3 * m.grants.size(); },
                                [](const FindActor& m) { return WordsFor(m.name.size()); },
                                [](const StatusRequest& m) { return WordsFor(m.query.size()); },
                                [](const StreamItem& m) { return Words(m.value); },
                                [](const Fetch& m) { return WordsForIds(m.ids.size()); },
                                [](const Free& m) { return WordsForIds(m.ids.size()); },
                                [](const Unpinned& m) {
                                  return WordsForPins(m.agreed.size()) +
                                         WordsForPins(m.refused.size());
                                },
                                [](const PlacementGroup& m) { return Words(m); },
                                [](const auto&) { return size_t{8}; }};

// In place: messages are large to move.
absl::Status Get(schema::ClientMessage::Reader r, ClientMessage* message) {
  switch (r.which()) {
    case schema::ClientMessage::SUBMIT:
      return Get(r.getSubmit(), &message->emplace<TaskSpec>());
    case schema::ClientMessage::SEAL: {
      const auto g = r.getSeal();
      *message = Seal{ObjectId(g.getHi(), g.getLo()), Get(g.getValue())};
      break;
    }
    case schema::ClientMessage::COMPLETE: {
      const auto g = r.getComplete();
      Complete m{
          TaskId(g.getTaskHi(), g.getTaskLo()), g.getAttempt(), g.getSlot(), {}, g.getRetry()};
      const auto results = g.getResults();
      m.results.reserve(CountOf(results));
      for (const auto v : results) m.results.push_back(Get(v));
      *message = std::move(m);
      break;
    }
    case schema::ClientMessage::SUBSCRIBE:
      *message = Subscribe{GetIds(r.getSubscribe())};
      break;
    case schema::ClientMessage::RELEASE: {
      Release m;
      const auto grants = r.getRelease();
      m.grants.reserve(CountOf(grants));
      for (const auto g : grants)
        m.grants.push_back({ObjectId(g.getHi(), g.getLo()), g.getCount(), g.getUnread()});
      *message = std::move(m);
      break;
    }
    case schema::ClientMessage::CLAIM: {
      const auto g = r.getClaim();
      *message = Claim{ObjectId(g.getHi(), g.getLo()), g.getFirst(), g.getCount()};
      break;
    }
    case schema::ClientMessage::LEASE:
      *message = LeaseRequest{r.getLease()};
      break;
    case schema::ClientMessage::RETURN_LEASE:
      *message = ReturnLease{Get(r.getReturnLease())};
      break;
    case schema::ClientMessage::BLOCKED: {
      const auto g = r.getBlocked();
      *message = Blocked{GetIds(g.getIds()), g.getNeeded(), g.getThreads()};
      break;
    }
    case schema::ClientMessage::UNBLOCKED:
      *message = Unblocked{};
      break;
    case schema::ClientMessage::KILL: {
      const auto g = r.getKill();
      *message = Kill{ActorId(g.getHi(), g.getLo()), g.getNoRestart()};
      break;
    }
    case schema::ClientMessage::FIND_ACTOR: {
      const auto g = r.getFindActor();
      *message = FindActor{g.getRequest(), FromKj(g.getName())};
      break;
    }
    case schema::ClientMessage::STATUS:
      *message = StatusRequest{r.getStatus().getRequest(), FromKj(r.getStatus().getQuery())};
      break;
    case schema::ClientMessage::STOP:
      *message = Stop{};
      break;
    case schema::ClientMessage::CANCEL: {
      const auto g = r.getCancel();
      *message = Cancel{ObjectId(g.getHi(), g.getLo()), g.getForce(), g.getRecursive()};
      break;
    }
    case schema::ClientMessage::STREAM_ITEM: {
      const auto g = r.getStreamItem();
      *message = StreamItem{TaskId(g.getTaskHi(), g.getTaskLo()), g.getAttempt(), g.getSlot(),
                            g.getIndex(), Get(g.getValue())};
      break;
    }
    case schema::ClientMessage::STREAM_DEMAND:
      *message = Get(r.getStreamDemand());
      break;
    case schema::ClientMessage::FETCH:
      *message = Fetch{GetIds(r.getFetch())};
      break;
    case schema::ClientMessage::UNPINNED: {
      const auto g = r.getUnpinned();
      *message = Unpinned{GetPins(g.getAgreed()), GetPins(g.getRefused())};
      break;
    }
    case schema::ClientMessage::MEMORY: {
      const auto g = r.getMemory();
      *message = MemoryRequest{g.getRequest(), g.getLimit()};
      break;
    }
    case schema::ClientMessage::CHECKPOINT: {
      const auto g = r.getCheckpoint();
      *message = Checkpoint{ObjectId(g.getHi(), g.getLo())};
      break;
    }
    case schema::ClientMessage::EXIT_ACTOR:
      *message = ExitActor{};
      break;
    case schema::ClientMessage::PROMISE:
      *message = Promise{GetId(r.getPromise())};
      break;
    case schema::ClientMessage::PLACEMENT_GROUP: {
      const auto g = r.getPlacementGroup();
      if (g.getStrategy() > static_cast<uint16_t>(PlacementStrategy::kStrictSpread)) {
        return absl::InvalidArgumentError(
            absl::StrCat("unknown placement strategy ", g.getStrategy()));
      }
      PlacementGroup m{ObjectId(g.getHi(), g.getLo()),
                       {},
                       PlacementStrategy(g.getStrategy()),
                       FromKj(g.getName()),
                       FromKj(g.getReady())};
      const auto bundles = g.getBundles();
      m.bundles.reserve(CountOf(bundles));
      for (const auto bundle : bundles)
        m.bundles.push_back({bundle.getCpuUnits(), GetAmounts(bundle.getResources())});
      *message = std::move(m);
      break;
    }
    case schema::ClientMessage::REMOVE_PLACEMENT_GROUP:
      *message = RemovePlacementGroup{GetId(r.getRemovePlacementGroup())};
      break;
    case schema::ClientMessage::SUSPEND: {
      const auto g = r.getSuspend();
      *message = Suspend{TaskId(g.getTaskHi(), g.getTaskLo()), g.getAttempt(), g.getSlot(),
                         ObjectId(g.getAwaitsHi(), g.getAwaitsLo()), g.getThread()};
      break;
    }
    case schema::ClientMessage::RESUME: {
      const auto g = r.getResume();
      *message = Resume{TaskId(g.getTaskHi(), g.getTaskLo()), g.getAttempt(), g.getSlot()};
      break;
    }
    case schema::ClientMessage::FREE:
      *message = Free{GetIds(r.getFree())};
      break;
    case schema::ClientMessage::CODE_NOTICE: {
      const auto g = r.getCodeNotice();
      *message = CodeNotice{FromKj(g.getPath()), FromKj(g.getSha256()), g.getBytes()};
      break;
    }
    default:
      return absl::InvalidArgumentError("a client message of an unknown kind");
  }
  return absl::OkStatus();
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
    g.setTaskHi(m.task.hi());
    g.setTaskLo(m.task.lo());
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
  void operator()(const UnreadError& m) { Set(m.error, b.initUnreadError()); }
  void operator()(const TakenBack& m) {
    auto list = b.initTakenBack(static_cast<unsigned>(m.generations.size()));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, m.generations[i]);
  }
};

constexpr Overload kNodeWords{[](const Dispatch& m) {
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
                              [](const TakenBack& m) { return 8 + m.generations.size(); },
                              [](const UnreadError& m) { return Words(m.error); },
                              [](const MemoryReport& m) {
                                size_t words = 16;
                                for (const MemoryObject& o : m.objects)
                                  words += 8 + WordsFor(o.maker.size());
                                return words;
                              },
                              [](const auto&) { return size_t{8}; }};

// In place: messages are large to move.
absl::Status Get(schema::NodeMessage::Reader r, NodeMessage* message) {
  switch (r.which()) {
    case schema::NodeMessage::DISPATCH: {
      const auto g = r.getDispatch();
      *message = Dispatch{
          g.getSlot(),         g.getGeneration(),   g.getAttempt(),       GetReady(g.getValues()),
          GetIds(g.getRefs()), FromKj(g.getSpec()), g.getTimeLeftNanos(), g.getRestores(),
          g.getGroup()};
      break;
    }
    case schema::NodeMessage::READY:
      *message = Ready{GetReady(r.getReady())};
      break;
    case schema::NodeMessage::STREAMED:
      *message = Streamed{GetReady(r.getStreamed())};
      break;
    case schema::NodeMessage::STREAM_DEMAND:
      *message = Get(r.getStreamDemand());
      break;
    case schema::NodeMessage::LEASE_GRANTED:
      *message = LeaseGranted{Get(r.getLeaseGranted())};
      break;
    case schema::NodeMessage::LEASE_REFUSED: {
      const auto g = r.getLeaseRefused();
      *message = LeaseRefused{Get(g.getError()), g.getBytes()};
      break;
    }
    case schema::NodeMessage::WAIT_REFUSED: {
      const auto g = r.getWaitRefused();
      *message = WaitRefused{Get(g.getError()), g.getWait(), TaskId(g.getTaskHi(), g.getTaskLo())};
      break;
    }
    case schema::NodeMessage::DROP_CHUNK:
      *message = DropChunk{ChunkId(r.getDropChunk())};
      break;
    case schema::NodeMessage::ACTOR_FOUND: {
      const auto g = r.getActorFound();
      *message = ActorFound{g.getRequest(), ActorId(g.getHi(), g.getLo()), FromKj(g.getTypeName())};
      break;
    }
    case schema::NodeMessage::STATUS: {
      const auto g = r.getStatus();
      *message = StatusReport{g.getRequest(), FromKj(g.getText())};
      break;
    }
    case schema::NodeMessage::EXIT:
      *message = Exit{FromKj(r.getExit())};
      break;
    case schema::NodeMessage::STOP_TASK: {
      const auto g = r.getStopTask();
      *message = StopTask{g.getSlot(), g.getGeneration(), Get(g.getError())};
      break;
    }
    case schema::NodeMessage::UNPIN:
      *message = Unpin{GetPins(r.getUnpin())};
      break;
    case schema::NodeMessage::RECALL:
      *message = Recall{};
      break;
    case schema::NodeMessage::FETCH_REFUSED: {
      const auto g = r.getFetchRefused();
      *message = FetchRefused{ObjectId(g.getHi(), g.getLo()), Get(g.getError())};
      break;
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
      *message = std::move(m);
      break;
    }
    case schema::NodeMessage::FINISHED:
      *message = Finished{r.getFinished()};
      break;
    case schema::NodeMessage::UNREAD_ERROR:
      *message = UnreadError{Get(r.getUnreadError())};
      break;
    case schema::NodeMessage::TAKEN_BACK: {
      const auto generations = r.getTakenBack();
      TakenBack m;
      m.generations.reserve(generations.size());
      for (const uint64_t generation : generations) m.generations.push_back(generation);
      *message = std::move(m);
      break;
    }
    default:
      return absl::InvalidArgumentError("a node message of an unknown kind");
  }
  return absl::OkStatus();
}

// `Smallest`: the alternative that it is until it is known.
template <typename Smallest, typename Message>
absl::StatusOr<Message> Decode(Bytes bytes) {
  absl::StatusOr<Message> message(absl::in_place, std::in_place_type<Smallest>);
  if (GetPlain(bytes, &*message)) return message;
  absl::Status status = GetAny(bytes, &*message);
  if (!status.ok()) message = std::move(status);
  return message;
}

template <typename Smallest, typename Message, typename Alternative>
absl::Status DecodeOne(Bytes bytes, Alternative* alternative) {
  if (GetPlain(bytes, alternative)) return absl::OkStatus();
  *alternative = Alternative();
  absl::StatusOr<Message> message = Decode<Smallest, Message>(bytes);
  if (!message.ok()) return message.status();
  if (!std::holds_alternative<Alternative>(*message))
    return absl::InvalidArgumentError("a message of another kind than was to be read");
  *alternative = std::get<Alternative>(*std::move(message));
  return absl::OkStatus();
}

// Of one alternative, by the long road.
template <typename Message>
Bytes EncodeClient(const Message& message, MessageBuffer& buffer) {
  return Build<schema::ClientMessage>(
      buffer, kSmall + kClientWords(message),
      [&](schema::ClientMessage::Builder b) { SetClientMessage{b}(message); });
}
template <typename Message>
Bytes EncodeNode(const Message& message, MessageBuffer& buffer) {
  return Build<schema::NodeMessage>(
      buffer, kSmall + kNodeWords(message),
      [&](schema::NodeMessage::Builder b) { SetNodeMessage{b}(message); });
}

// By the short one, if it goes there.
template <typename Message>
std::optional<Bytes> TryPlain(const Message& message, MessageBuffer& buffer) {
  if constexpr (requires { EncodePlain(message, buffer); }) {
    return EncodePlain(message, buffer);
  } else {
    return std::nullopt;
  }
}

}  // namespace

absl::Status GetAny(Bytes bytes, ClientMessage* message) {
  return Read<schema::ClientMessage>(
      bytes, [&](schema::ClientMessage::Reader reader) { return Get(reader, message); });
}

absl::Status GetAny(Bytes bytes, NodeMessage* message) {
  return Read<schema::NodeMessage>(
      bytes, [&](schema::NodeMessage::Reader reader) { return Get(reader, message); });
}

Bytes EncodeAny(const ClientMessage& message, MessageBuffer& buffer) {
  return std::visit([&](const auto& m) { return EncodeClient(m, buffer); }, message);
}

Bytes EncodeAny(const NodeMessage& message, MessageBuffer& buffer) {
  return std::visit([&](const auto& m) { return EncodeNode(m, buffer); }, message);
}

}  // namespace internal

std::span<uint64_t> MessageBuffer::Zeroed(size_t words) {
  words_.assign(words, 0);
  return words_;
}

Bytes Encode(const ClientMessage& message, MessageBuffer& buffer) {
  return std::visit(
      [&](const auto& m) {
        const std::optional<Bytes> plain = internal::TryPlain(m, buffer);
        return plain.has_value() ? *plain : internal::EncodeClient(m, buffer);
      },
      message);
}

Bytes Encode(const NodeMessage& message, MessageBuffer& buffer) {
  return std::visit(
      [&](const auto& m) {
        const std::optional<Bytes> plain = internal::TryPlain(m, buffer);
        return plain.has_value() ? *plain : internal::EncodeNode(m, buffer);
      },
      message);
}

Bytes Encode(const TaskSpec& message, MessageBuffer& buffer) {
  const std::optional<Bytes> plain = internal::EncodePlain(message, buffer);
  return plain.has_value() ? *plain : internal::EncodeClient(message, buffer);
}

Bytes Encode(const Complete& message, MessageBuffer& buffer) {
  const std::optional<Bytes> plain = internal::EncodePlain(message, buffer);
  return plain.has_value() ? *plain : internal::EncodeClient(message, buffer);
}

absl::StatusOr<ClientMessage> DecodeClientMessage(Bytes bytes) {
  return internal::Decode<Unblocked, ClientMessage>(bytes);
}

absl::StatusOr<NodeMessage> DecodeNodeMessage(Bytes bytes) {
  return internal::Decode<Recall, NodeMessage>(bytes);
}

absl::Status DecodeDispatch(Bytes bytes, Dispatch* message) {
  return internal::DecodeOne<Recall, NodeMessage>(bytes, message);
}

absl::Status DecodeTask(Bytes bytes, TaskSpec* message) {
  return internal::DecodeOne<Unblocked, ClientMessage>(bytes, message);
}

}  // namespace troupe::wire
