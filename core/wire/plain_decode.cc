// The short road's reading (roads.h) of the messages that each task takes: a task or call without
// options, its dispatch and its completion, results that are no errors; and of a Put.
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/wire/codec.h"
#include "core/wire/plain_reader.h"
#include "core/wire/roads.h"

namespace troupe::wire {
namespace internal {
namespace {

using Part = PlainReader::Part;
using List = PlainReader::List;
// Each is true where it was plain; the message is unspecified where it was not.
bool GetIds(PlainReader& reader, const Part& parent, size_t pointer, std::vector<ObjectId>* ids) {
  List list;
  if (!reader.Structs(parent, pointer, plain::kId, &list)) return false;
  ids->reserve(list.count);
  for (size_t i = 0; i < list.count; ++i) ids->emplace_back(list[i].Word(0), list[i].Word(1));
  return true;
}
// Nearly always there are none.
inline bool GetRefs(PlainReader& reader, const Part& parent, size_t pointer,
                    std::vector<ObjectId>* refs) {
  return parent.IsNull(pointer) || GetIds(reader, parent, pointer, refs);
}

bool Get(PlainReader& reader, const Part& part, Argument* argument) {
  switch (part.Quarter(0)) {
    case schema::Argument::INLINE: {
      auto& value = std::get<Argument::Inline>(argument->content);
      return reader.Data(part, 0, &value.bytes) && GetRefs(reader, part, 1, &value.refs);
    }
    case schema::Argument::OBJECT: {
      Part id;
      if (!part.IsNull(1) || !reader.Struct(part, 0, plain::kId, &id)) return false;
      argument->content = ObjectId(id.Word(0), id.Word(1));
      return true;
    }
    case schema::Argument::OBJECTS:
      return part.IsNull(1) &&
             GetIds(reader, part, 0, &argument->content.emplace<Argument::Objects>());
    default:
      return false;
  }
}

bool Get(PlainReader& reader, const Part& part, TaskSpec* task) {
  const uint16_t kind = part.Quarter(36);
  if (kind > static_cast<uint16_t>(TaskKind::kActorCall) || !part.IsNull(plain::kOptions) ||
      !part.IsNull(plain::kCreation)) {
    return false;
  }
  TaskSpec& t = *task;
  t.id = TaskId(part.Word(0), part.Word(1));
  t.entry = part.Word(2);
  t.cpu_units = static_cast<int64_t>(part.Word(3));
  t.grace_nanos = static_cast<int64_t>(part.Word(4));
  t.caller.task = TaskId(part.Word(5), part.Word(6));
  t.num_returns = part.Half(14);
  t.max_retries = static_cast<int32_t>(part.Half(15));
  t.priority = static_cast<int32_t>(part.Half(16));
  t.depth = part.Half(17);
  t.kind = TaskKind(kind);
  t.caller.site_line = part.Quarter(37);
  t.caller.site_file = part.Half(19);
  List arguments;
  if (!reader.Text(part, plain::kName, &t.name) ||
      !reader.Data(part, plain::kCallable, &t.callable) ||
      !reader.Structs(part, plain::kArguments, plain::kArgument, &arguments)) {
    return false;
  }
  t.arguments.reserve(arguments.count);
  for (size_t i = 0; i < arguments.count; ++i) {
    if (!Get(reader, arguments[i], &t.arguments.emplace_back())) return false;
  }
  if (part.IsNull(plain::kCall)) return true;
  Part call;
  if (!reader.Struct(part, plain::kCall, plain::kActorCall, &call)) return false;
  t.actor = ActorId(call.Word(0), call.Word(1));
  t.sequence = call.Word(2);
  return reader.Text(call, 0, &t.concurrency_group);
}

bool Get(PlainReader& reader, const Part& part, Value* value) {
  if (!GetRefs(reader, part, 1, &value->refs)) return false;
  switch (part.Quarter(0)) {
    case schema::Value::INLINE:
      return reader.Data(part, 0, &value->content.emplace<Bytes>());
    case schema::Value::STORED: {
      Part place;
      if (!reader.Struct(part, 0, plain::kLocation, &place)) return false;
      value->content =
          Location{.chunk = ChunkId(place.Half(4)), .offset = place.Word(0), .size = place.Word(1)};
      return true;
    }
    case schema::Value::PENDING:
      value->content = Pending{};
      return true;
    case schema::Value::AWAY:
      value->content = Away{};
      return true;
    default:
      return false;
  }
}

bool Get(PlainReader& reader, const Part& part, Seal* seal) {
  seal->id = ObjectId(part.Word(0), part.Word(1));
  Part value;
  return reader.Struct(part, 0, plain::kValue, &value) && Get(reader, value, &seal->value);
}

bool Get(PlainReader& reader, const Part& part, Complete* complete) {
  complete->task = TaskId(part.Word(0), part.Word(1));
  complete->attempt = part.Half(4);
  complete->slot = part.Half(5);
  complete->retry = part.Bit(192);
  List results;
  if (!reader.Structs(part, 0, plain::kValue, &results)) return false;
  complete->results.reserve(results.count);
  for (size_t i = 0; i < results.count; ++i) {
    if (!Get(reader, results[i], &complete->results.emplace_back())) return false;
  }
  return true;
}

bool Get(const List& list, Release* release) {
  release->grants.reserve(list.count);
  for (size_t i = 0; i < list.count; ++i) {
    const Part grant = list[i];
    release->grants.push_back(
        {ObjectId(grant.Word(0), grant.Word(1)), grant.Half(4), grant.Bit(160)});
  }
  return true;
}

bool Get(PlainReader& reader, const List& list, std::vector<ReadyValue>* values) {
  values->reserve(list.count);
  for (size_t i = 0; i < list.count; ++i) {
    const Part ready = list[i];
    ReadyValue& value = values->emplace_back();
    value.id = ObjectId(ready.Word(0), ready.Word(1));
    Part part;
    if (!reader.Struct(ready, 0, plain::kValue, &part) || !Get(reader, part, &value.value))
      return false;
  }
  return true;
}

bool Get(PlainReader& reader, const Part& part, Dispatch* dispatch) {
  dispatch->slot = part.Half(0);
  dispatch->attempt = part.Half(1);
  dispatch->generation = part.Word(1);
  dispatch->time_left_nanos = static_cast<int64_t>(part.Word(2));
  dispatch->restores = part.Bit(192);
  dispatch->group = part.Half(7);
  List values;
  return reader.Structs(part, plain::kValues, plain::kReady, &values) &&
         Get(reader, values, &dispatch->values) &&
         GetRefs(reader, part, plain::kRefs, &dispatch->refs) &&
         reader.Data(part, plain::kSpec, &dispatch->spec);
}

}  // namespace

bool GetPlain(Bytes bytes, TaskSpec* task) {
  PlainReader reader(bytes);
  Part root, part;
  return reader.Root(plain::kClientMessage, &root) &&
         root.Quarter(0) == schema::ClientMessage::SUBMIT &&
         reader.Struct(root, 0, plain::kTaskSpec, &part) && Get(reader, part, task);
}

bool GetPlain(Bytes bytes, Dispatch* dispatch) {
  PlainReader reader(bytes);
  Part root, part;
  return reader.Root(plain::kNodeMessage, &root) &&
         root.Quarter(0) == schema::NodeMessage::DISPATCH &&
         reader.Struct(root, 0, plain::kDispatch, &part) && Get(reader, part, dispatch);
}

bool GetPlain(Bytes bytes, ClientMessage* message) {
  PlainReader reader(bytes);
  Part root, part;
  if (!reader.Root(plain::kClientMessage, &root)) return false;
  switch (root.Quarter(0)) {
    case schema::ClientMessage::SUBMIT:
      return reader.Struct(root, 0, plain::kTaskSpec, &part) &&
             Get(reader, part, &message->emplace<TaskSpec>());
    case schema::ClientMessage::SEAL:
      return reader.Struct(root, 0, plain::kSeal, &part) &&
             Get(reader, part, &message->emplace<Seal>());
    case schema::ClientMessage::COMPLETE:
      return reader.Struct(root, 0, plain::kComplete, &part) &&
             Get(reader, part, &message->emplace<Complete>());
    case schema::ClientMessage::RELEASE: {
      List grants;
      return reader.Structs(root, 0, plain::kGrant, &grants) &&
             Get(grants, &message->emplace<Release>());
    }
    default:
      return false;
  }
}

bool GetPlain(Bytes bytes, NodeMessage* message) {
  PlainReader reader(bytes);
  Part root, part;
  if (!reader.Root(plain::kNodeMessage, &root)) return false;
  switch (root.Quarter(0)) {
    case schema::NodeMessage::DISPATCH:
      return reader.Struct(root, 0, plain::kDispatch, &part) &&
             Get(reader, part, &message->emplace<Dispatch>());
    case schema::NodeMessage::READY: {
      List values;
      return reader.Structs(root, 0, plain::kReady, &values) &&
             Get(reader, values, &message->emplace<Ready>().values);
    }
    default:
      return false;
  }
}

}  // namespace internal

bool LooksLikeDispatch(Bytes bytes) {
  internal::PlainReader reader(bytes);
  internal::PlainReader::Part root;
  return reader.Root(internal::plain::kNodeMessage, &root) &&
         root.Quarter(0) == schema::NodeMessage::DISPATCH;
}

}  // namespace troupe::wire
