// What an event means: who sends what, and what the machine does.
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "scheduler/core/core_fuzz_world.h"

namespace troupe::scheduler::fuzz {
namespace {

constexpr uint64_t kPage = 4096;

template <typename T>
std::optional<T> Take(std::vector<T>* list, uint8_t which) {
  if (list->empty()) return std::nullopt;
  const auto it = list->begin() + static_cast<ptrdiff_t>(which % list->size());
  T taken = std::move(*it);
  list->erase(it);
  return taken;
}

}  // namespace

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
        process->leases_may_be_gone |= lies;
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
  const absl::Status status =
      core_.Submit(process->client, std::get<wire::TaskSpec>(*message), bytes);
  if (status.ok() && what == CoreEvent::kSubmitStream) streams_.push_back(spec.id);
  Expect(process, status);
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
    rightful = !lies && !sent->suspended && !process->leases_may_be_gone;
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
  TROUPE_CHECK(status.ok() || lies || process->leases_may_be_gone,
               "a worker may not yield what it is asked for");
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
    process->lied_about_places = true;
  } else {
    std::erase_if(process->questions, [&](const wire::Pin& pin) { return pin.id == answer.id; });
  }
  wire::Unpinned unpinned;
  ((event.how & 1) != 0 ? unpinned.refused : unpinned.agreed).push_back(answer);
  const absl::Status status = core_.Unpinned(process->client, unpinned);
  TROUPE_CHECK(status.ok() || process->lied_about_places, "an honest answer was refused");
  Expect(process, status);
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

}  // namespace troupe::scheduler::fuzz
