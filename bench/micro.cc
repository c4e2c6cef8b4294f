// The single-threaded parts of the road, one by one: what one task costs in each of them.
//
//   bazel run -c opt //bench:micro
//
// Under callgrind their instructions repeat exactly, also on a noisy machine:
//
//   valgrind --tool=callgrind bazel-bin/bench/micro --benchmark_filter=Core/1000
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/channel/ring.h"
#include "core/serialize/serialize.h"
#include "core/wire/messages.h"
#include "objectstore/client/reference_table.h"
#include "objectstore/table/object_table.h"
#include "scheduler/core/core.h"

namespace troupe {
namespace {

constexpr ClientId kDriver{1};

wire::TaskSpec Spec(uint64_t sequence, std::span<const std::byte> argument) {
  wire::TaskSpec spec;
  spec.id = TaskId::Make(kDriver, sequence);
  spec.entry = 4096;
  spec.cpu_units = kResourceUnit;
  spec.max_retries = 3;
  spec.name = "Work";
  for (int i = 0; i < 3; ++i) spec.arguments.push_back({wire::Argument::Inline{argument, {}}});
  return spec;
}

constexpr std::array<std::byte, 32> kArgument{};

void EncodeTaskSpec(benchmark::State& state) {
  wire::MessageBuffer buffer;
  const wire::ClientMessage message = Spec(1, kArgument);
  for (auto _ : state) benchmark::DoNotOptimize(wire::Encode(message, buffer));
}
BENCHMARK(EncodeTaskSpec);

void DecodeTaskSpec(benchmark::State& state) {
  wire::MessageBuffer buffer;
  const wire::Bytes bytes = wire::Encode(Spec(1, kArgument), buffer);
  for (auto _ : state) benchmark::DoNotOptimize(wire::DecodeClientMessage(bytes));
}
BENCHMARK(DecodeTaskSpec);

void RingOneWay(benchmark::State& state) {
  constexpr size_t kCapacity = size_t{1} << 20;
  auto control = std::make_unique<channel::RingControl>();
  std::vector<uint64_t> data(kCapacity / 8);
  auto* bytes = reinterpret_cast<std::byte*>(data.data());
  channel::RingProducer producer(control.get(), bytes, kCapacity);
  channel::RingConsumer consumer(control.get(), bytes, kCapacity,
                                 channel::RingConsumer::Trust::kCopy, kCapacity);
  const std::vector<uint64_t> message(32);
  for (auto _ : state) {
    for (int i = 0; i < 64; ++i) {
      size_t progress = 0;
      TROUPE_CHECK(producer.Write(std::as_bytes(std::span(message)), &progress), "room");
    }
    bool bell = false;
    const auto received = consumer.Receive(
        64, [](channel::Bytes) { return absl::OkStatus(); }, &bell);
    TROUPE_CHECK(received.ok() && *received == 64, "all of them");
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(RingOneWay);

// A core whose workers complete whatever they are given.
class Machine : private scheduler::TaskWords {
 public:
  Machine() : core_({.total = ResourceSet::Cpus(2), .store_bytes = 64 << 20}, this) {
    core_.DriverJoined(kDriver, JobId(1));
  }

  void Submit() {
    wire::MessageBuffer buffer;
    const wire::TaskSpec spec = Spec(next_++, kArgument);
    TROUPE_CHECK(core_.Submit(kDriver, spec, wire::Encode(spec, buffer)).ok(), "a task");
    Perform();
  }
  // Completes one dispatched task, and releases its result.
  void CompleteOne() {
    const Dispatched done = dispatched_.front();
    dispatched_.pop_front();
    wire::Complete complete{done.task, done.attempt, done.slot, {}};
    complete.results.push_back({wire::Bytes(kArgument), {}});
    TROUPE_CHECK(core_.Complete(done.worker, complete).ok(), "its completion");
    TROUPE_CHECK(core_.Release(kDriver, {{{done.task.Result(0), 1}}}).ok(), "its release");
    Perform();
  }
  bool idle() const { return dispatched_.empty(); }

 private:
  struct Dispatched {
    ClientId worker;
    TaskId task;
    uint32_t attempt;
    uint32_t slot;
  };

  void Queue(ClientId, uint32_t, uint64_t) override {}
  bool TryRecall(ClientId, uint32_t, uint64_t) override { return false; }
  bool HasBegun(ClientId, uint32_t, uint64_t) override { return true; }
  void Perform() {
    for (auto actions = core_.TakeActions(); !actions.empty(); actions = core_.TakeActions()) {
      for (const scheduler::Action& action : actions) {
        if (const auto* start = std::get_if<scheduler::StartWorker>(&action)) {
          TROUPE_CHECK(core_
                           .WorkerJoined(start->process,
                                         ClientId(100 + static_cast<uint64_t>(start->process)))
                           .ok(),
                       "a worker");
        } else if (const auto* dispatch = std::get_if<scheduler::SendDispatch>(&action)) {
          const auto spec = wire::DecodeClientMessage(dispatch->spec.bytes());
          dispatched_.push_back({dispatch->worker, std::get<wire::TaskSpec>(*spec).id,
                                 dispatch->attempt, dispatch->slot});
        }
      }
    }
  }

  scheduler::Core core_;
  std::deque<Dispatched> dispatched_;
  uint64_t next_ = 1;
};

// Submission to release, with so many tasks under way.
void Core(benchmark::State& state) {
  Machine machine;
  for (int64_t i = 0; i < state.range(0); ++i) machine.Submit();
  for (auto _ : state) {
    machine.Submit();
    machine.CompleteOne();
  }
  state.SetItemsProcessed(state.iterations());
  while (!machine.idle()) machine.CompleteOne();
}
BENCHMARK(Core)->Arg(0)->Arg(1'000)->Arg(100'000);

// Put to free, in the node's table and the client's.
void TablePutToFree(benchmark::State& state) {
  objectstore::ObjectTable table;
  uint64_t sequence = 0;
  for (auto _ : state) {
    const ObjectId id = ObjectId::Make(kDriver, ++sequence);
    TROUPE_CHECK(table.Create(id, kDriver).ok(), "created");
    TROUPE_CHECK(table.Seal(kDriver, id, std::string(32, 'x'), {}).ok(), "sealed");
    TROUPE_CHECK(table.Release(kDriver, id, 1).ok(), "released");
    benchmark::DoNotOptimize(table.TakeFreed());
  }
}
BENCHMARK(TablePutToFree);

void HandleComesAndGoes(benchmark::State& state) {
  objectstore::ReferenceTable references;
  uint64_t sequence = 0;
  for (auto _ : state) {
    const ObjectId id = ObjectId::Make(kDriver, ++sequence);
    references.Granted(id);
    references.AddHandle(id);
    references.DropHandle(id);
    if (references.release_count() >= 64) benchmark::DoNotOptimize(references.TakeReleases());
  }
}
BENCHMARK(HandleComesAndGoes);

template <typename T>
void RoundTrip(benchmark::State& state, const T& value) {
  std::vector<std::byte> bytes;
  for (auto _ : state) {
    const auto size = serialize::Measure(value);
    bytes.resize(size->bytes);
    std::vector<ObjectId> refs;
    TROUPE_CHECK(serialize::EncodeTo(value, std::span(bytes), &refs).ok(), "encoded");
    benchmark::DoNotOptimize(serialize::Decode<T>(bytes, {}));
  }
}
void SerializeInt(benchmark::State& state) { RoundTrip(state, int64_t{7}); }
BENCHMARK(SerializeInt);
void SerializeMap(benchmark::State& state) {
  std::map<std::string, std::vector<int>> value;
  for (int i = 0; i < 10; ++i) value["key " + std::to_string(i)] = {i, i + 1, i + 2};
  RoundTrip(state, value);
}
BENCHMARK(SerializeMap);

}  // namespace
}  // namespace troupe

BENCHMARK_MAIN();
