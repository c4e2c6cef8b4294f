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
    : core_(
          {.total = ResourceSet::Cpus(options.workers), .store_bytes = 64 << 20, .codec = &codec_},
          this) {
  scheduler::Core::JobOptions job;
  job.window = options.window;
  core_.DriverJoined(kDriver, JobId(1), job);
}

void CoreMachine::Submit() { Submit(MakeTaskSpec(next_++)); }

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
  TROUPE_CHECK(core_.Release(kDriver, {{{done.task.Result(0), 1}}}).ok(), "its release");
  Perform();
}

void CoreMachine::Submit(const wire::TaskSpec& spec) {
  TROUPE_CHECK(core_.Submit(kDriver, spec, wire::Encode(spec, buffer_)).ok(), "a task");
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
  for (auto actions = core_.TakeActions(); !actions.empty(); actions = core_.TakeActions()) {
    for (const scheduler::Action& action : actions) {
      if (const auto* start = std::get_if<scheduler::StartWorker>(&action)) {
        const auto worker = ClientId(100 + static_cast<uint64_t>(start->process));
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
