#include "scheduler/core/core_fuzz_world.h"

#include <variant>

#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "core/base/resource_set.h"

namespace troupe::scheduler::fuzz {
namespace {

Core::Config ConfigFor(const FuzzEvent& event, SpecCodec* codec) {
  Core::Config config{.total = ResourceSet::Cpus(1 + event.who % 3),
                      .store_bytes = uint64_t{1} << (18 + event.which % 5),
                      .seed = event.other,
                      .spill_file_bytes = uint64_t{64} << 10,
                      .max_suspended_calls = size_t{1} + event.how % 4,
                      .codec = codec,
                      .max_awake_tasks = event.how % 4u};
  config.total.SetNamed("gpu", kResourceUnit);
  if ((event.much & 1) != 0) config.spill.push_back({"disk", uint64_t{1} << 20});
  if ((event.much & 2) != 0) config.spill.push_back({"other_disk", uint64_t{64} << 10});
  if ((event.much & 4) != 0) config.max_queued_bytes = 1000;
  return config;
}

}  // namespace

World::World(const FuzzEvent& machine) : core_(ConfigFor(machine, &codec_), &words_) {}

void World::Join(Process::Kind kind) {
  Process& process = processes_.emplace_back();
  process.kind = kind;
  process.client = ClientId(next_client_++);
  if (kind == Process::Kind::kDriver) {
    core_.DriverJoined(process.client, JobId(next_job_++), {.name = "job", .window = 16});
  } else {
    core_.ToolJoined(process.client);
  }
}

void World::Leave(Process* process) {
  process->cut_off = true;
  if (process->kind == Process::Kind::kWorker) {
    process->told_to_end = true;  // the server kills it; its death is heard of later
    return;
  }
  process->gone = true;
  if (process->kind == Process::Kind::kDriver) {
    core_.DriverLeft(process->client);
  } else {
    core_.ToolLeft(process->client);
  }
}

void World::Die(Process* process, bool for_want_of_memory) {
  process->gone = true;
  core_.ProcessDied(process->number, "killed by signal 9 (SIGKILL)", 7, for_want_of_memory);
}

void World::PerformActions() {
  for (auto actions = core_.TakeActions(); !actions.empty(); actions = core_.TakeActions()) {
    for (const Action& action : actions) std::visit([this](const auto& a) { Do(a); }, action);
  }
}

void World::Do(const SendDispatch& action) {
  Process* process = Find(action.worker);
  TROUPE_CHECK(process != nullptr, "work is sent to nobody");
  const auto message = wire::DecodeClientMessage(action.spec.bytes());
  TROUPE_CHECK(message.ok(), "a task that cannot be decoded is sent");
  const auto& spec = std::get<wire::TaskSpec>(*message);
  for (const auto& [id, copied] : action.values) {
    if (!copied) Tell(action.worker, id);
  }
  process->sent.push_back({.task = spec.id,
                           .kind = spec.kind,
                           .num_returns = spec.num_returns,
                           .slot = action.slot,
                           .generation = action.generation,
                           .attempt = action.attempt});
}

void World::Do(const StartWorker& action) {
  Process& process = processes_.emplace_back();
  process.kind = Process::Kind::kWorker;
  process.number = action.process;
}

void World::Do(const EndWorker& action) {
  Process* process = Find(action.worker);
  TROUPE_CHECK(process != nullptr, "nobody is told to end");
  process->told_to_end = true;
}

void World::Do(const KillWorker& action) {
  Process* process =
      Find(0, [&](const Process& p) { return !p.gone && p.number == action.process; });
  TROUPE_CHECK(process != nullptr, "nobody is killed");
  process->told_to_end = true;
  if (action.report) core_.Killed(action.process, "; its last words", 1);
}

void World::Do(const SendReady& action) {
  // As the server: what was released meanwhile is not told.
  if (core_.objects().HasGrant(action.object, action.client)) Tell(action.client, action.object);
}

// Whoever is told where an object lies has a pin.
void World::Tell(ClientId client, ObjectId id) {
  const objectstore::Entry* entry = core_.objects().Find(id);
  TROUPE_CHECK(entry != nullptr, "somebody is told of an object that was freed");
  if (std::holds_alternative<Location>(entry->content())) core_.LocationTold(id, client);
  Remember(id);
}

void World::Do(const SendLease& action) {
  if (Process* process = Find(action.client)) process->leases.push_back(action.space);
}

void World::Do(const SendRecall& action) {
  Process* process = Find(action.client);
  if (process == nullptr) return;
  for (const Location& unused : std::exchange(process->leases, {})) {
    if (!process->can_send()) return;  // it lied about the last one, and is cut off
    Expect(process, core_.ReturnLease(process->client, unused));
  }
}

void World::Do(const SendUnpin& action) {
  if (Process* process = Find(action.client))
    process->questions.insert(process->questions.end(), action.pins.begin(), action.pins.end());
}

// Actors that live by their name alone are ended by whoever knows it.
void World::EndDetachedActors() {
  Join(Process::Kind::kDriver);
  Process* process = &processes_.back();
  for (const std::string_view name : kNames) {
    found_ = ActorId();
    Expect(process, core_.FindActor(process->client, {1, name}));
    PerformActions();
    if (!found_.is_null()) Expect(process, core_.Kill(process->client, {found_, true}));
    PerformActions();
  }
  TROUPE_CHECK(!process->gone, "an honest client was refused");
  Leave(process);
}

// What still runs for a detached actor, or is one until its calls are done, does its work, and lets
// go of what it was sent. False: there is nothing to do.
bool World::WorkOn() {
  const auto living = [](const Process& p) { return !p.gone; };
  if (Find(0, [&](const Process& p) { return living(p) && p.client == ClientId::kNone; })) {
    Happen(CoreEvent::kWorkerJoins, {});
    return true;
  }
  if (Process* process = Find(0, [&](const Process& p) { return living(p) && !p.sent.empty(); })) {
    const Sent sent = process->sent.front();
    process->sent.erase(process->sent.begin());
    if (!sent.begun && !words_.TryBegin(process->client, sent.slot, sent.generation)) return true;
    if (sent.suspended)
      Expect(process, core_.Resume(process->client, {sent.task, sent.attempt, sent.slot}));
    wire::Complete complete{sent.task, sent.attempt, sent.slot, {}};
    complete.results.resize(sent.num_returns);
    Expect(process, core_.Complete(process->client, complete));
    return true;
  }
  ObjectId first;
  Process* holder = nullptr;
  core_.objects().ForEach([&](const objectstore::Entry& entry) {
    const ObjectId id = entry.id;
    if (!first.is_null() && first < id) return;
    Process* process = Find(
        0, [&](const Process& p) { return living(p) && core_.objects().HasGrant(id, p.client); });
    if (process == nullptr) return;
    first = id;
    holder = process;
  });
  if (holder == nullptr) return false;
  Expect(holder, core_.Release(holder->client, {{{first, 1}}}));
  return true;
}

void World::End() {
  constexpr int kEndOfPatience = 10'000;
  for (size_t i = 0; i < processes_.size(); ++i) {
    Process& process = processes_[i];
    if (process.gone || process.kind == Process::Kind::kWorker) continue;
    Leave(&process);
    PerformActions();
  }
  EndDetachedActors();
  for (int rounds = 0;; ++rounds) {
    TROUPE_CHECK(rounds < kEndOfPatience, "it goes in circles");
    PerformActions();
    core_.CheckInvariants();
    Process* process = Find(0, [](const Process& p) { return !p.gone && p.told_to_end; });
    if (!populating_.empty()) {
      EndPopulate(0, false);
    } else if (!spills_.empty()) {
      EndSpill(0, false);
    } else if (!restores_.empty()) {
      EndRestore(0, objectstore::Residency::Reading::kRead);
    } else if (process != nullptr) {
      Die(process, false);
    } else if (WorkOn()) {
      continue;
    } else if (core_.NextDeadline() != INT64_MAX) {
      TROUPE_CHECK(core_.NextDeadline() > now_nanos_ || rounds < kEndOfPatience / 2,
                   "a deadline that passes and stays");
      now_nanos_ = std::max(now_nanos_, core_.NextDeadline());
      core_.AdvanceTo(now_nanos_);
    } else {
      break;
    }
  }
  TROUPE_CHECK(
      std::all_of(processes_.begin(), processes_.end(), [](const Process& p) { return p.gone; }),
      "a process that nobody ends");
  TROUPE_CHECK(core_.task_count() == 0, "a task is left");
  TROUPE_CHECK(core_.actor_count() == 0, "an actor is left");
  TROUPE_CHECK(core_.job_count() == 0, "a job is left");
  TROUPE_CHECK(core_.objects().count() == 0, "an object is left");
  TROUPE_CHECK(core_.residency().count() == 0, "a place is left");
  TROUPE_CHECK(core_.residency().questions().clients() == 0, "a question is left");
  TROUPE_CHECK(core_.space().sealed_bytes() == 0 && core_.space().leased_bytes() == 0,
               "memory is left");
  TROUPE_CHECK(core_.spill().used() == 0 && core_.spill().file_count() == 0, "a file is left");
  TROUPE_CHECK(core_.workers().free() == core_.workers().total(), "resources are missing");
}

}  // namespace troupe::scheduler::fuzz
