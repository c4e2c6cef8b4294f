// The parts that messages of both kinds have: errors, locations, values, and a stream's demand.
#include "core/wire/codec.h"

namespace troupe::wire::internal {

size_t Words(const ErrorInfo& e) {
  return kSmall + WordsFor(e.message.size()) + WordsFor(e.exception_type.size()) +
         WordsFor(e.origin.size()) + WordsFor(e.payload.size()) + WordsFor(e.stack.size());
}
size_t Words(const Value& v) {
  return kSmall + WordsForIds(v.refs.size()) +
         std::visit(Overload{[](Bytes bytes) { return WordsFor(bytes.size()); },
                             [](const Location&) { return size_t{4}; },
                             [](const ErrorInfo& e) { return Words(e); },
                             [](Pending) { return size_t{0}; }, [](Away) { return size_t{0}; }},
                    v.content);
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
  SetText(e.stack, [&](unsigned n) { return b.initStack(n); });
}
ErrorInfo Get(schema::Error::Reader r) {
  ErrorInfo e;
  e.kind = r.getKind() < kErrorKinds ? ErrorKind(r.getKind()) : ErrorKind::kInternal;
  e.message = FromKj(r.getMessage());
  e.exception_type = FromKj(r.getExceptionType());
  e.origin = FromKj(r.getOrigin());
  const Bytes payload = FromKj(r.getPayload());
  e.payload.assign(reinterpret_cast<const char*>(payload.data()), payload.size());
  e.stack = FromKj(r.getStack());
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

void Set(const StreamDemand& m, schema::StreamDemand::Builder b) {
  b.setTaskHi(m.task.hi());
  b.setTaskLo(m.task.lo());
  b.setConsumed(m.consumed);
  b.setStopped(m.stopped);
}
StreamDemand Get(schema::StreamDemand::Reader r) {
  return {TaskId(r.getTaskHi(), r.getTaskLo()), r.getConsumed(), r.getStopped()};
}

}  // namespace troupe::wire::internal
