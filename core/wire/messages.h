// The messages that cross between processes, as plain values.
//
// Cap'n Proto stops in this package: everybody above sees these structs, builds one and encodes it,
// or decodes bytes into one. Decoded structs are *views*: their strings and byte spans point into
// the message and live as long as it. protocol.capnp says what each field means; the struct of the
// same name follows it field by field.
//
// Thread-safety: values.   Example:
//
//   MessageBuffer buffer;
//   channel.TrySend(Encode(ClientMessage{Claim{container, 0, 3}}, buffer));
//   absl::StatusOr<ClientMessage> message = DecodeClientMessage(bytes);
//   if (auto* submit = std::get_if<TaskSpec>(&*message)) ...
#ifndef TROUPE_CORE_WIRE_MESSAGES_H_
#define TROUPE_CORE_WIRE_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"

namespace troupe::wire {

using Bytes = std::span<const std::byte>;

// Where a message is built. Reuse one per thread: it keeps its memory.
class MessageBuffer {
 public:
  virtual ~MessageBuffer() = default;

  // Zeroed memory of at least `words` words of 8 bytes; valid until the next call.
  std::span<uint64_t> Zeroed(size_t words);
  // The same for a message that is written and not looked at: others may have this memory, too.
  virtual std::span<uint64_t> Room(size_t words) { return Zeroed(words); }

 private:
  std::vector<uint64_t> words_;
};

// Not there yet, or too large for the message: ask for it.
struct Pending {};

// It is there, and not in memory: fetch it.
struct Away {};

// What an object resolves to: bytes, a place in the store, or an error.
struct Value {
  std::variant<Bytes, Location, ErrorInfo, Pending, Away> content;
  std::vector<ObjectId> refs;  // the ids inside the value
};

struct Argument {
  struct Inline {
    Bytes bytes;
    std::vector<ObjectId> refs;
  };
  using Objects = std::vector<ObjectId>;
  std::variant<Inline, ObjectId, Objects> content;
};

// Whose resources a task takes.
struct Placement {
  ObjectId group;       // null: the machine's
  uint32_t bundle = 0;  // 0: any one of the group's; else 1 + its number
};

// Who has submitted a task.
struct Caller {
  TaskId task;             // null: none of the client's tasks
  uint32_t site_file = 0;  // where in the source: offset of its name in the job's image
  uint16_t site_line = 0;
};

enum class TaskKind : uint16_t { kTask = 0, kActorCreation = 1, kActorCall = 2 };

// The ids whose objects must be there before the task begins, in order.
struct TaskSpec {
  TaskId id;
  TaskKind kind = TaskKind::kTask;
  uint64_t entry = 0;
  ActorId actor;
  uint64_t sequence = 0;
  int64_t cpu_units = 0;
  std::vector<std::pair<std::string, int64_t>> resources;
  uint32_t num_returns = 1;
  int32_t max_retries = 0;
  int32_t max_restarts = 0;
  int32_t priority = 0;
  uint32_t depth = 0;
  bool detached = false;
  int64_t timeout_nanos = 0;
  int64_t grace_nanos = 0;
  Caller caller;
  uint64_t retry_on = 0;
  uint32_t max_calls = 0;
  int32_t max_task_retries = 0;
  uint32_t max_pending_calls = 0;
  uint32_t checkpoint_every = 0;
  uint32_t max_concurrency = 1;
  std::vector<std::pair<std::string, int64_t>> concurrency_groups;
  std::string_view concurrency_group;
  Placement placement;
  std::string_view name;
  std::string_view type_name;
  std::string_view actor_name;
  Bytes callable;
  std::string_view function;                   // of a registered one
  uint32_t stream_window = 0;                  // not 0: it yields a stream
  absl::InlinedVector<Argument, 4> arguments;  // most tasks have few
};

// From a client to the node.
struct Seal {
  ObjectId id;
  Value value;
};
struct Complete {
  TaskId task;
  uint32_t attempt = 0;
  uint32_t slot = 0;
  absl::InlinedVector<Value, 1> results;
  bool retry = false;
};
struct Subscribe {
  std::vector<ObjectId> ids;
};
struct GrantCount {
  ObjectId id;
  uint32_t count = 0;
  bool unread = false;  // it was not there yet, and nobody had waited for it
};
struct Release {
  std::vector<GrantCount> grants;
};
struct Claim {
  ObjectId container;
  uint32_t first = 0;
  uint32_t count = 0;
};
struct LeaseRequest {
  uint64_t bytes = 0;
};
struct ReturnLease {
  Location unused;
};
struct Blocked {
  std::vector<ObjectId> ids;
  uint32_t needed = 0;
  uint64_t threads = 0;
};
struct Unblocked {};
struct Kill {
  ActorId actor;
  bool no_restart = true;
};
struct FindActor {
  uint64_t request = 0;
  std::string_view name;
};
struct StreamItem {
  TaskId task;
  uint32_t attempt = 0;
  uint32_t slot = 0;
  uint32_t index = 0;
  Value value;
};
// Both ways: from the consumer to the node, and from the node to the producer.
struct StreamDemand {
  TaskId task;
  uint32_t consumed = 0;
  bool stopped = false;
};
struct StatusRequest {
  uint64_t request = 0;
  std::string_view query;
};
struct Stop {};
struct Cancel {
  ObjectId result;
  bool force = false;
  bool recursive = true;
};
struct Fetch {
  std::vector<ObjectId> ids;
};
// One telling of an object's place; the node counts them.
struct Pin {
  ObjectId id;
  uint32_t serial = 0;
};
struct Unpinned {
  std::vector<Pin> agreed;
  std::vector<Pin> refused;
};
struct MemoryRequest {
  uint64_t request = 0;
  uint32_t limit = 0;
};
struct Checkpoint {
  ObjectId state;
};
struct ExitActor {};
// A pending object, which the same client will Seal.
struct Promise {
  ObjectId id;
};
// An actor's call waits in a coroutine, and goes on.
struct Suspend {
  TaskId task;
  uint32_t attempt = 0;
  uint32_t slot = 0;
  ObjectId awaits;
  uint32_t thread = 0;
};
struct Resume {
  TaskId task;
  uint32_t attempt = 0;
  uint32_t slot = 0;
};

// The numbers travel: never change one, add at the end.
enum class PlacementStrategy : uint16_t {
  kPack = 0,          // on as few machines as possible
  kSpread = 1,        // on as many as possible
  kStrictPack = 2,    // on one
  kStrictSpread = 3,  // on one machine each
};
struct Bundle {
  int64_t cpu_units = 0;
  std::vector<std::pair<std::string, int64_t>> resources;
};
struct PlacementGroup {
  ObjectId id;
  std::vector<Bundle> bundles;
  PlacementStrategy strategy = PlacementStrategy::kPack;
  std::string_view name;
  Bytes ready;  // what the object is to resolve to
};
struct RemovePlacementGroup {
  ObjectId id;
};
// Objects that are to go though somebody has references.
struct Free {
  std::vector<ObjectId> ids;
};
struct CodeNotice {
  std::string_view path;
  std::string_view sha256;
  uint64_t bytes = 0;
};

using ClientMessage =
    std::variant<TaskSpec, Seal, Complete, Subscribe, Release, Claim, LeaseRequest, ReturnLease,
                 Blocked, Unblocked, Kill, FindActor, StatusRequest, Stop, Cancel, StreamItem,
                 StreamDemand, Fetch, Unpinned, MemoryRequest, Checkpoint, ExitActor, Promise,
                 PlacementGroup, RemovePlacementGroup, Suspend, Resume, Free, CodeNotice>;

// From the node to a client.
struct ReadyValue {
  ObjectId id;
  Value value;
};
// True for what a dispatch brings whole, with no references in it: its worker has no grant on it,
// and needs none.
inline bool IsCopy(const ReadyValue& given) {
  return given.value.refs.empty() && std::holds_alternative<Bytes>(given.value.content);
}
struct Dispatch {
  uint32_t slot = 0;
  uint64_t generation = 0;
  uint32_t attempt = 0;
  std::vector<ReadyValue> values;
  std::vector<ObjectId> refs;
  Bytes spec;  // an encoded ClientMessage that holds a TaskSpec
  int64_t time_left_nanos = 0;
  bool restores = false;
  uint32_t group = 0;
};
struct Ready {
  std::vector<ReadyValue> values;
};
struct LeaseGranted {
  Location space;
};
struct LeaseRefused {
  ErrorInfo error;
  uint64_t bytes = 0;  // that were asked for
};
struct WaitRefused {
  ErrorInfo error;
  uint64_t wait = 0;
  TaskId task;  // a suspended call's wait; null: the process's
};
struct DropChunk {
  ChunkId chunk = ChunkId::kNone;
};
struct ActorFound {
  uint64_t request = 0;
  ActorId actor;
  std::string_view type_name;
};
struct Streamed {
  std::vector<ReadyValue> values;
};
struct StatusReport {
  uint64_t request = 0;
  std::string_view text;
};
struct Exit {
  std::string_view reason;
};
struct StopTask {
  uint32_t slot = 0;
  uint64_t generation = 0;
  ErrorInfo error;
};
struct Finished {
  uint64_t count = 0;
};
struct TakenBack {
  std::vector<uint64_t> generations;
};
// What a task of the client's has failed with, at whose results nobody can look any more.
struct UnreadError {
  ErrorInfo error;
};

struct Unpin {
  std::vector<Pin> pins;
};
struct Recall {};
struct FetchRefused {
  ObjectId id;
  ErrorInfo error;
};
// The numbers travel: never change one, add at the end.
enum class ObjectState : uint16_t {
  kPending = 0,
  kInline = 1,
  kInMemory = 2,
  kSpilling = 3,
  kSpilled = 4,
  kRestoring = 5,
  kFailed = 6,
};
struct MemoryObject {
  ObjectId id;
  uint64_t size = 0;
  ObjectState state = ObjectState::kPending;
  uint32_t holders = 0;
  uint32_t holds = 0;
  uint32_t pins = 0;
  std::string_view maker;
};
struct MemoryReport {
  uint64_t request = 0;
  uint64_t cap = 0;
  uint64_t object_bytes = 0;
  uint64_t leased_bytes = 0;
  uint64_t kept_bytes = 0;
  uint64_t inline_bytes = 0;
  uint64_t spilled_bytes = 0;
  uint64_t object_count = 0;
  std::vector<MemoryObject> objects;
};

using NodeMessage =
    std::variant<Dispatch, Ready, LeaseGranted, LeaseRefused, WaitRefused, DropChunk, ActorFound,
                 StatusReport, Exit, StopTask, Streamed, StreamDemand, Unpin, Recall, FetchRefused,
                 MemoryReport, Finished, TakenBack, UnreadError>;

// The encoded message: a multiple of 8 bytes, in `buffer`, valid until its next use.
Bytes Encode(const ClientMessage& message, MessageBuffer& buffer);
Bytes Encode(const NodeMessage& message, MessageBuffer& buffer);
// The two client messages that each task takes, without a copy of them in a variant.
Bytes Encode(const TaskSpec& message, MessageBuffer& buffer);
Bytes Encode(const Complete& message, MessageBuffer& buffer);
Bytes Encode(const Dispatch& message, MessageBuffer& buffer);

// The message as a view of `bytes` (8-aligned). Errors: InvalidArgument saying what is malformed;
// no input crashes it or makes it allocate more than a small multiple of the input.
absl::StatusOr<ClientMessage> DecodeClientMessage(Bytes bytes);
absl::StatusOr<NodeMessage> DecodeNodeMessage(Bytes bytes);
// Of messages that are to be copied before they are read: true where it is a Dispatch by its first
// words, false where it takes DecodeNodeMessage to know.
bool LooksLikeDispatch(Bytes bytes);
// The one alternative that `bytes` hold, without a variant around it. Errors: the same, and where
// it is another one.
absl::Status DecodeDispatch(Bytes bytes, Dispatch* message);
absl::Status DecodeTask(Bytes bytes, TaskSpec* message);

}  // namespace troupe::wire

#endif  // TROUPE_CORE_WIRE_MESSAGES_H_
