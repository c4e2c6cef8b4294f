#include "bench/core_machine.h"

#include <utility>
#include <variant>

#include "core/base/check.h"

namespace bench {

using troupe::ClientId;
using troupe::JobId;
using troupe::ResourceSet;
using troupe::TaskId;
namespace scheduler = troupe::scheduler;
namespace wire = troupe::wire;

namespace {

// Workers have the clients' ids after this one, in the order of their processes.
constexpr uint64_t kWorkers = 100;

ClientId NthDriver(int64_t i) { return ClientId(static_cast<uint64_t>(kDriver) + uint64_t(i)); }

}  // namespace

wire::TaskSpec MakeTaskSpec(uint64_t sequence) {
  wire::TaskSpec spec;
  spec.id = TaskId::Make(kDriver, sequence);
  spec.entry = 4096;
  spec.cpu_units = troupe::kResourceUnit;
  spec.max_retries = 3;
  spec.name = "Work";
  for (int i = 0; i < 3; ++i) spec.arguments.push_back({wire::Argument::Inline{kArgument, {}}});
  return spec;
}

CoreMachine::CoreMachine(Options options)
    : options_(options),
      core_({.total = ResourceSet::Cpus(options.workers),
             .store_bytes = 64 << 20,
             .codec = &codec_,
             .max_client_objects = uint64_t{1} << 40,
             .max_client_bytes = uint64_t{1} << 40},
            this) {
  scheduler::Core::JobOptions job;
  job.window = options.window;
  for (int i = 0; i < options.jobs; ++i)
    core_.DriverJoined(NthDriver(i), JobId(static_cast<uint32_t>(i + 1)), job);
}

void CoreMachine::Submit() {
  const auto sequence = static_cast<int64_t>(next_);
  wire::TaskSpec spec = MakeTaskSpec(next_++);
  if (options_.jobs > 1) spec.id = TaskId::Make(NthDriver(sequence % options_.jobs), next_);
  spec.cpu_units -= sequence % options_.shapes;
  Submit(spec);
}

troupe::ObjectId CoreMachine::Put() {
  const auto id = troupe::ObjectId::Make(kDriver, next_++);
  wire::Value value;
  value.content = wire::Bytes(kArgument);
  TROUPE_CHECK(core_.Seal(kDriver, {id, value}).ok(), "an object");
  Perform();
  return id;
}

void CoreMachine::SubmitWith(const std::vector<troupe::ObjectId>& arguments) {
  wire::TaskSpec spec = MakeTaskSpec(next_++);
  spec.arguments.clear();
  for (const troupe::ObjectId id : arguments) spec.arguments.push_back({id});
  Submit(spec);
}

void CoreMachine::KillWorker() {
  TROUPE_CHECK(!idle(), "a task that was dispatched");
  const ClientId worker = dispatched_.front().worker;
  std::erase_if(dispatched_, [&](const Dispatched& task) { return task.worker == worker; });
  const auto process = static_cast<scheduler::ProcessId>(static_cast<uint64_t>(worker) - kWorkers);
  core_.ProcessDied(process, "killed by signal 9 (SIGKILL)", 1);
  Perform();
}

size_t CoreMachine::MakeActor() {
  TROUPE_CHECK(idle(), "nothing that is completed before the actor is made");
  wire::TaskSpec spec = MakeTaskSpec(next_++);
  spec.kind = wire::TaskKind::kActorCreation;
  spec.cpu_units = 0;
  spec.type_name = "Worker";
  Submit(spec);
  Complete();  // its result is the handle, which is kept
  Perform();
  actors_.push_back({spec.id.Result(0)});
  return actors_.size() - 1;
}

void CoreMachine::Call(size_t actor) {
  wire::TaskSpec spec = MakeTaskSpec(next_++);
  spec.kind = wire::TaskKind::kActorCall;
  spec.cpu_units = 0;
  spec.actor = actors_[actor].id;
  spec.sequence = ++actors_[actor].calls;
  Submit(spec);
}

void CoreMachine::CompleteOne() {
  const Dispatched done = Complete();
  TROUPE_CHECK(core_.Release(DriverOf(done.task), {{{done.task.Result(0), 1}}}).ok(),
               "its release");
  Perform();
}

void CoreMachine::Submit(const wire::TaskSpec& spec) {
  TROUPE_CHECK(core_.Submit(DriverOf(spec.id), spec, wire::Encode(spec, buffer_)).ok(), "a task");
  Perform();
}

CoreMachine::Dispatched CoreMachine::Complete() {
  TROUPE_CHECK(!idle(), "a task that was dispatched");
  const Dispatched done = dispatched_.front();
  dispatched_.pop_front();
  wire::Complete complete{done.task, done.attempt, done.slot, {}};
  complete.results.push_back({wire::Bytes(kArgument), {}});
  TROUPE_CHECK(core_.Complete(done.worker, complete).ok(), "its completion");
  return done;
}

void CoreMachine::Perform() {
  while (core_.has_actions()) {
    auto actions = core_.TakeActions();
    for (const scheduler::Action& action : actions) {
      if (const auto* start = std::get_if<scheduler::StartWorker>(&action)) {
        const auto worker = ClientId(kWorkers + static_cast<uint64_t>(start->process));
        TROUPE_CHECK(core_.WorkerJoined(start->process, worker).ok(), "a worker");
      } else if (const auto* dispatch = std::get_if<scheduler::SendDispatch>(&action)) {
        const auto spec = wire::DecodeClientMessage(dispatch->spec.bytes());
        TROUPE_CHECK(spec.ok(), "a task as it was submitted");
        dispatched_.push_back({dispatch->worker, std::get<wire::TaskSpec>(*spec).id,
                               dispatch->attempt, dispatch->slot});
      }
    }
    core_.Recycle(std::move(actions));
  }
}

}  // namespace bench
