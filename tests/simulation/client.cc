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

void Client::Send(const wire::ClientMessage& message) {
  wire::MessageBuffer buffer;
  to_node.push_back(FrameOf(wire::Encode(message, buffer)));
}

void Client::Take(ObjectId id) { references_.Take(id); }

void Client::DropHandle(ObjectId id) {
  if (!references_.DropHandle(id)) return;
  fetch_refusals_.erase(id);
}

void Client::DropGiven(const wire::Dispatch& given) {
  for (const wire::ReadyValue& value : given.values) {
    if (!wire::IsCopy(value)) DropHandle(value.id);
  }
  for (const ObjectId id : given.refs) DropHandle(id);
}

void Client::ClaimAll(ObjectId container, const std::vector<ObjectId>& ids) {
  if (ids.empty()) return;
  for (const ObjectId id : ids) Take(id);
  Send(wire::Claim{container, 0, static_cast<uint32_t>(ids.size())});
}

void Client::SendReleases() {
  wire::Release message;
  for (const auto& release : references_.TakeReleases())
    message.grants.push_back({release.id, release.count, release.unread});
  Send(message);
}

ObjectId Client::NewObject(Known content, std::vector<ObjectId> refs) {
  const ObjectId id = ObjectId::Make(id_, next_sequence_++);
  objectstore::ObjectCache::Made(references_.Take(id), std::move(content), std::move(refs));
  return id;
}

ObjectId Client::PutInline(uint64_t value, std::vector<ObjectId> refs) {
  const ObjectId id = NewObject(BytesOf(value), refs);
  Send(wire::Seal{id, {BytesOf(value), std::move(refs)}});
  return id;
}

ObjectId Client::PutStored(const Location& space, uint64_t value, std::vector<ObjectId> refs) {
  memory_->Write(space, value);
  const ObjectId id = NewObject(space, refs);
  Send(wire::Seal{id, {space, std::move(refs)}});
  return id;
}

ObjectId Client::ExpectNew() {
  const ObjectId id = ObjectId::Make(id_, next_sequence_++);
  objectstore::ObjectCache::Expect(references_.Take(id));
  return id;
}

ObjectId Client::MakePromise() {
  const ObjectId id = ExpectNew();
  Send(wire::Promise{id});
  return id;
}

ObjectId Client::MakePlacementGroup(std::vector<wire::Bundle> bundles, uint64_t value) {
  const ObjectId id = ExpectNew();
  Send(wire::PlacementGroup{id, std::move(bundles), wire::PlacementStrategy::kPack, "simulated",
                            BytesOf(value)});
  return id;
}

void Client::KeepPromise(ObjectId id, uint64_t value) {
  Send(wire::Seal{id, {BytesOf(value), {}}});
}

void Client::KeepPromise(ObjectId id, const Location& space, uint64_t value) {
  memory_->Write(space, value);
  Send(wire::Seal{id, {space, {}}});
}

void Client::Free(ObjectId id) {
  objects_.Free(id, std::make_shared<const ErrorInfo>(ErrorInfo{
                        .kind = ErrorKind::kObjectLost, .message = "it was freed by Free here"}));
  Send(wire::Free{{id}});
}

TaskId Client::Submit(const Script& script, wire::TaskSpec spec) {
  spec.id = TaskId::Make(id_, next_sequence_++);
  spec.depth = script.depth;
  spec.callable = std::as_bytes(std::span(&script, 1));
  if (spec.kind == wire::TaskKind::kActorCall) spec.sequence = ++call_sequences_[spec.actor];
  for (uint32_t i = 0; i < spec.num_returns; ++i) {
    objectstore::ObjectCache::Expect(references_.Take(spec.id.Result(i)));
  }
  Send(spec);
  return spec.id;
}

void Client::Tell(const scheduler::RunningCalls::Tell& tell) {
  if (tell.has_value()) std::visit([this](const auto& message) { Send(message); }, *tell);
}

void Client::Thread::Begin(TaskId task, const wire::Dispatch& dispatch, uint32_t number) {
  running_ = {dispatch.slot, dispatch.generation};
  task_ = task;
  attempt_ = dispatch.attempt;
  number_ = number;
  suspensions_ = 0;
  stopped_.reset();
  client_->Tell(client_->calls_.Begin());
}

void Client::Thread::End() {
  running_ = {0, 0};
  client_->Tell(client_->calls_.End());
}

void Client::Thread::BeginWait(std::vector<ObjectId> ids, size_t needed) {
  const scheduler::RunningCalls::Wait wait =
      client_->calls_.BeginWait(std::move(ids), needed, number_);
  wait_ = wait.number;
  client_->Tell(wait.tell);
}

std::optional<ErrorInfo> Client::Thread::EndWait() {
  if (wait_ == 0) return std::nullopt;  // it did not have to wait
  std::optional<ErrorInfo> why;
  if (client_->WaitIsRefused()) why = client_->wait_refusal_->first;
  client_->Tell(client_->calls_.EndWait(std::exchange(wait_, 0)));
  return stopped_.has_value() ? stopped_ : why;
}

void Client::Complete(const DispatchedTask& task, wire::Value value) {
  Send(wire::Complete{task.spec.id, task.dispatch.attempt, task.dispatch.slot, {std::move(value)}});
}

void Client::CompleteToRetry(const DispatchedTask& task, wire::Value value) {
  Send(wire::Complete{
      task.spec.id, task.dispatch.attempt, task.dispatch.slot, {std::move(value)}, true});
}

uint64_t Client::FindActor(std::string_view name) {
  Send(wire::FindActor{next_request_, name});
  return next_request_++;
}

bool Client::IsReady(ObjectId id) const { return objects_.IsResolved(id); }

Resolved Client::Read(ObjectId id) const {
  const objectstore::ObjectRecord* object = objects_.Find(id);
  TROUPE_CHECK(references_.Holds(id) && object != nullptr && object->known(),
               "an object is read that is not there");
  Resolved resolved{
      .error = {}, .value = 0, .refs = {object->refs().begin(), object->refs().end()}};
  if (const ErrorInfo* error = object->error()) {
    resolved.error = *error;
  } else if (const Location* location = object->location()) {
    resolved.value = memory_->Read(*location);
  } else {
    std::memcpy(&resolved.value, object->bytes().data(), sizeof(resolved.value));
  }
  return resolved;
}

void Client::CheckLook(ObjectId id, const Resolved& seen) const {
  TROUPE_CHECK(Read(id).value == seen.value, "a value that changed under a view");
}

void Client::CheckViews() const {
  for (const auto& [id, count] : views_) (void)Read(id);
}

void Client::EndLook(ObjectId id) {
  if (objects_.Find(id)->location() != nullptr) {
    if (--views_[id] == 0) views_.erase(id);
    if (const auto serial = objects_.DropView(id)) Send(wire::Unpinned{{{id, *serial}}, {}});
  }
  DropHandle(id);
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
      if (wire::IsCopy(value)) continue;
      Take(value.id);
      Learn(value);
    }
    for (const ObjectId id : task.dispatch.refs) Take(id);
  } else if (const auto* taken_back = std::get_if<wire::TakenBack>(&*message)) {
    for (const uint64_t generation : taken_back->generations) {
      const auto it = std::find_if(tasks.begin(), tasks.end(), [&](const DispatchedTask& task) {
        return task.dispatch.generation == generation;
      });
      if (it == tasks.end()) continue;
      DropGiven(it->dispatch);
      tasks.erase(it);
    }
  } else if (const auto* lease = std::get_if<wire::LeaseGranted>(&*message)) {
    leases_.Granted(lease->space);
  } else if (const auto* refused = std::get_if<wire::LeaseRefused>(&*message)) {
    leases_.Refused(refused->bytes, refused->error);
  } else if (std::holds_alternative<wire::Recall>(*message)) {
    for (const Location& unused : leases_.TakeAll()) Send(wire::ReturnLease{unused});
  } else if (const auto* unpin = std::get_if<wire::Unpin>(&*message)) {
    wire::Unpinned answer;
    for (const wire::Pin& pin : unpin->pins)
      (objects_.Unpin(pin.id, pin.serial) ? answer.agreed : answer.refused).push_back(pin);
    Send(answer);
  } else if (const auto* no_fetch = std::get_if<wire::FetchRefused>(&*message)) {
    objects_.FetchRefused(no_fetch->id);
    if (references_.Holds(no_fetch->id)) fetch_refusals_[no_fetch->id] = no_fetch->error;
  } else if (const auto* wait = std::get_if<wire::WaitRefused>(&*message)) {
    if (wait->task.is_null()) wait_refusal_.emplace(wait->error, wait->wait);
    for (Thread* thread : threads_) {
      if (thread->suspended_ && thread->task_ == wait->task && thread->suspensions_ == wait->wait)
        thread->refused_ = wait->error;
    }
  } else if (const auto* stop = std::get_if<wire::StopTask>(&*message)) {
    for (Thread* thread : threads_) {
      if (thread->running_ == std::pair(stop->slot, stop->generation))
        thread->stopped_ = stop->error;
    }
  } else if (const auto* found = std::get_if<wire::ActorFound>(&*message)) {
    if (!found->actor.is_null()) Take(found->actor);
    found_[found->request] = found->actor;
  } else if (std::holds_alternative<wire::Exit>(*message)) {
    exit_asked = true;
  }
}

void Client::Learn(const wire::ReadyValue& ready) {
  if (!references_.Holds(ready.id)) return;  // released meanwhile
  Known content;
  if (const auto* bytes = std::get_if<wire::Bytes>(&ready.value.content)) {
    TROUPE_CHECK(bytes->size() >= sizeof(uint64_t), "a value that lost its bytes");
    content = *bytes;
  } else if (const auto* location = std::get_if<Location>(&ready.value.content)) {
    content = *location;
  } else if (const auto* error = std::get_if<ErrorInfo>(&ready.value.content)) {
    content = objectstore::ObjectCache::Error(*error);
  } else if (std::holds_alternative<wire::Pending>(ready.value.content)) {
    return;
  }
  objects_.Learn(ready.id, std::move(content), ready.value.refs);
}

bool Client::WaitFor::AllReady() const {
  return std::all_of(ids_.begin(), ids_.end(),
                     [&](ObjectId id) { return thread_->client_->IsReady(id); });
}

void Client::WaitFor::await_suspend(Routine::Handle handle) {
  Client& client = *thread_->client_;
  wire::Subscribe subscribe;
  std::vector<ObjectId> pending;
  for (const ObjectId id : ids_) {
    if (client.objects_.Subscribe(id)) subscribe.ids.push_back(id);
    if (!client.IsReady(id)) pending.push_back(id);
  }
  if (!subscribe.ids.empty()) client.Send(subscribe);
  const size_t needed = pending.size();
  thread_->BeginWait(std::move(pending), needed);
  handle.promise().ready.emplace(ready_);
}

std::optional<ErrorInfo> Client::WaitFor::await_resume() {
  std::optional<ErrorInfo> why = thread_->EndWait();
  return AllReady() ? std::nullopt : why;
}

void Client::SuspendFor::await_suspend(Routine::Handle handle) {
  Client& client = *thread_->client_;
  thread_->suspended_ = true;
  ++thread_->suspensions_;
  if (client.objects_.Subscribe(id_)) client.Send(wire::Subscribe{{id_}});
  client.Send(wire::Suspend{thread_->task_, thread_->attempt_, thread_->running_.first, id_,
                            thread_->number_});
  client.Tell(client.calls_.Suspend());
  handle.promise().ready.emplace(ready_);
}

std::optional<ErrorInfo> Client::SuspendFor::await_resume() {
  Client& client = *thread_->client_;
  std::optional<ErrorInfo> why = std::exchange(thread_->refused_, std::nullopt);
  if (std::exchange(thread_->suspended_, false)) {
    client.Send(wire::Resume{thread_->task_, thread_->attempt_, thread_->running_.first});
    client.Tell(client.calls_.Resume());
  }
  if (client.IsReady(id_)) return std::nullopt;
  return thread_->stopped_.has_value() ? thread_->stopped_ : why;
}

void Client::LookAt::Fetch() const {
  if (client().objects_.Fetch(id_)) client().Send(wire::Fetch{{id_}});
}

void Client::LookAt::await_suspend(Routine::Handle handle) {
  Fetch();
  thread_->BeginWait({id_}, 1);
  handle.promise().ready.emplace(ready_);
}

Resolved Client::LookAt::await_resume() {
  const std::optional<ErrorInfo> why = thread_->EndWait();
  Resolved resolved;
  if (client().objects_.IsKnown(id_)) {
    resolved = client().Read(id_);
    if (resolved.error.has_value()) return resolved;
    client().references_.AddHandle(id_);
    if (client().objects_.Find(id_)->location() != nullptr) {
      client().objects_.AddView(id_);
      ++client().views_[id_];
    }
  } else if (const auto refused = client().fetch_refusals_.find(id_);
             refused != client().fetch_refusals_.end()) {
    resolved.error = refused->second;
    client().fetch_refusals_.erase(refused);
  } else {
    resolved.error = why;
  }
  return resolved;
}

void Client::WaitForLease::await_suspend(Routine::Handle handle) {
  Client& client = *thread_->client_;
  for (const Location& unused : client.leases_.TakeSurplus(1))
    client.Send(wire::ReturnLease{unused});
  if (client.owes_releases()) client.SendReleases();
  ticket_ = client.leases_.Ask(bytes_);
  client.Send(wire::LeaseRequest{bytes_});
  thread_->BeginWait({}, 0);
  handle.promise().ready.emplace(ready_);
}

objectstore::LeaseCarver::Answer Client::WaitForLease::await_resume() {
  thread_->EndWait();
  return thread_->client_->leases_.TakeAnswer(ticket_);
}

}  // namespace troupe::simulation
