// Random events for the scheduler core: drivers, tools and workers that work, wait, lie and die in
// any order, and a store and a disk that answer late or not at all.
//
// Input: FuzzEvents, of which core_events.h says what they mean; the first one chooses the machine.
// What a client sends may be anything that the decoder lets through; a client that was refused is
// cut off, as the server does. What the server guarantees is kept. After each event the core's
// invariants hold. Who has told no lie is not refused what is certainly its right (to complete what
// it runs, to yield the next item). At the end every client leaves, every process that was told to
// end does, and nothing is left.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/check.h"
#include "core/base/fuzz_events.h"
#include "core/base/ids.h"
#include "core/base/limits.h"
#include "core/base/resource_set.h"
#include "core/wire/messages.h"
#include "objectstore/table/object_table.h"
#include "objectstore/table/residency.h"
#include "scheduler/core/actions.h"
#include "scheduler/core/core.h"
#include "scheduler/core/core_events.h"
#include "scheduler/core/wire_spec_codec.h"

namespace troupe::scheduler {
namespace {

constexpr uint64_t kPage = 4096;
constexpr std::array<std::string_view, 3> kNames = {"ann", "bob", "cem"};

// The state words that the core and the workers share.
class Words : public TaskWords {
 public:
  void Queue(ClientId worker, uint32_t slot, uint64_t generation) override {
    words_[{worker, slot}] = {generation, State::kQueued};
  }
  bool TryRecall(ClientId worker, uint32_t slot, uint64_t generation) override {
    return Change(worker, slot, generation, State::kRecalled);
  }
  bool HasBegun(ClientId worker, uint32_t slot, uint64_t generation) override {
    const Word& word = words_[{worker, slot}];
    return word.generation == generation && word.state == State::kBegun;
  }
  // The worker's side.
  bool TryBegin(ClientId worker, uint32_t slot, uint64_t generation) {
    return Change(worker, slot, generation, State::kBegun);
  }

 private:
  enum class State { kQueued, kBegun, kRecalled };
  struct Word {
    uint64_t generation = 0;
    State state = State::kRecalled;
  };
  bool Change(ClientId worker, uint32_t slot, uint64_t generation, State to) {
    Word& word = words_[{worker, slot}];
    if (word.generation != generation || word.state != State::kQueued) return false;
    word.state = to;
    return true;
  }

  std::map<std::pair<ClientId, uint32_t>, Word> words_;
};

// A task that a worker was sent, as the worker knows it.
struct Sent {
  TaskId task;
  wire::TaskKind kind = wire::TaskKind::kTask;
  uint32_t num_returns = 0;
  uint32_t slot = 0;
  uint64_t generation = 0;
  uint32_t attempt = 0;
  uint32_t items = 0;
  bool begun = false;
  bool suspended = false;
};

struct Process {
  enum class Kind { kDriver, kTool, kWorker };
  Kind kind = Kind::kDriver;
  ProcessId number = ProcessId::kNone;  // of a worker
  ClientId client = ClientId::kNone;    // none while it starts
  bool gone = false;                    // the core has heard of it
  bool cut_off = false;                 // it was refused: nothing that it sends arrives
  bool told_to_end = false;
  uint64_t next_sequence = 1;
  std::map<ActorId, uint64_t> calls;
  std::vector<Sent> sent;
  std::vector<Location> leases;
  std::vector<wire::Pin> questions;
  std::vector<ObjectId> promises;

  bool can_send() const { return !gone && !cut_off && client != ClientId::kNone; }
};

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

class World {
 public:
  explicit World(const FuzzEvent& machine) : core_(ConfigFor(machine, &codec_), &words_) {}

  void Perform(const FuzzEvent& event) {
    Happen(CoreEvent(event.what % kCoreEvents), event);
    PerformActions();
    core_.CheckInvariants();
  }

  void End();

 private:
  // --- Who.

  template <typename Wanted>
  Process* Find(uint8_t which, Wanted wanted) {
    std::vector<Process*> found;
    for (Process& process : processes_) {
      if (wanted(process)) found.push_back(&process);
    }
    return found.empty() ? nullptr : found[which % found.size()];
  }
  Process* Sender(uint8_t which) {
    return Find(which, [](const Process& p) { return p.can_send(); });
  }
  Process* Owner(uint8_t which) {  // of a job
    return Find(which,
                [](const Process& p) { return p.can_send() && p.kind != Process::Kind::kTool; });
  }
  // A worker; one that was sent work where there is one, unless it lies.
  Process* AtWork(const FuzzEvent& event) {
    Process* process = Find(event.who, [&](const Process& p) {
      return p.can_send() && p.kind == Process::Kind::kWorker && !p.sent.empty();
    });
    return process == nullptr || (event.how & kLies) != 0 ? Sender(event.who) : process;
  }
  Process* Find(ClientId client) {
    return Find(0, [&](const Process& p) { return !p.gone && p.client == client; });
  }

  // --- What about.

  // An object on which the process has a grant, or, as a lie, any one. Null: there is none.
  ObjectId Object(const Process& process, uint8_t which, bool lies) const {
    std::vector<ObjectId> found;
    for (const ObjectId id : objects_) {
      if (lies || core_.objects().HasGrant(id, process.client)) found.push_back(id);
    }
    return found.empty() ? ObjectId() : found[which % found.size()];
  }
  template <typename Of>
  ObjectId ObjectOf(const std::vector<ObjectId>& some, const Process& process,
                    const FuzzEvent& event, Of of) const {
    if ((event.how & kLies) != 0) return Object(process, event.which, true);
    std::vector<ObjectId> found;
    for (const ObjectId id : some) {
      if (of(id)) found.push_back(id);
    }
    return found.empty() ? ObjectId() : found[event.which % found.size()];
  }
  ObjectId Granted(const std::vector<ObjectId>& some, const Process& process,
                   const FuzzEvent& event) const {
    return ObjectOf(some, process, event,
                    [&](ObjectId id) { return core_.objects().HasGrant(id, process.client); });
  }
  void Remember(ObjectId id) {
    constexpr size_t kObjects = 48;
    objects_.push_back(id);
    if (objects_.size() > kObjects) objects_.erase(objects_.begin());
  }
  ObjectId NewObject(Process* process) {
    const ObjectId id = ObjectId::Make(process->client, process->next_sequence++);
    Remember(id);
    return id;
  }
  static Sent* FindSent(Process* process, uint8_t which) {
    return process->sent.empty() ? nullptr : &process->sent[which % process->sent.size()];
  }

  // --- Values.

  // Containers in a circle keep themselves for ever, as any counted references do: none is made.
  bool Reaches(ObjectId from, ObjectId target) const {
    if (from == target) return true;
    const objectstore::Entry* entry = core_.objects().Find(from);
    return entry != nullptr && std::any_of(entry->contained().begin(), entry->contained().end(),
                                           [&](ObjectId inner) { return Reaches(inner, target); });
  }
  // Of a value that object `id` is to have.
  wire::Value MakeValue(Process* process, const FuzzEvent& event, ObjectId id) {
    static constexpr std::string_view kBytes = "0123456789abcdef0123456789abcdef";
    const wire::Bytes some = std::as_bytes(std::span(kBytes.data(), event.much % kBytes.size()));
    switch (event.how % 4) {
      case 1: {
        Location place{ChunkId(1), uint64_t{event.which} * 64, uint64_t{event.much} * 64};
        if ((event.how & kLies) != 0) return {place, {}};
        if (process->leases.empty()) break;
        Location& lease = process->leases[event.other % process->leases.size()];
        const uint64_t bytes =
            std::min(lease.size, (uint64_t{64} * (1 + event.much)) << event.which % 4);
        place = {lease.chunk, lease.offset, bytes};
        lease.offset += bytes;
        lease.size -= bytes;
        std::erase_if(process->leases, [](const Location& l) { return l.size == 0; });
        return {place, {}};
      }
      case 2: {
        const ObjectId inner = Object(*process, event.other, (event.how & kLies) != 0);
        if (inner.is_null() || Reaches(inner, id)) break;
        return {some, {inner}};
      }
      case 3:
        return {ErrorInfo{.kind = ErrorKind::kTaskError, .message = "it failed"}, {}};
      default:
        break;
    }
    return {some, {}};
  }

  void Happen(CoreEvent what, const FuzzEvent& event);
  void Join(Process::Kind kind);
  void Leave(Process* process);
  void Die(Process* process, bool for_want_of_memory);
  void Submit(CoreEvent what, const FuzzEvent& event);
  void Complete(const FuzzEvent& event);
  void YieldItem(const FuzzEvent& event);
  void SuspendOrResume(CoreEvent what, const FuzzEvent& event);
  void MakePlacementGroup(const FuzzEvent& event);
  void SendOfObject(CoreEvent what, Process* process, const FuzzEvent& event);
  void AnswerQuestion(Process* process, const FuzzEvent& event);
  void EndSpill(uint8_t which, bool fails);
  void EndRestore(uint8_t which, objectstore::Residency::Reading reading);
  void EndPopulate(uint8_t which, bool fails);
  void Sample(const FuzzEvent& event);
  void Report(const FuzzEvent& event) const;
  void EndDetachedActors();
  bool WorkOn();
  // A client that is refused is cut off.
  void Expect(Process* process, const absl::Status& status) {
    if (!status.ok()) Leave(process);
  }

  void PerformActions();
  template <typename Unseen>
  void Do(const Unseen&) {}
  void Do(const SendDispatch& action);
  void Do(const SendActorFound& action) { found_ = action.actor; }
  void Do(const StartWorker& action);
  void Do(const EndWorker& action);
  void Do(const KillWorker& action);
  void Do(const SendReady& action);
  void Do(const SendStreamed& action) { Tell(action.client, action.object); }
  void Do(const PopulateLease& action) { populating_.push_back(action.space); }
  void Do(const SendLease& action);
  void Do(const SendRecall& action);
  void Do(const SendUnpin& action);
  void Do(const Spill& action) { spills_.push_back(action); }
  void Do(const Restore& action) { restores_.push_back(action); }
  void Tell(ClientId client, ObjectId id);

  Words words_;
  WireSpecCodec codec_;
  Core core_;
  int64_t now_nanos_ = 0;
  std::deque<Process> processes_;  // all that ever were
  uint64_t next_client_ = 1;
  uint32_t next_job_ = 1;
  std::vector<ObjectId> objects_;  // the last ones
  std::vector<ObjectId> actors_;
  std::vector<ObjectId> groups_;
  std::vector<TaskId> streams_;
  ActorId found_;
  std::vector<Location> populating_;
  std::vector<Spill> spills_;
  std::vector<Restore> restores_;
};

void World::Happen(CoreEvent what, const FuzzEvent& event) {
  const bool lies = (event.how & kLies) != 0;
  switch (what) {
    case CoreEvent::kDriverJoins:
      return Join(Process::Kind::kDriver);
    case CoreEvent::kToolJoins:
      return Join(Process::Kind::kTool);
    case CoreEvent::kWorkerJoins: {
      Process* process =
          Find(event.who, [](const Process& p) { return !p.gone && p.client == ClientId::kNone; });
      if (process == nullptr) return;
      process->client = ClientId(next_client_++);
      TROUPE_CHECK(core_.WorkerJoined(process->number, process->client).ok(),
                   "a process that was started is not known");
      return;
    }
    case CoreEvent::kClientLeaves:
      if (Process* process = Sender(event.who)) Leave(process);
      return;
    case CoreEvent::kProcessDies: {
      Process* process = Find(
          event.who, [](const Process& p) { return !p.gone && p.kind == Process::Kind::kWorker; });
      if (process != nullptr) Die(process, (event.how & 1) != 0);
      return;
    }
    case CoreEvent::kSubmitTask:
    case CoreEvent::kSubmitStream:
    case CoreEvent::kSubmitActor:
    case CoreEvent::kSubmitCall:
    case CoreEvent::kSubmitPlaced:
      return Submit(what, event);
    case CoreEvent::kBegin:
      if (Process* process = AtWork(event)) {
        Sent* sent = FindSent(process, event.which);
        if (sent == nullptr || sent->begun) return;
        sent->begun = words_.TryBegin(process->client, sent->slot, sent->generation);
        if (!sent->begun)
          process->sent.erase(process->sent.begin() + (sent - process->sent.data()));
      }
      return;
    case CoreEvent::kComplete:
      return Complete(event);
    case CoreEvent::kStreamItem:
      return YieldItem(event);
    case CoreEvent::kSuspend:
    case CoreEvent::kResume:
      return SuspendOrResume(what, event);
    case CoreEvent::kMakePlacementGroup:
      return MakePlacementGroup(event);
    case CoreEvent::kExitActor:
      if (Process* process = AtWork(event)) Expect(process, core_.ExitActor(process->client));
      return;
    case CoreEvent::kBlocked:
      if (Process* process = AtWork(event)) {
        std::vector<ObjectId> ids = {Object(*process, event.which, lies),
                                     Object(*process, event.other, lies)};
        std::erase_if(ids, [](ObjectId id) { return id.is_null(); });
        const auto needed = static_cast<uint32_t>(lies ? event.much : ids.size());
        Expect(process,
               core_.Blocked(process->client, {std::move(ids), needed, uint64_t{event.much}}));
      }
      return;
    case CoreEvent::kUnblocked:
      if (Process* process = AtWork(event)) Expect(process, core_.Unblocked(process->client));
      return;
    case CoreEvent::kRequestLease:
      if (Process* process = Sender(event.who)) {
        const uint64_t bytes = lies ? 0 : ((1 + event.much) * kPage) << event.how % 4;
        Expect(process, core_.RequestLease(process->client, bytes));
      }
      return;
    case CoreEvent::kReturnLease:
      if (Process* process = Sender(event.who)) {
        Location unused{ChunkId(1), uint64_t{event.which} * 64, uint64_t{event.much} * 64};
        if (!lies) {
          if (process->leases.empty()) return;
          unused = process->leases.back();
          process->leases.pop_back();
        }
        Expect(process, core_.ReturnLease(process->client, unused));
      }
      return;
    case CoreEvent::kPopulated:
      return EndPopulate(event.which, (event.how & 1) != 0);
    case CoreEvent::kSpillEnded:
      return EndSpill(event.which, (event.how & 1) != 0);
    case CoreEvent::kRestoreEnded:
      return EndRestore(event.which, objectstore::Residency::Reading(event.how % 3));
    case CoreEvent::kMemorySampled:
      return Sample(event);
    case CoreEvent::kTimePasses:
      now_nanos_ += int64_t{1} << event.much % 38;
      core_.AdvanceTo(now_nanos_);
      return;
    case CoreEvent::kReport:
      return Report(event);
    default:
      if (Process* process = Sender(event.who)) SendOfObject(what, process, event);
  }
}

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

void World::Submit(CoreEvent what, const FuzzEvent& event) {
  const bool lies = (event.how & kLies) != 0;
  Process* process = lies ? Sender(event.who) : Owner(event.who);
  if (process == nullptr) return;
  wire::TaskSpec spec;
  spec.id = TaskId::Make(process->client, process->next_sequence++);
  spec.name = "Work";
  spec.type_name = "Counter";
  spec.grace_nanos = 1'000'000;
  if (Sent* sent = FindSent(process, event.which)) spec.caller.task = sent->task;
  if ((event.much & 0x80) != 0) spec.timeout_nanos = 1'000'000'000;
  if (lies && event.other % 8 == 0) spec.id = TaskId::Make(ClientId(1 + event.which % 8), 1);
  if (what == CoreEvent::kSubmitActor) {
    spec.kind = wire::TaskKind::kActorCreation;
    spec.max_restarts = static_cast<int32_t>(event.much % 4) - 1;
    spec.max_task_retries = static_cast<int32_t>(event.much % 2);
    spec.detached = (event.much & 4) != 0;
    if (const size_t name = event.much / 8 % 4; name > 0) spec.actor_name = kNames[name - 1];
    spec.max_concurrency = (event.much & 0x20) != 0 ? 2 : 1;
    if ((event.much & 0x40) != 0) spec.concurrency_groups = {{"io", lies ? event.which : 1}};
    spec.max_pending_calls = event.which % 4;
    spec.checkpoint_every = 1;
    spec.num_returns = lies && event.other % 8 == 1 ? 2 : 1;
  } else if (what == CoreEvent::kSubmitCall) {
    spec.kind = wire::TaskKind::kActorCall;
    spec.actor = Granted(actors_, *process, event);
    if (spec.actor.is_null()) return;
    spec.sequence = lies ? event.much : ++process->calls[spec.actor];
    if ((event.much & 1) != 0) spec.concurrency_group = "io";
  } else {
    spec.cpu_units = int64_t{event.much / 4 % 4} * kResourceUnit / 2;
    if (event.which % 8 == 7) spec.resources = {{"gpu", kResourceUnit}};
    spec.max_retries = static_cast<int32_t>(event.much % 4) - 1;
    spec.retry_on = event.which % 2;
    spec.max_calls = event.which % 16 == 5 ? 1 : 0;
    spec.depth = event.much / 16 % 4;
    spec.priority = event.much / 64 % 2;
    if (what == CoreEvent::kSubmitStream) {
      spec.stream_window = 2;
      streams_.push_back(spec.id);
    } else {
      spec.num_returns = 1 + event.which % 3;
      if (lies && event.other % 8 == 2) spec.num_returns = 0;
    }
    if (what == CoreEvent::kSubmitPlaced) {
      spec.placement.group = Granted(groups_, *process, event);
      spec.placement.bundle = event.which % 4;
    }
  }
  if (const ObjectId argument = Object(*process, event.other, lies); !argument.is_null()) {
    const int form = event.how % 4;
    if (form == 1) spec.arguments.push_back({argument});
    if (form == 2) spec.arguments.push_back({wire::Argument::Inline{{}, {argument}}});
    if (form == 3) spec.arguments.push_back({wire::Argument::Objects{argument, argument}});
  }
  wire::MessageBuffer buffer;
  const wire::Bytes bytes = wire::Encode(spec, buffer);
  const absl::StatusOr<wire::ClientMessage> message = wire::DecodeClientMessage(bytes);
  if (!message.ok()) return Leave(process);
  for (uint32_t i = 0; i < std::min(spec.num_returns, 3u); ++i) Remember(spec.id.Result(i));
  if (what == CoreEvent::kSubmitActor) actors_.push_back(spec.id.Result(0));
  Expect(process, core_.Submit(process->client, std::get<wire::TaskSpec>(*message), bytes));
}

void World::Complete(const FuzzEvent& event) {
  Process* process = AtWork(event);
  if (process == nullptr) return;
  const bool lies = (event.how & kLies) != 0;
  Sent* sent = FindSent(process, event.which);
  wire::Complete complete;
  bool rightful = false;
  if (sent != nullptr) {
    if (!lies && !sent->begun) return;
    complete = {sent->task, sent->attempt, sent->slot, {}};
    for (uint32_t i = 0; i < sent->num_returns; ++i)
      complete.results.push_back(MakeValue(process, event, sent->task.Result(i)));
    complete.retry = (event.how & 4) != 0 && event.how % 4 == 3;
    rightful = !lies && !sent->suspended;
    process->sent.erase(process->sent.begin() + (sent - process->sent.data()));
  } else if (!objects_.empty()) {
    complete.task = objects_[event.which % objects_.size()].task();
  }
  if (lies) {
    if ((event.much & 1) != 0) complete.attempt += event.other;
    if ((event.much & 2) != 0) complete.slot += event.other;
    if ((event.much & 4) != 0) complete.results.resize(event.other % 4);
  }
  const absl::Status status = core_.Complete(process->client, complete);
  TROUPE_CHECK(status.ok() || !rightful, "a worker may not complete what it runs");
  Expect(process, status);
}

void World::YieldItem(const FuzzEvent& event) {
  Process* process = AtWork(event);
  if (process == nullptr) return;
  const bool lies = (event.how & kLies) != 0;
  Sent* sent = FindSent(process, event.which);
  if (sent == nullptr || (!sent->begun && !lies)) return;
  const bool stream = std::find(streams_.begin(), streams_.end(), sent->task) != streams_.end();
  if (!stream && !lies) return;
  wire::StreamItem item{sent->task, sent->attempt, sent->slot, sent->items, {}};
  item.value = MakeValue(process, event, sent->task.Result(1 + item.index));
  if (lies) item.index += event.much;
  const absl::Status status = core_.StreamItem(process->client, item);
  TROUPE_CHECK(status.ok() || lies, "a worker may not yield what it is asked for");
  if (status.ok()) ++sent->items;
  Expect(process, status);
}

void World::SuspendOrResume(CoreEvent what, const FuzzEvent& event) {
  Process* process = AtWork(event);
  if (process == nullptr) return;
  const bool lies = (event.how & kLies) != 0;
  Sent* sent = FindSent(process, event.which);
  if (sent == nullptr) return;
  if (!lies && (!sent->begun || sent->kind != wire::TaskKind::kActorCall ||
                sent->suspended != (what == CoreEvent::kResume))) {
    return;
  }
  sent->suspended = what == CoreEvent::kSuspend;
  if (what == CoreEvent::kResume) {
    Expect(process, core_.Resume(process->client, {sent->task, sent->attempt, sent->slot}));
  } else {
    Expect(process, core_.Suspend(process->client, {sent->task, sent->attempt, sent->slot,
                                                    Object(*process, event.other, lies),
                                                    event.much % (lies ? 128u : 2u)}));
  }
}

void World::MakePlacementGroup(const FuzzEvent& event) {
  Process* process = (event.how & kLies) != 0 ? Sender(event.who) : Owner(event.who);
  if (process == nullptr) return;
  wire::PlacementGroup group;
  group.id = NewObject(process);
  for (int i = 0; i < event.much % 4; ++i)
    group.bundles.push_back({int64_t{event.much / 4 % 4} * kResourceUnit / 2, {}});
  if (!group.bundles.empty() && event.which % 4 == 0)
    group.bundles[0].resources = {{"gpu", kResourceUnit / 2}};
  group.strategy = wire::PlacementStrategy(event.much / 16 % 4);
  groups_.push_back(group.id);
  Expect(process, core_.MakePlacementGroup(process->client, group));
}

// What a client sends of one object.
void World::SendOfObject(CoreEvent what, Process* process, const FuzzEvent& event) {
  const bool lies = (event.how & kLies) != 0;
  const ClientId client = process->client;
  const ObjectId id = Object(*process, event.which, lies);
  switch (what) {
    case CoreEvent::kSeal: {
      const ObjectId sealed = lies && !id.is_null() ? id : NewObject(process);
      return Expect(process, core_.Seal(client, {sealed, MakeValue(process, event, sealed)}));
    }
    case CoreEvent::kPromise:
      process->promises.push_back(lies && !id.is_null() ? id : NewObject(process));
      return Expect(process, core_.MakePromise(client, {process->promises.back()}));
    case CoreEvent::kKeepPromise: {
      if (process->promises.empty()) return;
      const ObjectId promise = process->promises.back();
      if (!lies) process->promises.pop_back();
      return Expect(process, core_.Seal(client, {promise, MakeValue(process, event, promise)}));
    }
    case CoreEvent::kFindActor:
      return Expect(process,
                    core_.FindActor(client, {event.much, kNames[event.which % kNames.size()]}));
    case CoreEvent::kStreamDemand: {
      if (streams_.empty()) return;
      const TaskId stream = streams_[event.which % streams_.size()];
      if (stream.client() != client && !lies) return;
      return Expect(process,
                    core_.StreamDemand(client, {stream, event.much, (event.how & 1) != 0}));
    }
    case CoreEvent::kUnpinned:
      return AnswerQuestion(process, event);
    case CoreEvent::kKill: {
      const ObjectId actor = Granted(actors_, *process, event);
      if (actor.is_null()) return;
      return Expect(process, core_.Kill(client, {actor, (event.how & 1) == 0}));
    }
    case CoreEvent::kRemovePlacementGroup: {
      const ObjectId group = Granted(groups_, *process, event);
      if (group.is_null()) return;
      return Expect(process, core_.RemovePlacementGroup(client, group));
    }
    default:
      break;
  }
  if (id.is_null()) return;
  switch (what) {
    case CoreEvent::kSubscribe:
      return Expect(process, core_.Subscribe(client, {{id}}));
    case CoreEvent::kRelease:
      return Expect(process, core_.Release(client, {{{id, std::max<uint32_t>(1, event.much)}}}));
    case CoreEvent::kClaim: {
      const uint32_t first = event.how % 4, count = event.much % 4;
      return Expect(process, core_.Claim(client, {id, first, count}));
    }
    case CoreEvent::kFetch:
      return Expect(process, core_.Fetch(client, {{id}}));
    case CoreEvent::kFree:
      return Expect(process, core_.Free(client, {{id}}));
    case CoreEvent::kCancel:
      return Expect(process,
                    core_.Cancel(client, {id, (event.how & 1) != 0, (event.how & 2) != 0}));
    case CoreEvent::kCheckpoint:
      if (!lies && core_.objects().Find(id)->pending()) return;
      return Expect(process, core_.Checkpoint(client, {id}));
    default:
      TROUPE_CHECK(false, "an event that nobody performs");
  }
}

void World::AnswerQuestion(Process* process, const FuzzEvent& event) {
  if (process->questions.empty()) return;
  wire::Pin answer = process->questions[event.which % process->questions.size()];
  if ((event.how & kLies) != 0) {
    answer.serial += event.much;
  } else {
    std::erase_if(process->questions, [&](const wire::Pin& pin) { return pin.id == answer.id; });
  }
  wire::Unpinned unpinned;
  ((event.how & 1) != 0 ? unpinned.refused : unpinned.agreed).push_back(answer);
  Expect(process, core_.Unpinned(process->client, unpinned));
}

template <typename T>
std::optional<T> Take(std::vector<T>* list, uint8_t which) {
  if (list->empty()) return std::nullopt;
  const auto it = list->begin() + static_cast<ptrdiff_t>(which % list->size());
  T taken = std::move(*it);
  list->erase(it);
  return taken;
}

void World::EndPopulate(uint8_t which, bool fails) {
  // One lane populates and punches, in order; which of two that do not touch comes first does not
  // matter to the core.
  if (const auto space = Take(&populating_, which); space.has_value())
    core_.LeasePopulated(*space, fails ? "no memory" : "");
}

void World::EndSpill(uint8_t which, bool fails) {
  const auto spill = Take(&spills_, which);
  if (!spill.has_value()) return;
  std::vector<Core::SpillResult> results;
  for (const auto& item : spill->items) {
    const uint64_t saved = fails || which % 2 == 0 ? 0 : item.slot.size / 2;
    results.push_back({item.object, !fails, 5, saved});
  }
  core_.SpillEnded(spill->file, results, fails ? "no space left on device" : "");
}

void World::EndRestore(uint8_t which, objectstore::Residency::Reading reading) {
  const auto restore = Take(&restores_, which);
  if (!restore.has_value()) return;
  const bool read = reading == objectstore::Residency::Reading::kRead;
  core_.RestoreEnded(restore->object, restore->place, reading, read ? "" : "it is damaged");
}

void World::Sample(const FuzzEvent& event) {
  if (!core_.WantsMemorySamples()) return;
  Core::MemorySample sample{.used = event.much, .limit = 200};
  core_.workers().ForEach([&](const Worker& worker) {
    sample.processes.emplace_back(worker.process, uint64_t{event.other} << 20);
  });
  core_.MemorySampled(sample);
}

void World::Report(const FuzzEvent& event) const {
  static constexpr std::array<std::string_view, 8> kQueries = {
      "",      "list tasks",   "list actors", "list workers", "list groups", "list tasks --json",
      "why x", "story o-1.2.0"};
  (void)core_.Report(kQueries[event.how % kQueries.size()]);
  (void)core_.Memory(event.much);
  if (objects_.empty()) return;
  const ObjectId id = objects_[event.which % objects_.size()];
  (void)core_.Why(id);
  (void)core_.Story(id);
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
  for (const ObjectId id : action.dependencies) Tell(action.worker, id);
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
  if (process == nullptr || !process->can_send()) return;
  for (const Location& unused : std::exchange(process->leases, {}))
    Expect(process, core_.ReturnLease(process->client, unused));
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
  TROUPE_CHECK(core_.space().sealed_bytes() == 0 && core_.space().leased_bytes() == 0,
               "memory is left");
  TROUPE_CHECK(core_.spill().used() == 0 && core_.spill().file_count() == 0, "a file is left");
  TROUPE_CHECK(core_.workers().free() == core_.workers().total(), "resources are missing");
}

}  // namespace
}  // namespace troupe::scheduler

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<troupe::FuzzEvent> events = troupe::FuzzEvents(data, size);
  if (events.empty()) return 0;
  troupe::scheduler::World world(events[0]);
  for (size_t i = 1; i < events.size(); ++i) world.Perform(events[i]);
  world.End();
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return troupe::MutateFuzzEvents(data, size, max_size, seed);
}
