// What the node does because the core says so: the counterpart of scheduler/server/actions.cc.
#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "tests/simulation/world.h"
#include "tests/simulation/world_process.h"

namespace troupe::simulation {

void World::PerformActions() {
  for (auto actions = core_.TakeActions(); !actions.empty(); actions = core_.TakeActions()) {
    for (const scheduler::Action& action : actions)
      std::visit([this](const auto& a) { Do(a); }, action);
    core_.Recycle(std::move(actions));
  }
  for (const auto& process : processes_) {
    wire::Ready message;
    for (const ObjectId id : std::exchange(process->ready, {})) {
      if (core_.objects().Find(id) == nullptr ||
          !core_.objects().HasGrant(id, process->client->id())) {
        continue;  // released meanwhile
      }
      message.values.push_back({id, ValueOf(process->client->id(), id)});
    }
    if (!message.values.empty()) Tell(process->client->id(), message);
  }
}

wire::Value World::ValueOf(ClientId client, ObjectId id) {
  const objectstore::Entry* entry = core_.objects().Find(id);
  TROUPE_CHECK(entry != nullptr, "a value is sent of an object that was freed");
  wire::Value value{wire::Pending{}, {entry->contained().begin(), entry->contained().end()}};
  if (const auto bytes = entry->inline_bytes()) {
    value.content = *bytes;
  } else if (const auto* location = std::get_if<Location>(&entry->content())) {
    value.content = *location;
    core_.LocationTold(id, client);
  } else if (entry->away()) {
    value.content = wire::Away{};
  } else if (entry->failed()) {
    value.content = *entry->error();
  }
  return value;
}

void World::Tell(ClientId client, const wire::NodeMessage& message) {
  Process* process = Find(client);
  if (process == nullptr || !process->alive) return;
  wire::MessageBuffer buffer;
  const wire::Bytes bytes = wire::Encode(message, buffer);
  Frame& frame = process->client->to_client.emplace_back(bytes.size() / sizeof(uint64_t));
  std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(frame)).begin());
}

World::Process* World::Find(ClientId client) {
  for (const auto& process : processes_) {
    if (process->client != nullptr && process->client->id() == client) return process.get();
  }
  return nullptr;
}

void World::Do(const scheduler::SendDispatch& action) {
  ++counts_.dispatches;
  if (trace_) {
    const auto spec = wire::DecodeClientMessage(action.spec.bytes());
    Trace(absl::StrCat("node -> ", troupe::ToString(action.worker), ": slot ", action.slot,
                       ", attempt ", action.attempt, ", ", Describe(*spec)));
  }
  wire::Dispatch dispatch{.slot = action.slot,
                          .generation = action.generation,
                          .attempt = action.attempt,
                          .values = {},
                          .refs = action.inner_refs,
                          .spec = action.spec.bytes(),
                          .time_left_nanos = action.time_left_nanos,
                          .restores = action.restores,
                          .group = action.group};
  for (const auto& [id, copied] : action.values) {
    dispatch.values.push_back({id, ValueOf(action.worker, id)});
    if (!copied && wire::IsCopy(dispatch.values.back()))
      dispatch.values.back().value.content = wire::Pending{};
  }
  Tell(action.worker, dispatch);
}

void World::Do(const scheduler::SendFinished& action) {
  Tell(action.client, wire::Finished{action.count});
}

void World::Do(const scheduler::SendTakenBack& action) {
  Tell(action.worker, wire::TakenBack{action.generations});
}

void World::Do(const scheduler::SendUnreadError& action) {
  Tell(action.client, wire::UnreadError{action.error});
}

void World::Do(const scheduler::SendStop& action) {
  Tell(action.worker, wire::StopTask{action.slot, action.generation, action.error});
}

void World::Do(const scheduler::SendReady& action) {
  if (Process* process = Find(action.client)) process->ready.push_back(action.object);
}

void World::Do(const scheduler::SendStreamed& action) {
  Tell(action.client, wire::Streamed{{{action.object, ValueOf(action.client, action.object)}}});
}

void World::Do(const scheduler::SendStreamDemand& action) {
  Tell(action.worker, wire::StreamDemand{action.task, action.consumed, action.stopped});
}

void World::Do(const scheduler::SendWaitRefused& action) {
  ++counts_.refusals;
  if (trace_) {
    Trace(absl::StrCat("node -> ", troupe::ToString(action.worker), ": wait ", action.wait,
                       action.task.is_null() ? "" : absl::StrCat(" of ", action.task.ToString()),
                       " is refused"));
  }
  Tell(action.worker, wire::WaitRefused{action.error, action.wait, action.task});
}

void World::Do(const scheduler::SendActorFound& action) {
  Tell(action.client, wire::ActorFound{action.request, action.actor, action.type_name});
}

void World::Do(const scheduler::StartWorker& action) {
  ++counts_.workers;
  auto process = std::make_unique<Process>();
  process->number = action.process;
  process->job = action.job;
  processes_.push_back(std::move(process));
}

void World::Do(const scheduler::EndWorker& action) {
  Tell(action.worker, wire::Exit{action.reason});
}

void World::Do(const scheduler::KillWorker& action) {
  for (const auto& process : processes_) {
    if (process->number == action.process) process->kill_asked = true;
  }
  if (action.report) core_.Killed(action.process, "", 1);
}

void World::Do(const scheduler::CreateChunk&) {}

void World::Do(const scheduler::DropChunk& action) {
  lane_.push_back([this, chunk = action.chunk] { memory_.Drop(chunk); });
  for (const auto& process : processes_) {
    if (process->client != nullptr && !process->gone)
      Tell(process->client->id(), wire::DropChunk{action.chunk});
  }
}

void World::Do(const scheduler::SendLease& action) {
  if (Process* process = Find(action.client)) process->recalled = false;
  Tell(action.client, wire::LeaseGranted{action.space});
}

void World::Do(const scheduler::RefuseLease& action) {
  if (keeps_leases_ != nullptr && action.error.message.starts_with("no room for")) {
    Fail(absl::StrCat(ToString(action.client), " has waited for memory in vain, and ",
                      keeps_leases_->Name(), " was not asked for what it has leased"));
  }
  Tell(action.client, wire::LeaseRefused{action.error, action.bytes});
}

void World::Do(const scheduler::PunchChunk& action) {
  lane_.push_back([this, pages = action.pages] { memory_.Punch(pages); });
}

void World::Do(const scheduler::PopulateLease& action) {
  lane_.push_back([this, space = action.space] {
    memory_.Populate(space);
    core_.LeasePopulated(space, "");
  });
}

void World::Do(const scheduler::SendRecall& action) {
  ++counts_.lease_recalls;
  if (Process* process = Find(action.client)) process->recalled = true;
  Tell(action.client, wire::Recall{});
}

void World::Do(const scheduler::SendUnpin& action) {
  Tell(action.client, wire::Unpin{action.pins});
}

// Here every client answers.
void World::Do(const scheduler::CutOff& action) {
  Fail(absl::StrCat(ToString(action.client), " is cut off: ", action.reason));
}

void World::Do(const scheduler::SendFetchRefused& action) {
  Tell(action.client, wire::FetchRefused{action.object, action.error});
}

void World::Do(const scheduler::Spill& action) {
  jobs_.push_back([this, action] {
    const bool fails = Happens(options_.disk_failure_chance);
    std::vector<scheduler::Core::SpillResult> results;
    for (const auto& item : action.items) {
      // Nobody has changed it while it was being written.
      const uint64_t value = memory_.Read(item.place);
      // Some can be compressed.
      objectstore::SpillSlot used = item.slot;
      if (!fails && value % 2 == 0) used.size -= used.size / 3;
      results.push_back({item.object, !fails, 0, item.slot.size - used.size});
      if (fails) continue;
      disk_.Write(used, value);
      ++counts_.spilled;
    }
    if (trace_) Trace(absl::StrCat("disk <- ", action.items.size(), fails ? " fails" : ""));
    core_.SpillEnded(action.file, results, fails ? "no space" : "");
  });
}

void World::Do(const scheduler::Restore& action) {
  lane_.push_back([this, action] {
    memory_.Populate(action.place);
    jobs_.push_back([this, action] {
      using Reading = objectstore::Residency::Reading;
      const bool damaged = Happens(options_.damage_chance);
      const uint64_t value = disk_.Read(action.copy.slot);
      if (!damaged) memory_.Write(action.place, value);
      ++(damaged ? counts_.damaged : counts_.restored);
      if (trace_) Trace(absl::StrCat("disk -> ", action.object.ToString(), damaged ? " lost" : ""));
      const size_t reruns = core_.rerun_count();
      core_.RestoreEnded(action.object, action.place, damaged ? Reading::kLost : Reading::kRead,
                         damaged ? "damaged" : "");
      counts_.rebuilt += core_.rerun_count() - reruns;
    });
  });
}

void World::Do(const scheduler::PunchSpillFile& action) { disk_.Punch(action.hole); }

void World::Do(const scheduler::DropSpillFile& action) { disk_.Drop(action.file); }

}  // namespace troupe::simulation
