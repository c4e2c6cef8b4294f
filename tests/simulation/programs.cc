#include "tests/simulation/programs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/resource_set.h"

namespace troupe::simulation {
namespace {

constexpr std::string_view kSharedActor = "shared";  // detached, found by its name
constexpr std::string_view kSideGroup = "side";      // a concurrency group of every actor

wire::TaskSpec NewSpec(const Options& options) {
  wire::TaskSpec spec;
  spec.cpu_units = kResourceUnit;
  spec.max_retries = options.max_retries;
  spec.name = "Simulated";
  return spec;
}

}  // namespace

Options Options::FromSeed(uint64_t seed) {
  Random random(seed);
  Options options{.seed = seed};
  options.drivers = Roll(random, 4) == 0 ? 2 : 1;
  options.cpus = 1 + static_cast<int>(Roll(random, 4));
  options.store_bytes = Roll(random, 2) == 0 ? 600'000 : 64'000'000;
  if (options.store_bytes < 1'000'000 && Roll(random, 4) != 0) {
    options.spills = true;
    options.store_bytes = 300'000;
    if (Roll(random, 4) == 0) options.spill_quota_bytes = 100'000 + Roll(random, 400'000);
    if (Roll(random, 4) == 0) options.disk_failure_chance = 0.3;
    if (Roll(random, 4) == 0) {
      options.damage_chance = 0.2;
      if (Roll(random, 4) == 0) options.max_lineage_bytes = 500 * Roll(random, 8);
    }
  }
  options.operations = 10 + static_cast<int>(Roll(random, 40));
  if (Roll(random, 2) == 0) {
    options.crash_chance = 0.002 * static_cast<double>(1 + Roll(random, 10));
    options.max_retries = Roll(random, 2) == 0 ? -1 : static_cast<int32_t>(Roll(random, 4));
    options.max_restarts = static_cast<int32_t>(Roll(random, 4)) - 1;
  }
  if (Roll(random, 8) == 0) options.failed_start_chance = 0.3;
  if (Roll(random, 8) == 0) options.memory_chance = 0.01;
  options.drivers_may_die = Roll(random, 6) == 0;
  options.kills_actors = Roll(random, 4) == 0;
  options.stops_tasks = Roll(random, 3) == 0;
  options.priorities = Roll(random, 2) == 0;
  options.retries_errors = Roll(random, 3) == 0;
  // A CPU is left for what the tasks in them submit, and enough for the other driver's.
  if (Roll(random, 2) == 0)
    options.group_units = (options.cpus - 1) * kResourceUnit / options.drivers;
  options.removes_groups = Roll(random, 3) == 0;
  options.max_suspended_calls = 2 * Roll(random, 5);  // the groups share them
  if (Roll(random, 2) == 0) options.max_awake_tasks = Roll(random, 4);
  options.workers_run_on = Roll(random, 4) == 0;
  options.frees = Roll(random, 6) == 0;
  return options;
}

Routine DriverProgram::Run() {
  for (int i = 0; i < options_.operations; ++i) {
    // Where there is a disk, most of what is made is stored, and more of it than fits.
    const uint64_t roll = options_.spills && Roll(random_, 3) != 0 ? 60 : Roll(random_, 100);
    if (roll == 60 && options_.damage_chance > 0 && Roll(random_, 3) != 0) {
      SubmitTask(ScriptKind::kBig);  // what tasks have made can be made again
    } else if (roll < 6 && options_.stops_tasks) {
      SubmitEndless();
    } else if (roll < 10 && options_.stops_tasks && !held_.empty()) {
      Cancel(Held(held_[Roll(random_, held_.size())]));
    } else if (roll < 50) {
      SubmitTask();
    } else if (roll < 53) {
      MakePromise();
    } else if (roll < 58 && options_.group_units > 0) {
      if (bundles_ == 0) {
        MakePlacementGroup();
      } else if (Roll(random_, 3) == 0) {
        DropPlacementGroup();
      }
    } else if (roll < 56) {
      const uint64_t value = random_();
      Hold(client_->PutInline(value, {}), {.fails = false, .value = value}, false);
    } else if (roll < 64) {
      const uint64_t bytes = 1 + Roll(random_, kBigBytes);
      std::optional<Location> space = client_->Carve(bytes);
      if (!space.has_value()) {
        SettleDebts();
        const auto answer = co_await Client::WaitForLease(&thread_, bytes);
        if (const auto* place = std::get_if<Location>(&answer)) space = *place;
      }
      co_await Step();  // it may die while it writes
      if (space.has_value()) {
        const uint64_t value = random_();
        Hold(client_->PutStored(*space, value, {}), {.fails = false, .value = value}, false);
      }
    } else if (roll < 70) {
      CreateActor(Roll(random_, 4) == 0);
    } else if (roll < 73) {
      const uint64_t request = client_->FindActor(kSharedActor);
      const auto found = [&] { return client_->FoundActor(request).has_value(); };
      co_await Until(found);
      const ActorId actor = *client_->FoundActor(request);
      if (!actor.is_null()) held_.push_back({actor, {}, true, true, true, false, false});
    } else if (roll < 88) {
      const auto actor =
          std::find_if(held_.begin(), held_.end(), [](const Held& h) { return h.actor; });
      if (actor != held_.end()) {
        const Held called = *actor;
        Roll(random_, 3) == 0 ? CallActorThatCallsItself(called) : CallActor(called);
      }
    } else if (roll < 96 && !held_.empty()) {
      const size_t which = Roll(random_, held_.size());
      if (options_.frees && Roll(random_, 3) == 0) {
        client_->Free(held_[which].id);
        co_await Step();
        continue;
      }
      if (held_[which].endless) Cancel(Held(held_[which]));
      if (held_[which].promised) KeepPromise(Held(held_[which]));
      client_->DropHandle(held_[which].id);
      held_.erase(held_.begin() + static_cast<ptrdiff_t>(which));
    } else if (!held_.empty()) {
      const Held held = held_[Roll(random_, held_.size())];
      if (held.actor) {
        if (options_.kills_actors) client_->Send(wire::Kill{held.id, Roll(random_, 2) == 0});
      } else {
        SettleDebts();
        (void)co_await Client::WaitFor(&thread_, std::span(&held.id, 1));
        // Whatever happens meanwhile, what it looks at stays.
        const Resolved seen = co_await Client::LookAt(&thread_, held.id);
        if (!seen.error.has_value()) {
          for (uint64_t steps = Roll(random_, 30); steps > 0; --steps) co_await Step();
          client_->CheckLook(held.id, seen);
          client_->EndLook(held.id);
        }
      }
    }
    co_await Step();
  }
  SettleDebts();
  // Everything that was asked for is answered, and right, to any depth.
  while (!held_.empty()) {
    std::vector<Held> inner;
    std::vector<ObjectId> ids;
    for (const Held& held : held_) ids.push_back(held.id);
    (void)co_await Client::WaitFor(&thread_, ids);
    for (const Held& held : held_) {
      if (!client_->IsReady(held.id)) {
        fail_(absl::StrCat(held.id.ToString(), " was waited for and is not there"));
        continue;
      }
      const Resolved resolved = co_await Client::LookAt(&thread_, held.id);
      Check(held, resolved, &inner);
      if (!resolved.error.has_value()) client_->EndLook(held.id);
    }
    for (const Held& held : std::exchange(held_, std::move(inner))) {
      client_->DropHandle(held.id);
      co_await Step();
    }
  }
  finished_ = true;
}

Routine DriverProgram::CleanUp() {
  const uint64_t request = client_->FindActor(kSharedActor);
  const auto found = [&] { return client_->FoundActor(request).has_value(); };
  co_await Until(found);
  const ActorId actor = *client_->FoundActor(request);
  if (!actor.is_null()) {
    client_->Send(wire::Kill{actor, true});
    client_->DropHandle(actor);
  }
  finished_ = true;
}

// Ends only because somebody cancels it or its deadline passes.
void DriverProgram::SubmitEndless() {
  const bool deaf = Roll(random_, 2) == 0;
  const Script script{random_(), 0, deaf ? ScriptKind::kDeaf : ScriptKind::kEndless};
  wire::TaskSpec spec = NewSpec(options_);
  const bool timed = Roll(random_, 2) == 0;
  if (timed) spec.timeout_nanos = 1 + static_cast<int64_t>(Roll(random_, 50'000'000));
  spec.grace_nanos = static_cast<int64_t>(Roll(random_, 3)) * 5'000'000;
  held_.push_back({client_->Submit(script, spec).Result(0),
                   {.fails = true},
                   false,
                   false,
                   false,
                   !timed,
                   false});
}

void DriverProgram::MakePromise() {
  const uint64_t value = random_();
  held_.push_back(
      {client_->MakePromise(), {.fails = false, .value = value}, false, false, false, false, true});
}

void DriverProgram::KeepPromise(const Held& held) {
  std::optional<Location> space;
  if (Roll(random_, 2) == 0) space = client_->Carve(1 + Roll(random_, kBigBytes));
  if (space.has_value()) {
    client_->KeepPromise(held.id, *space, held.expected.value);
  } else {
    client_->KeepPromise(held.id, held.expected.value);
  }
}

// Of one bundle or several, each of half a CPU or more; the last one is for actors.
void DriverProgram::MakePlacementGroup() {
  std::vector<wire::Bundle> bundles;
  for (int64_t left = options_.group_units; left >= kResourceUnit / 2;) {
    int64_t units = kResourceUnit / 2 * static_cast<int64_t>(1 + Roll(random_, 3));
    units = std::min(units, left);
    bundles.push_back({units, {}});
    left -= units;
  }
  const uint64_t value = random_();
  group_ = client_->MakePlacementGroup(bundles, value);
  bundles_ = static_cast<uint32_t>(bundles.size());
  client_->AddHandle(group_);
  Hold(group_, {.fails = false, .value = value}, false);
}

wire::Placement DriverProgram::SomePlacement() {
  if (group_.is_null() || Roll(random_, 2) == 0) return {};
  return {group_, static_cast<uint32_t>(Roll(random_, std::max<uint32_t>(2, bundles_)))};
}

// What is in it still holds it, where it is not removed.
void DriverProgram::DropPlacementGroup() {
  if (group_.is_null()) return;
  if (options_.removes_groups && Roll(random_, 2) == 0)
    client_->Send(wire::RemovePlacementGroup{group_});
  client_->DropHandle(std::exchange(group_, ObjectId()));
}

void DriverProgram::SettleDebts() {
  DropPlacementGroup();
  for (Held& held : held_) {
    if (std::exchange(held.endless, false)) Cancel(held);
    if (std::exchange(held.promised, false)) KeepPromise(held);
  }
}

// By force, since the task may be one that does not listen.
void DriverProgram::Cancel(const Held& held) {
  const bool force = held.expected.fails || Roll(random_, 2) == 0;
  if (!held.actor) client_->Send(wire::Cancel{held.id, force, Roll(random_, 4) != 0});
}

void DriverProgram::Hold(ObjectId id, Outcome expected, bool by_actor) {
  held_.push_back({id, std::move(expected), by_actor, false, false, false, false});
}

void DriverProgram::SubmitTask(std::optional<ScriptKind> kind) {
  Script script = MakeScript(Mix(options_.seed, next_script_++), 0);
  if (kind.has_value()) script.kind = *kind;
  wire::TaskSpec spec = NewSpec(options_);
  if (options_.priorities) spec.priority = static_cast<int32_t>(Roll(random_, 4));
  if (options_.retries_errors && options_.max_retries != 0 && script.kind == ScriptKind::kLeaf &&
      Roll(random_, 3) == 0) {
    script.kind = ScriptKind::kThrowOnce;
    spec.retry_on = 1;
  }
  // Most of all what fails and would run again, so that its time is over in either attempt.
  if (options_.stops_tasks && Roll(random_, spec.retry_on != 0 ? 2 : 5) == 0) {
    spec.timeout_nanos = 1 + static_cast<int64_t>(Roll(random_, 100'000'000));
    spec.grace_nanos = static_cast<int64_t>(Roll(random_, 3)) * 5'000'000;
  }
  spec.placement = SomePlacement();
  if (!spec.placement.group.is_null()) spec.cpu_units = kResourceUnit / 2;
  std::vector<Outcome> arguments;
  bool by_actor = false;
  const uint64_t inline_value = random_();
  const auto add_inline = [&](const Held& inner) {
    spec.arguments.push_back(
        {wire::Argument::Inline{std::as_bytes(std::span(&inline_value, 1)), {inner.id}}});
    arguments.push_back({.fails = false, .value = inline_value, .inner = {inner.expected}});
    by_actor |= inner.by_actor;
  };
  const auto actor =
      std::find_if(held_.begin(), held_.end(), [](const Held& h) { return h.actor; });
  if (actor != held_.end() && !kind.has_value() && Roll(random_, 4) == 0) {
    script.kind = ScriptKind::kCallActor;
    add_inline(*actor);
    by_actor = true;
  } else {
    for (uint64_t n = Roll(random_, 3); n > 0 && !held_.empty(); --n) {
      const Held& held = held_[Roll(random_, held_.size())];
      if (held.actor || held.endless) continue;
      by_actor |= held.by_actor;
      if (Roll(random_, 3) == 0) {
        add_inline(held);
      } else {
        spec.arguments.push_back({held.id});
        arguments.push_back(held.expected);
      }
    }
  }
  const TaskId task = client_->Submit(script, spec);
  Hold(task.Result(0), Evaluate(script, arguments), by_actor);
}

void DriverProgram::CreateActor(bool named) {
  wire::TaskSpec spec = NewSpec(options_);
  spec.kind = wire::TaskKind::kActorCreation;
  spec.cpu_units = 0;
  spec.max_restarts = options_.max_restarts;
  spec.max_task_retries = Roll(random_, 2) == 0 ? 0 : options_.max_retries;
  spec.checkpoint_every = static_cast<uint32_t>(Roll(random_, 3));
  spec.max_concurrency = static_cast<uint32_t>(1 + Roll(random_, 3));
  spec.concurrency_groups = {{std::string(kSideGroup), 1}};
  spec.type_name = "SimulatedActor";
  // Not among the tasks, which would wait for as long as it lives.
  if (!named && bundles_ > 1 && !SomePlacement().group.is_null()) {
    spec.placement = {group_, bundles_};
    if (std::none_of(held_.begin(), held_.end(), [](const Held& h) { return h.actor; }))
      spec.cpu_units = kResourceUnit / 2;
  }
  if (named) {
    spec.actor_name = kSharedActor;
    spec.detached = true;
  }
  const Script script{random_(), 0, ScriptKind::kLeaf};
  const TaskId task = client_->Submit(script, spec);
  held_.push_back({task.Result(0), Evaluate(script, {}), true, true, named, false, false});
}

void DriverProgram::CallActor(const Held& actor) {
  wire::TaskSpec spec = NewSpec(options_);
  spec.kind = wire::TaskKind::kActorCall;
  spec.cpu_units = 0;
  spec.actor = actor.id;
  if (Roll(random_, 4) == 0) spec.concurrency_group = kSideGroup;
  std::vector<Outcome> arguments;
  const Held& argument = held_[Roll(random_, held_.size())];
  if (!argument.actor && !argument.endless) {
    spec.arguments.push_back({argument.id});
    arguments.push_back(argument.expected);
  }
  Script script = MakeScript(random_(), 1);
  if (options_.kills_actors && Roll(random_, 8) == 0) script.kind = ScriptKind::kExitActor;
  const TaskId task = client_->Submit(script, spec);
  Hold(task.Result(0), Evaluate(script, arguments), true);
}

void DriverProgram::CallActorThatCallsItself(const Held& actor) {
  wire::TaskSpec spec = NewSpec(options_);
  spec.kind = wire::TaskKind::kActorCall;
  spec.cpu_units = 0;
  spec.actor = actor.id;
  const uint64_t value = random_();
  spec.arguments.push_back(
      {wire::Argument::Inline{std::as_bytes(std::span(&value, 1)), {actor.id}}});
  const Script script{random_(), 1, ScriptKind::kCallActor};
  const TaskId task = client_->Submit(script, spec);
  Hold(task.Result(0), Evaluate(script, std::vector<Outcome>{{.fails = false, .value = value}}),
       true);
}

bool DriverProgram::MayFailWith(const ErrorInfo& error, const Held& held) const {
  const bool crashes = options_.crash_chance > 0 || options_.memory_chance > 0;
  const bool removes = options_.removes_groups && options_.group_units > 0;
  // Where there is a disk that takes what it is given, there is always room.
  const bool tight = options_.store_bytes < 1'000'000 &&
                     (!options_.spills || options_.spill_quota_bytes != UINT64_MAX ||
                      options_.disk_failure_chance > 0);
  switch (error.kind) {
    case ErrorKind::kTaskError:
      // Where its retries were used up by deaths of its process.
      return held.expected.fails || (options_.retries_errors && options_.max_retries > 0);
    case ErrorKind::kCancelled:
      // What a detached actor had made goes with the driver in whose job that runs.
      return options_.stops_tasks || removes || (held.by_actor && options_.drivers_may_die);
    case ErrorKind::kDeadlineExceeded:
      return options_.stops_tasks;
    case ErrorKind::kWorkerCrashed:
      // A process that is killed for one task may have begun the next one.
      return ((crashes || options_.stops_tasks || removes) && options_.max_retries >= 0) ||
             options_.failed_start_chance > 0;
    case ErrorKind::kOutOfMemory:
      return options_.memory_chance > 0 && options_.max_retries >= 0;
    case ErrorKind::kActorDied:
      return held.by_actor &&
             (crashes || options_.kills_actors || removes || options_.failed_start_chance > 0);
    case ErrorKind::kInvalidArgument:  // another one of that name lives
      return held.by_actor;
    case ErrorKind::kUnavailable:
      return held.by_actor && (crashes || options_.kills_actors) && options_.max_restarts != 0;
    case ErrorKind::kResourceExhausted:
      return tight || held.by_actor;  // a wait that goes round in a circle
    case ErrorKind::kObjectLost:
      if (error.message.find("promise was broken") != std::string::npos)
        return crashes || removes || options_.stops_tasks || options_.kills_actors ||
               options_.drivers_may_die;
      if (error.message.find("was freed by Free") != std::string::npos) return options_.frees;
      return options_.damage_chance > 0 && MayStayLost(error.message);
    default:
      return false;
  }
}

// Of what was damaged on the disk, by what the node says of it.
bool DriverProgram::MayStayLost(const std::string& message) const {
  const auto says = [&](const char* what) { return message.find(what) != std::string::npos; };
  if (says("a value that was Put cannot be made again") || says("a call of an actor made it"))
    return true;
  if (says("none of its max_retries is left")) return options_.max_retries >= 0;
  if (says("forgotten")) return options_.max_lineage_bytes < 1'000'000;
  if (says("its driver has ended")) return options_.drivers_may_die;
  if (says("the placement group of its task")) return options_.group_units > 0;
  return says("its task has run again, and did not end well") &&
         (options_.stops_tasks || options_.max_retries >= 0 || options_.removes_groups ||
          options_.drivers_may_die || options_.failed_start_chance > 0 || options_.frees);
}

void DriverProgram::Check(const Held& held, const Resolved& resolved, std::vector<Held>* inner) {
  if (resolved.error.has_value()) {
    if (!MayFailWith(*resolved.error, held)) {
      fail_(absl::StrCat(held.id.ToString(), " failed: ", resolved.error->ToString()));
    }
    return;
  }
  if (held.named) return;  // it may have been made by another driver
  if (held.expected.fails) {
    fail_(absl::StrCat(held.id.ToString(), " has a value, though its task fails"));
  } else if (resolved.value != held.expected.value) {
    fail_(absl::StrCat(held.id.ToString(), " is ", resolved.value, " instead of ",
                       held.expected.value));
  } else if (resolved.refs.size() != held.expected.inner.size()) {
    fail_(absl::StrCat(held.id.ToString(), " has ", resolved.refs.size(),
                       " references inside instead of ", held.expected.inner.size()));
  } else {
    client_->ClaimAll(held.id, resolved.refs);
    for (size_t i = 0; i < resolved.refs.size(); ++i) {
      inner->push_back(
          {resolved.refs[i], held.expected.inner[i], held.by_actor, false, false, false, false});
    }
  }
}

}  // namespace troupe::simulation
