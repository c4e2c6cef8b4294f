// The long road of NodeMessage.
#include <utility>
#include <variant>

#include "core/wire/codec.h"
#include "core/wire/roads.h"

namespace troupe::wire::internal {
namespace {

using internal::Get;
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

}  // namespace

absl::Status GetAny(Bytes bytes, NodeMessage* message) {
  return Read<schema::NodeMessage>(
      bytes, [&](schema::NodeMessage::Reader reader) { return Get(reader, message); });
}

Bytes EncodeAny(const NodeMessage& message, MessageBuffer& buffer) {
  return std::visit(
      [&](const auto& m) {
        return Build<schema::NodeMessage>(
            buffer, kSmall + kNodeWords(m),
            [&](schema::NodeMessage::Builder b) { SetNodeMessage{b}(m); });
      },
      message);
}

}  // namespace troupe::wire::internal
