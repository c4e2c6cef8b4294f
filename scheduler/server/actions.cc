// The part of Node that performs what the core has decided.
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/log.h"
#include "core/base/string_view.h"
#include "scheduler/server/node.h"

namespace troupe::scheduler {

void Node::Perform() {
  // Performing may feed the core (a process that cannot be started), and more actions come out.
  while (core_.has_actions()) {
    std::vector<Action> actions = core_.TakeActions();
    for (const Action& action : actions) std::visit([this](const auto& a) { Do(a); }, action);
    core_.Recycle(std::move(actions));
  }
}

// The value as it goes to this client; "pending" where it would make the message too large, so that
// the client asks for it.
wire::Value Node::ValueOf(Connection* connection, ObjectId id, size_t* inline_budget) {
  const objectstore::Entry* entry = core_.objects().Find(id);
  TROUPE_CHECK(entry != nullptr, "a value is sent of an object that was freed");
  wire::Value value;
  value.refs.assign(entry->contained().begin(), entry->contained().end());
  if (const auto bytes = entry->inline_bytes()) {
    if (bytes->size() > *inline_budget) {
      value.refs.clear();
      value.content = wire::Pending{};
      return value;
    }
    *inline_budget -= bytes->size();
    value.content = *bytes;
  } else if (const auto* location = std::get_if<Location>(&entry->content())) {
    connection->Introduce(location->chunk, *chunks_.Find(location->chunk),
                          objectstore::Mapping::Access::kRead);
    value.content = *location;
    core_.LocationTold(id, connection->client);
  } else if (entry->away()) {
    value.content = wire::Away{};
  } else if (entry->failed()) {
    value.content = *entry->error();
  } else {
    value.content = wire::Pending{};
  }
  return value;
}

void Node::Do(const SendDispatch& action) {
  Connection* connection = Find(action.worker);
  if (connection == nullptr) return;
  wire::Dispatch dispatch;
  dispatch.slot = action.slot;
  dispatch.generation = action.generation;
  dispatch.attempt = action.attempt;
  dispatch.refs = action.inner_refs;
  dispatch.spec = action.spec.bytes();
  dispatch.time_left_nanos = action.time_left_nanos;
  dispatch.restores = action.restores;
  dispatch.group = action.group;
  size_t copies = Limits::kMaxInlineBytesPerMessage;
  size_t others = connection->channel->max_inline_bytes();
  dispatch.values.reserve(action.values.size());
  for (const auto& [id, copied] : action.values) {
    dispatch.values.push_back({id, ValueOf(connection, id, copied ? &copies : &others)});
    // No more room for copies: its worker asks for it.
    if (!copied && wire::IsCopy(dispatch.values.back()))
      dispatch.values.back().value.content = wire::Pending{};
  }
  connection->Send(dispatch);
}

void Node::Do(const SendFinished& action) {
  if (Connection* connection = Find(action.client)) connection->Send(wire::Finished{action.count});
}

void Node::Do(const SendTakenBack& action) {
  if (Connection* connection = Find(action.worker))
    connection->Send(wire::TakenBack{action.generations});
}

void Node::Do(const SendUnreadError& action) {
  if (Connection* connection = Find(action.client))
    connection->Send(wire::UnreadError{action.error});
}

void Node::Do(const SendStop& action) {
  if (Connection* connection = Find(action.worker))
    connection->Send(wire::StopTask{action.slot, action.generation, action.error});
}

void Node::Do(const SendReady& action) {
  if (Connection* connection = Find(action.client)) connection->ready.push_back(action.object);
}

// All that has become ready for the client in this turn, in as few messages as the limits allow.
void Node::TellReady(Connection* connection) {
  wire::Ready message;
  const size_t limit = connection->channel->max_inline_bytes();
  size_t budget = limit;
  constexpr size_t kValuesPerMessage = 1024;
  for (const ObjectId id : std::exchange(connection->ready, {})) {
    const objectstore::Entry* entry = core_.objects().Find(id);
    // It may have been released meanwhile; then nobody there waits for it.
    if (entry == nullptr || !core_.objects().HasGrant(id, connection->client)) continue;
    wire::Value value = ValueOf(connection, id, &budget);
    if (std::holds_alternative<wire::Pending>(value.content) ||
        message.values.size() == kValuesPerMessage) {
      if (!message.values.empty()) connection->Send(std::exchange(message, {}));
      // A value may be larger than the limit of a small ring: alone in its message, it goes in
      // fragments.
      const auto bytes = entry->inline_bytes();
      budget = std::max(limit, bytes.has_value() ? bytes->size() : 0);
      value = ValueOf(connection, id, &budget);
    }
    message.values.push_back({id, std::move(value)});
  }
  if (!message.values.empty()) connection->Send(std::move(message));
}

// At once, and what was ready before it: an item is never behind the end of its stream.
void Node::Do(const SendStreamed& action) {
  Connection* connection = Find(action.client);
  if (connection == nullptr) return;
  if (!connection->ready.empty()) TellReady(connection);
  size_t budget = Limits::kMaxMessageBytes;  // alone in its message, it goes in fragments
  connection->Send(wire::Streamed{{{action.object, ValueOf(connection, action.object, &budget)}}});
}

void Node::Do(const SendStreamDemand& action) {
  if (Connection* connection = Find(action.worker)) {
    connection->Send(wire::StreamDemand{action.task, action.consumed, action.stopped});
  }
}

void Node::Do(const SendWaitRefused& action) {
  if (Connection* connection = Find(action.worker))
    connection->Send(wire::WaitRefused{action.error, action.wait, action.task});
}

void Node::Do(const SendActorFound& action) {
  if (Connection* connection = Find(action.client)) {
    connection->Send(wire::ActorFound{action.request, action.actor, action.type_name});
  }
}

void Node::Do(const StartWorker& action) {
  const auto image = images_.find(action.job);
  TROUPE_CHECK(image != images_.end(), "a worker is started for a job without an image");
  absl::StatusOr<Launcher::Started> started = launcher_->Start(action.process, image->second);
  if (!started.ok()) {
    core_.ProcessDied(action.process, ToStd(started.status().message()), 0);
    return;
  }
  auto connection = std::make_unique<Connection>(std::move(started->socket));
  connection->process = action.process;
  connection->nonce = started->nonce;
  connection->job = action.job;
  connection->pid = launcher_->PidOf(action.process);
  AddConnection(std::move(connection));
}

void Node::Do(const EndWorker& action) {
  if (Connection* connection = Find(action.worker)) connection->Send(wire::Exit{action.reason});
}

void Node::Do(const KillWorker& action) {
  launcher_->Kill(action.process);
  if (action.report)
    core_.Killed(action.process, launcher_->LastLines(action.process),
                 launcher_->PidOf(action.process));
}

void Node::Do(const CreateChunk& action) { chunks_.Create(action.chunk, action.bytes); }

void Node::Do(const DropChunk& action) {
  chunks_.Drop(action.chunk);
  for (const auto& connection : connections_) {
    if (connection->state == Connection::State::kActive && connection->Forget(action.chunk)) {
      connection->Send(wire::DropChunk{action.chunk});
    }
  }
}

void Node::Do(const PunchChunk& action) { chunks_.Punch(action.pages); }

void Node::Do(const PopulateLease& action) {
  chunks_.Populate(action.space, [this, space = action.space](const std::string& failure) {
    core_.LeasePopulated(space, failure);
    Perform();
  });
}

void Node::Do(const SendLease& action) {
  Connection* connection = Find(action.client);
  if (connection == nullptr) return;
  const auto chunk = chunks_.Find(action.space.chunk);
  // Both: what it writes, it also reads, by the read-only mapping.
  connection->Introduce(action.space.chunk, *chunk, objectstore::Mapping::Access::kWrite);
  connection->Introduce(action.space.chunk, *chunk, objectstore::Mapping::Access::kRead);
  connection->Send(wire::LeaseGranted{action.space});
}

void Node::Do(const RefuseLease& action) {
  if (Connection* connection = Find(action.client))
    connection->Send(wire::LeaseRefused{action.error, action.bytes});
}

void Node::Do(const SendRecall& action) {
  if (Connection* connection = Find(action.client)) connection->Send(wire::Recall{});
}

void Node::Do(const SendUnpin& action) {
  if (Connection* connection = Find(action.client)) connection->Send(wire::Unpin{action.pins});
}

// At the end of the turn.
void Node::Do(const CutOff& action) {
  if (Connection* connection = Find(action.client))
    connection->failure = absl::DeadlineExceededError(ToAbsl(action.reason));
}

void Node::Do(const SendFetchRefused& action) {
  if (Connection* connection = Find(action.client))
    connection->Send(wire::FetchRefused{action.object, action.error});
}

void Node::Do(const Spill& action) {
  spiller_.Write(action, [this, file = action.file](const std::vector<Core::SpillResult>& results,
                                                    const std::string& failure) {
    core_.SpillEnded(file, results, failure);
    Perform();
  });
}

void Node::Do(const Restore& action) {
  spiller_.ReadBack(action,
                    [this, id = action.object, place = action.place](
                        objectstore::Residency::Reading reading, const std::string& failure) {
                      core_.RestoreEnded(id, place, reading, failure);
                      Perform();
                    });
}

void Node::Do(const PunchSpillFile& action) { spiller_.Punch(action.hole); }

void Node::Do(const DropSpillFile& action) { spiller_.Drop(action.file); }

}  // namespace troupe::scheduler
