// The short road's writing (roads.h), of the same messages as plain_decode.cc reads. The order is
// that of the long road, so that both give the same bytes.
#include <algorithm>
#include <variant>
#include <vector>

#include "core/wire/plain_writer.h"
#include "core/wire/roads.h"

namespace troupe::wire::internal {
namespace {

using plain::Size;

constexpr size_t kRootWords = 1 + plain::kClientMessage.words();
static_assert(plain::kNodeMessage.words() == plain::kClientMessage.words());

// The words that a part takes besides its own; nothing where the short road does not know it.
constexpr size_t kNotPlain = ~size_t{0} / 2;

size_t WordsOfIds(size_t count) { return 1 + count * plain::kId.words(); }
size_t WordsOfRefs(const std::vector<ObjectId>& refs) {
  return refs.empty() ? 0 : WordsOfIds(refs.size());
}

size_t WordsOf(const Argument& argument) {
  if (const auto* value = std::get_if<Argument::Inline>(&argument.content))
    return WordsOfBytes(value->bytes.size()) + WordsOfRefs(value->refs);
  if (std::holds_alternative<ObjectId>(argument.content)) return plain::kId.words();
  return WordsOfIds(std::get<Argument::Objects>(argument.content).size());
}

size_t WordsOf(const Value& value) {
  if (std::holds_alternative<ErrorInfo>(value.content)) return kNotPlain;
  const size_t refs = WordsOfRefs(value.refs);
  if (const auto* bytes = std::get_if<Bytes>(&value.content))
    return WordsOfBytes(bytes->size()) + refs;
  return (std::holds_alternative<Location>(value.content) ? plain::kLocation.words() : 0) + refs;
}

void WriteId(uint64_t* words, ObjectId id) {
  words[0] = id.hi();
  words[1] = id.lo();
}
uint64_t Halves(uint32_t low, uint32_t high) { return low | static_cast<uint64_t>(high) << 32; }

void WriteIds(PlainWriter& writer, uint64_t* pointer, const std::vector<ObjectId>& ids) {
  uint64_t* words = writer.Structs(pointer, plain::kId, ids.size());
  for (const ObjectId id : ids) {
    WriteId(words, id);
    words += plain::kId.words();
  }
}
void WriteRefs(PlainWriter& writer, uint64_t* pointer, const std::vector<ObjectId>& refs) {
  if (!refs.empty()) WriteIds(writer, pointer, refs);
}

void Write(PlainWriter& writer, uint64_t* words, const Argument& argument) {
  uint64_t* const pointer = words + plain::kArgument.data;
  if (const auto* value = std::get_if<Argument::Inline>(&argument.content)) {
    words[0] = schema::Argument::INLINE;
    writer.Data(pointer, value->bytes);
    WriteRefs(writer, pointer + 1, value->refs);
  } else if (const auto* id = std::get_if<ObjectId>(&argument.content)) {
    words[0] = schema::Argument::OBJECT;
    WriteId(writer.Struct(pointer, plain::kId), *id);
  } else {
    words[0] = schema::Argument::OBJECTS;
    WriteIds(writer, pointer, std::get<Argument::Objects>(argument.content));
  }
}

void Write(PlainWriter& writer, uint64_t* words, const Value& value) {
  uint64_t* const pointer = words + plain::kValue.data;
  if (const auto* bytes = std::get_if<Bytes>(&value.content)) {
    words[0] = schema::Value::INLINE;
    writer.Data(pointer, *bytes);
  } else if (const auto* place = std::get_if<Location>(&value.content)) {
    words[0] = schema::Value::STORED;
    uint64_t* const location = writer.Struct(pointer, plain::kLocation);
    location[0] = place->offset;
    location[1] = place->size;
    location[2] = static_cast<uint32_t>(place->chunk);
  } else {
    words[0] = std::holds_alternative<Pending>(value.content) ? schema::Value::PENDING
                                                              : schema::Value::AWAY;
  }
  WriteRefs(writer, pointer + 1, value.refs);
}

size_t WordsOf(const std::vector<ReadyValue>& values) {
  size_t words = 1;
  for (const ReadyValue& ready : values) {
    const size_t value = WordsOf(ready.value);
    if (value == kNotPlain) return kNotPlain;
    words += plain::kReady.words() + plain::kValue.words() + value;
  }
  return words;
}

void Write(PlainWriter& writer, uint64_t* pointer, const std::vector<ReadyValue>& values) {
  uint64_t* words = writer.Structs(pointer, plain::kReady, values.size());
  for (const ReadyValue& ready : values) {
    WriteId(words, ready.id);
    Write(writer, writer.Struct(words + plain::kReady.data, plain::kValue), ready.value);
    words += plain::kReady.words();
  }
}

// Whether it says anything of which most tasks say nothing.
bool HasMore(const TaskSpec& t) {
  return t.timeout_nanos != 0 || t.retry_on != 0 || t.placement.group != ObjectId() ||
         t.placement.bundle != 0 || t.max_calls != 0 || t.stream_window != 0 ||
         !t.function.empty() || !t.resources.empty() || t.max_restarts != 0 ||
         t.max_task_retries != 0 || t.max_pending_calls != 0 || t.checkpoint_every != 0 ||
         t.max_concurrency != 1 || t.detached || !t.type_name.empty() || !t.actor_name.empty() ||
         !t.concurrency_groups.empty();
}

}  // namespace

std::optional<Bytes> EncodePlain(const TaskSpec& t, MessageBuffer& buffer) {
  if (HasMore(t)) return std::nullopt;
  size_t words = kRootWords + plain::kTaskSpec.words() + WordsOfText(t.name.size()) +
                 WordsOfBytes(t.callable.size()) + 1 + plain::kActorCall.words() +
                 WordsOfText(t.concurrency_group.size());
  for (const Argument& argument : t.arguments) {
    words += plain::kArgument.words() + WordsOf(argument);
  }
  PlainWriter writer(buffer.Room(words));
  uint64_t* const root = writer.Root(plain::kClientMessage);
  root[0] = schema::ClientMessage::SUBMIT;
  uint64_t* const task = writer.Struct(root + plain::kClientMessage.data, plain::kTaskSpec);
  task[0] = t.id.hi();
  task[1] = t.id.lo();
  task[2] = t.entry;
  task[3] = static_cast<uint64_t>(t.cpu_units);
  task[4] = static_cast<uint64_t>(t.grace_nanos);
  task[5] = t.caller.task.hi();
  task[6] = t.caller.task.lo();
  task[7] = Halves(t.num_returns, static_cast<uint32_t>(t.max_retries));
  task[8] = Halves(static_cast<uint32_t>(t.priority), t.depth);
  task[9] = Halves(static_cast<uint16_t>(t.kind) | uint32_t{t.caller.site_line} << 16,
                   t.caller.site_file);
  uint64_t* const pointers = task + plain::kTaskSpec.data;
  writer.Text(pointers + plain::kName, t.name);
  if (!t.callable.empty()) writer.Data(pointers + plain::kCallable, t.callable);
  if (!t.arguments.empty()) {
    uint64_t* at =
        writer.Structs(pointers + plain::kArguments, plain::kArgument, t.arguments.size());
    for (const Argument& argument : t.arguments) {
      Write(writer, at, argument);
      at += plain::kArgument.words();
    }
  }
  if (t.actor != ActorId() || t.sequence != 0 || !t.concurrency_group.empty()) {
    uint64_t* const call = writer.Struct(pointers + plain::kCall, plain::kActorCall);
    WriteId(call, t.actor);
    call[2] = t.sequence;
    writer.Text(call + plain::kActorCall.data, t.concurrency_group);
  }
  return writer.bytes();
}

std::optional<Bytes> EncodePlain(const Seal& m, MessageBuffer& buffer) {
  const size_t value = WordsOf(m.value);
  if (value == kNotPlain) return std::nullopt;
  PlainWriter writer(
      buffer.Room(kRootWords + plain::kSeal.words() + plain::kValue.words() + value));
  uint64_t* const root = writer.Root(plain::kClientMessage);
  root[0] = schema::ClientMessage::SEAL;
  uint64_t* const seal = writer.Struct(root + plain::kClientMessage.data, plain::kSeal);
  WriteId(seal, m.id);
  Write(writer, writer.Struct(seal + plain::kSeal.data, plain::kValue), m.value);
  return writer.bytes();
}

std::optional<Bytes> EncodePlain(const Complete& m, MessageBuffer& buffer) {
  size_t words = kRootWords + plain::kComplete.words() + 1;
  for (const Value& value : m.results) {
    const size_t more = WordsOf(value);
    if (more == kNotPlain) return std::nullopt;
    words += plain::kValue.words() + more;
  }
  PlainWriter writer(buffer.Room(words));
  uint64_t* const root = writer.Root(plain::kClientMessage);
  root[0] = schema::ClientMessage::COMPLETE;
  uint64_t* const complete = writer.Struct(root + plain::kClientMessage.data, plain::kComplete);
  complete[0] = m.task.hi();
  complete[1] = m.task.lo();
  complete[2] = Halves(m.attempt, m.slot);
  complete[3] = m.retry;
  uint64_t* at = writer.Structs(complete + plain::kComplete.data, plain::kValue, m.results.size());
  for (const Value& value : m.results) {
    Write(writer, at, value);
    at += plain::kValue.words();
  }
  return writer.bytes();
}

std::optional<Bytes> EncodePlain(const Release& m, MessageBuffer& buffer) {
  PlainWriter writer(buffer.Room(kRootWords + 1 + m.grants.size() * plain::kGrant.words()));
  uint64_t* const root = writer.Root(plain::kClientMessage);
  root[0] = schema::ClientMessage::RELEASE;
  uint64_t* words =
      writer.Structs(root + plain::kClientMessage.data, plain::kGrant, m.grants.size());
  for (const GrantCount& grant : m.grants) {
    WriteId(words, grant.id);
    words[2] = Halves(grant.count, grant.unread);
    words += plain::kGrant.words();
  }
  return writer.bytes();
}

std::optional<Bytes> EncodePlain(const Dispatch& m, MessageBuffer& buffer) {
  const size_t values = WordsOf(m.values);
  if (values == kNotPlain) return std::nullopt;
  PlainWriter writer(buffer.Room(kRootWords + plain::kDispatch.words() + values +
                                 WordsOfRefs(m.refs) + WordsOfBytes(m.spec.size())));
  uint64_t* const root = writer.Root(plain::kNodeMessage);
  root[0] = schema::NodeMessage::DISPATCH;
  uint64_t* const dispatch = writer.Struct(root + plain::kNodeMessage.data, plain::kDispatch);
  dispatch[0] = Halves(m.slot, m.attempt);
  dispatch[1] = m.generation;
  dispatch[2] = static_cast<uint64_t>(m.time_left_nanos);
  dispatch[3] = Halves(m.restores, m.group);
  uint64_t* const pointers = dispatch + plain::kDispatch.data;
  if (!m.values.empty()) Write(writer, pointers + plain::kValues, m.values);
  WriteRefs(writer, pointers + plain::kRefs, m.refs);
  writer.Data(pointers + plain::kSpec, m.spec);
  return writer.bytes();
}

std::optional<Bytes> EncodePlain(const Ready& m, MessageBuffer& buffer) {
  const size_t values = WordsOf(m.values);
  if (values == kNotPlain) return std::nullopt;
  PlainWriter writer(buffer.Room(kRootWords + values));
  uint64_t* const root = writer.Root(plain::kNodeMessage);
  root[0] = schema::NodeMessage::READY;
  Write(writer, root + plain::kNodeMessage.data, m.values);
  return writer.bytes();
}

}  // namespace troupe::wire::internal
