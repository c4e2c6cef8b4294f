// The long road of ClientMessage.
#include <utility>
#include <variant>

#include "core/wire/codec.h"
#include "core/wire/roads.h"

namespace troupe::wire::internal {
namespace {

using internal::Get;
using internal::Words;

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

template <typename Message>
Bytes EncodeOne(const Message& message, MessageBuffer& buffer) {
  return Build<schema::ClientMessage>(
      buffer, kSmall + kClientWords(message),
      [&](schema::ClientMessage::Builder b) { SetClientMessage{b}(message); });
}

}  // namespace

absl::Status GetAny(Bytes bytes, ClientMessage* message) {
  return Read<schema::ClientMessage>(
      bytes, [&](schema::ClientMessage::Reader reader) { return Get(reader, message); });
}

Bytes EncodeAny(const ClientMessage& message, MessageBuffer& buffer) {
  return std::visit([&](const auto& m) { return EncodeOne(m, buffer); }, message);
}

Bytes EncodeAny(const TaskSpec& message, MessageBuffer& buffer) {
  return EncodeOne(message, buffer);
}

Bytes EncodeAny(const Complete& message, MessageBuffer& buffer) {
  return EncodeOne(message, buffer);
}

}  // namespace troupe::wire::internal
