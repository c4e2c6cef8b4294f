#include "tests/simulation/client.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"

namespace troupe::simulation {
namespace {

wire::Bytes BytesOf(const uint64_t& value) { return std::as_bytes(std::span(&value, 1)); }

Frame FrameOf(wire::Bytes bytes) {
  Frame frame(bytes.size() / sizeof(uint64_t));
  std::memcpy(frame.data(), bytes.data(), bytes.size());
  return frame;
}

}  // namespace

void Memory::Write(const Location& object, uint64_t value) {
  std::erase_if(values_, [&](const auto& entry) {
    const Location& old = entry.second.first;
    return old.chunk == object.chunk && old.offset < object.offset + object.size &&
           object.offset < old.offset + old.size;
  });
  values_[{object.chunk, object.offset}] = {object, value};
}

uint64_t Memory::Read(const Location& object) const {
  const auto it = values_.find({object.chunk, object.offset});
  TROUPE_CHECK(it != values_.end() && it->second.first == object,
               "an object is read whose memory holds something else by now");
  return it->second.second;
}

void Memory::Drop(ChunkId chunk) {
  std::erase_if(values_, [&](const auto& entry) { return entry.first.first == chunk; });
}

void Client::Send(const wire::ClientMessage& message) {
  wire::MessageBuffer buffer;
  to_node.push_back(FrameOf(wire::Encode(message, buffer)));
}

void Client::Take(ObjectId id) {
  references_.Granted(id);
  references_.AddHandle(id);
}

void Client::DropHandle(ObjectId id) {
  if (references_.DropHandle(id)) objects_.erase(id);
}

void Client::ClaimAll(ObjectId container, const std::vector<ObjectId>& ids) {
  if (ids.empty()) return;
  for (const ObjectId id : ids) Take(id);
  Send(wire::Claim{container, 0, static_cast<uint32_t>(ids.size())});
}

void Client::SendReleases() {
  wire::Release message;
  for (const auto& release : references_.TakeReleases())
    message.grants.push_back({release.id, release.count});
  Send(message);
}

ObjectId Client::NewObject(Known content, std::vector<ObjectId> refs) {
  const ObjectId id = ObjectId::Make(id_, next_sequence_++);
  Take(id);
  objects_[id] = {.subscribed = false, .content = std::move(content), .refs = std::move(refs)};
  return id;
}

ObjectId Client::PutInline(uint64_t value, std::vector<ObjectId> refs) {
  const ObjectId id = NewObject(value, refs);
  Send(wire::Seal{id, {BytesOf(value), std::move(refs)}});
  return id;
}

ObjectId Client::PutStored(const Location& space, uint64_t value, std::vector<ObjectId> refs) {
  memory_->Write(space, value);
  const ObjectId id = NewObject(space, refs);
  Send(wire::Seal{id, {space, std::move(refs)}});
  return id;
}

TaskId Client::Submit(const Script& script, wire::TaskSpec spec) {
  spec.id = TaskId::Make(id_, next_sequence_++);
  spec.depth = script.depth;
  spec.callable = std::as_bytes(std::span(&script, 1));
  if (spec.kind == wire::TaskKind::kActorCall) spec.sequence = ++call_sequences_[spec.actor];
  for (uint32_t i = 0; i < spec.num_returns; ++i) {
    Take(spec.id.Result(i));
    objects_[spec.id.Result(i)].subscribed = true;
  }
  Send(spec);
  return spec.id;
}

uint64_t Client::SendBlocked(wire::Blocked blocked) {
  Send(std::move(blocked));
  return ++waits_;
}

void Client::BeginRunning(const wire::Dispatch& dispatch) {
  running_ = {dispatch.slot, dispatch.generation};
  stopped_.reset();
}

void Client::Complete(const DispatchedTask& task, wire::Value value) {
  Send(wire::Complete{task.spec.id, task.dispatch.attempt, task.dispatch.slot, {std::move(value)}});
}

uint64_t Client::FindActor(std::string_view name) {
  Send(wire::FindActor{next_request_, name});
  return next_request_++;
}

bool Client::IsReady(ObjectId id) const {
  const auto it = objects_.find(id);
  return it != objects_.end() && it->second.content.index() != 0;
}

Resolved Client::Read(ObjectId id) const {
  TROUPE_CHECK(references_.Holds(id) && IsReady(id), "an object is read that is not there");
  const Object& object = objects_.at(id);
  Resolved resolved{.error = {}, .value = 0, .refs = object.refs};
  if (const auto* error = std::get_if<ErrorInfo>(&object.content)) {
    resolved.error = *error;
  } else if (const auto* location = std::get_if<Location>(&object.content)) {
    resolved.value = memory_->Read(*location);
  } else {
    resolved.value = std::get<uint64_t>(object.content);
  }
  return resolved;
}

void Client::Receive(const Frame& frame) {
  const absl::StatusOr<wire::NodeMessage> message =
      wire::DecodeNodeMessage(std::as_bytes(std::span(frame)));
  TROUPE_CHECK(message.ok(), "a frame of the node that cannot be decoded");
  if (const auto* ready = std::get_if<wire::Ready>(&*message)) {
    for (const wire::ReadyValue& value : ready->values) Learn(value);
  } else if (std::holds_alternative<wire::Dispatch>(*message)) {
    DispatchedTask& task = tasks.emplace_back();
    task.frame = frame;
    task.dispatch =
        std::get<wire::Dispatch>(*wire::DecodeNodeMessage(std::as_bytes(std::span(task.frame))));
    task.spec_frame = FrameOf(task.dispatch.spec);
    task.spec = std::get<wire::TaskSpec>(
        *wire::DecodeClientMessage(std::as_bytes(std::span(task.spec_frame))));
    for (const wire::ReadyValue& value : task.dispatch.values) {
      Take(value.id);
      Learn(value);
    }
    for (const ObjectId id : task.dispatch.refs) Take(id);
  } else if (const auto* lease = std::get_if<wire::LeaseGranted>(&*message)) {
    leases_.Granted(lease->space);
    lease_asked_ = false;
  } else if (const auto* refused = std::get_if<wire::LeaseRefused>(&*message)) {
    lease_refusal_ = refused->error;
    lease_asked_ = false;
  } else if (const auto* wait = std::get_if<wire::WaitRefused>(&*message)) {
    wait_refusal_.emplace(wait->error, wait->wait);
  } else if (const auto* stop = std::get_if<wire::StopTask>(&*message)) {
    if (running_ == std::pair(stop->slot, stop->generation)) stopped_ = stop->error;
  } else if (const auto* found = std::get_if<wire::ActorFound>(&*message)) {
    if (!found->actor.is_null()) Take(found->actor);
    found_[found->request] = found->actor;
  } else if (std::holds_alternative<wire::Exit>(*message)) {
    exit_asked = true;
  }
}

void Client::Learn(const wire::ReadyValue& ready) {
  if (!references_.Holds(ready.id)) return;  // released meanwhile
  Object& object = objects_[ready.id];
  if (object.content.index() != 0) return;
  if (const auto* bytes = std::get_if<wire::Bytes>(&ready.value.content)) {
    uint64_t value = 0;
    TROUPE_CHECK(bytes->size() >= sizeof(value), "a value that lost its bytes");
    std::memcpy(&value, bytes->data(), sizeof(value));
    object.content = value;
  } else if (const auto* location = std::get_if<Location>(&ready.value.content)) {
    object.content = *location;
  } else if (const auto* error = std::get_if<ErrorInfo>(&ready.value.content)) {
    object.content = *error;
  }
  object.refs = ready.value.refs;
}

bool Client::WaitFor::AllReady() const {
  return std::all_of(ids_.begin(), ids_.end(), [&](ObjectId id) { return client_->IsReady(id); });
}

void Client::WaitFor::await_suspend(Routine::Handle handle) {
  wire::Subscribe subscribe;
  for (const ObjectId id : ids_) {
    Object& object = client_->objects_[id];
    if (object.content.index() == 0 && !std::exchange(object.subscribed, true))
      subscribe.ids.push_back(id);
  }
  if (!subscribe.ids.empty()) client_->Send(subscribe);
  std::vector<ObjectId> pending;
  for (const ObjectId id : ids_) {
    if (!client_->IsReady(id)) pending.push_back(id);
  }
  const auto needed = static_cast<uint32_t>(pending.size());
  wait_ = client_->SendBlocked({std::move(pending), needed});
  handle.promise().ready.emplace(ready_);
}

std::optional<ErrorInfo> Client::WaitFor::await_resume() {
  if (wait_ != 0) client_->Send(wire::Unblocked{});
  if (AllReady()) return std::nullopt;
  if (client_->stopped_.has_value()) return client_->stopped_;
  return client_->wait_refusal_->first;
}

void Client::WaitForLease::await_suspend(Routine::Handle handle) {
  for (const Location& unused : client_->leases_.TakeSurplus(1))
    client_->Send(wire::ReturnLease{unused});
  if (client_->owes_releases()) client_->SendReleases();
  client_->Send(wire::LeaseRequest{bytes_});
  client_->SendBlocked({});
  client_->lease_asked_ = true;
  handle.promise().ready.emplace(ready_);
}

std::optional<ErrorInfo> Client::WaitForLease::await_resume() {
  client_->Send(wire::Unblocked{});
  return std::exchange(client_->lease_refusal_, std::nullopt);
}

}  // namespace troupe::simulation
