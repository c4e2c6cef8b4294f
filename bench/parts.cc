#include "bench/parts.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "bench/core_machine.h"
#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/small_bytes.h"
#include "core/channel/ring.h"
#include "core/serialize/serialize.h"
#include "core/wire/messages.h"
#include "objectstore/client/object_cache.h"
#include "objectstore/client/reference_table.h"
#include "objectstore/table/object_table.h"

namespace bench {
namespace {

using troupe::ObjectId;
namespace channel = troupe::channel;
namespace objectstore = troupe::objectstore;
namespace serialize = troupe::serialize;
namespace wire = troupe::wire;

// What nobody uses must be made all the same.
template <typename T>
void Use(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

Part::Operation EncodeTask() {
  struct State {
    wire::MessageBuffer buffer;
    wire::ClientMessage message = MakeTaskSpec(1);
  };
  return [state = std::make_shared<State>()](int64_t times) {
    for (int64_t i = 0; i < times; ++i) Use(wire::Encode(state->message, state->buffer));
  };
}

Part::Operation DecodeTask() {
  struct State {
    wire::MessageBuffer buffer;
    wire::Bytes bytes = wire::Encode(MakeTaskSpec(1), buffer);
  };
  return [state = std::make_shared<State>()](int64_t times) {
    for (int64_t i = 0; i < times; ++i) Use(wire::DecodeClientMessage(state->bytes));
  };
}

// A message of 256 bytes through a ring, 64 of them at a time.
Part::Operation RingMessage() {
  constexpr size_t kCapacity = size_t{1} << 20;
  struct State {
    channel::RingControl control;
    std::vector<uint64_t> data = std::vector<uint64_t>(kCapacity / 8);
    std::byte* bytes = reinterpret_cast<std::byte*>(data.data());
    channel::RingProducer producer{&control, bytes, kCapacity};
    channel::RingConsumer consumer{&control, bytes, kCapacity, channel::RingConsumer::Trust::kCopy,
                                   kCapacity};
    std::vector<uint64_t> message = std::vector<uint64_t>(32);
  };
  return [state = std::make_shared<State>()](int64_t times) {
    for (int64_t left = times; left > 0;) {
      const auto batch = static_cast<size_t>(std::min<int64_t>(left, 64));
      for (size_t i = 0; i < batch; ++i) {
        size_t progress = 0;
        TROUPE_CHECK(state->producer.Write(std::as_bytes(std::span(state->message)), &progress),
                     "room");
      }
      bool bell = false;
      const auto received = state->consumer.Receive(
          batch, [](channel::Bytes) { return absl::OkStatus(); }, &bell);
      TROUPE_CHECK(received.ok() && *received == batch, "all of them");
      left -= static_cast<int64_t>(batch);
    }
  };
}

// Submission to release, with so many tasks under way.
Part::Operation CoreTask(int under_way) {
  const auto machine = std::make_shared<CoreMachine>(CoreMachine::Options{});
  for (int i = 0; i < under_way; ++i) machine->Submit();
  return [machine](int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      machine->Submit();
      machine->CompleteOne();
    }
  };
}

// A call of an actor behind a hundred others of it, submission to release.
Part::Operation CoreActorCall() {
  const auto machine = std::make_shared<CoreMachine>(CoreMachine::Options{});
  const size_t actor = machine->MakeActor();
  for (int i = 0; i < 100; ++i) machine->Call(actor);
  return [machine, actor](int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      machine->Call(actor);
      machine->CompleteOne();
    }
  };
}

// The task with three small objects as its arguments.
Part::Operation CoreTaskOfObjects() {
  const auto machine = std::make_shared<CoreMachine>(CoreMachine::Options{});
  const std::vector<ObjectId> objects = {machine->Put(), machine->Put(), machine->Put()};
  return [machine, objects](int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      machine->SubmitWith(objects);
      machine->CompleteOne();
    }
  };
}

// Put to free, in the node's table.
Part::Operation TablePutToFree() {
  struct State {
    objectstore::ObjectTable table;
    std::vector<objectstore::ObjectTable::Freed> freed;
    uint64_t sequence = 0;
  };
  return [state = std::make_shared<State>()](int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      const ObjectId id = ObjectId::Make(kDriver, ++state->sequence);
      TROUPE_CHECK(state->table.Create(id, kDriver).ok(), "created");
      TROUPE_CHECK(
          state->table.Seal(kDriver, id, troupe::SmallBytes(std::string(32, 'x')), {}).ok(),
          "sealed");
      TROUPE_CHECK(state->table.Release(kDriver, id, 1).ok(), "released");
      state->table.TakeFreed(&state->freed);
      Use(state->freed);
    }
  };
}

// A handle comes and goes, in a client.
Part::Operation ReferenceToRelease() {
  struct State {
    objectstore::ReferenceTable references;
    uint64_t sequence = 0;
  };
  return [state = std::make_shared<State>()](int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      const ObjectId id = ObjectId::Make(kDriver, ++state->sequence);
      state->references.Take(id);
      TROUPE_CHECK(state->references.DropHandle(id), "the last handle");
      if (state->references.release_count() >= 64) Use(state->references.TakeReleases());
    }
  };
}

// A small result is expected, told and forgotten with its handle, in a client.
Part::Operation CacheExpectToForget() {
  struct State {
    objectstore::ReferenceTable references;
    objectstore::ObjectCache cache{&references};
    uint64_t sequence = 0;
  };
  return [state = std::make_shared<State>()](int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      const ObjectId id = ObjectId::Make(kDriver, ++state->sequence);
      objectstore::ObjectCache::Expect(state->references.Take(id));
      state->cache.Learn(id, kArgument, {});
      TROUPE_CHECK(state->cache.IsKnown(id), "its bytes");
      TROUPE_CHECK(state->references.DropHandle(id), "the last handle");
      if (state->references.release_count() >= 64) Use(state->references.TakeReleases());
    }
  };
}

template <typename T>
Part::Operation SerializeAndBack(T value) {
  return [value = std::move(value), bytes = std::vector<std::byte>()](int64_t times) mutable {
    for (int64_t i = 0; i < times; ++i) {
      const auto size = serialize::Measure(value);
      TROUPE_CHECK(size.ok(), "measured");
      bytes.resize(size->bytes);
      std::vector<ObjectId> refs;
      TROUPE_CHECK(serialize::EncodeTo(value, std::span(bytes), &refs).ok(), "encoded");
      Use(serialize::Decode<T>(bytes, {}));
    }
  };
}

std::map<std::string, std::vector<int>> SmallMap() {
  std::map<std::string, std::vector<int>> map;
  for (int i = 0; i < 10; ++i) map["key " + std::to_string(i)] = {i, i + 1, i + 2};
  return map;
}

}  // namespace

const std::vector<Part>& Parts() {
  static const std::vector<Part> parts = {
      {"encode_task", EncodeTask},
      {"decode_task", DecodeTask},
      {"ring_message", RingMessage},
      {"core_task", [] { return CoreTask(0); }},
      {"core_task_behind_1k", [] { return CoreTask(1'000); }},
      {"core_task_behind_50k", [] { return CoreTask(50'000); }},
      {"core_task_of_objects", CoreTaskOfObjects},
      {"core_actor_call", CoreActorCall},
      {"table_put_to_free", TablePutToFree},
      {"reference_to_release", ReferenceToRelease},
      {"cache_expect_to_forget", CacheExpectToForget},
      {"serialize_int", [] { return SerializeAndBack(int64_t{7}); }},
      {"serialize_map", [] { return SerializeAndBack(SmallMap()); }},
  };
  return parts;
}

}  // namespace bench
