#include "worker/session.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"

namespace troupe::worker {
namespace {

ErrorInfo Unavailable(std::string message) {
  return {.kind = ErrorKind::kUnavailable, .message = std::move(message)};
}

// Releases are batched; this many make a message at once.
constexpr size_t kReleaseBatch = 64;

}  // namespace

void Session::AddHandle(ObjectId id) {
  const Lock lock(mutex_);
  references_.AddHandle(id);
}

void Session::DropHandle(ObjectId id) {
  if (forked_) return;
  const Lock lock(mutex_);
  if (!references_.DropHandle(id)) return;
  // An actor's sequence number stays: the node goes on counting if a handle comes back.
  objects_.erase(id);
  SendReleases(kReleaseBatch);
  // The rest goes with the next message, or when the I/O thread looks.
  if (references_.has_releases()) ArmTimer();
}

void Session::ClaimAll(ObjectId container, const std::vector<ObjectId>& ids) {
  if (ids.empty()) return;
  const Lock lock(mutex_);
  for (const ObjectId id : ids) {
    references_.Granted(id);
    references_.AddHandle(id);
  }
  Send(wire::Claim{container, 0, static_cast<uint32_t>(ids.size())});
  FinishSending();
}

std::variant<ValueSpace, ErrorInfo> Session::Reserve(size_t bytes) {
  ValueSpace space;
  if (bytes <= max_inline_value_bytes_) {
    space.inline_bytes.resize(bytes);
    space.bytes = space.inline_bytes;
    return space;
  }
  Lock lock(mutex_);
  auto carved = Carve(lock, bytes);
  if (auto* error = std::get_if<ErrorInfo>(&carved)) return std::move(*error);
  space.location = std::get<Location>(carved);
  absl::Status status = WaitForChunk(space.location.chunk, objectstore::Mapping::Access::kWrite);
  if (status.ok()) {
    const auto memory = chunks_.Write(space.location);
    status = memory.status();
    if (memory.ok()) space.bytes = *memory;
  }
  if (!status.ok()) {
    carver_.Abandon(space.location);
    return ErrorInfo{.kind = ErrorKind::kResourceExhausted,
                     .message = std::string(ToStd(status.message()))};
  }
  return space;
}

std::variant<Location, ErrorInfo> Session::Carve(Lock& lock, size_t bytes) {
  for (;;) {
    if (death_.has_value()) return *death_;
    if (const std::optional<Location> object = carver_.Carve(bytes)) return *object;
    // What is too small for this one is given back, or small leases would pile up.
    for (const Location& unused : carver_.TakeSurplus(1)) Send(wire::ReturnLease{unused});
    SendReleases(1);
    Send(wire::LeaseRequest{bytes});
    FinishSending();
    ++leases_asked_;
    // Another thread may take what was meant for us; then we ask again.
    const int asked = leases_asked_;
    const uint64_t wait = SendBlocked({}, 0);
    const uint64_t had = carver_.bytes();
    WaitUntil(
        lock,
        [&] {
          return leases_asked_ < asked || !lease_refusals_.empty() || carver_.bytes() > had ||
                 Stopped();
        },
        kForever);
    SendUnblocked(wait);
    if (death_.has_value()) return *death_;
    if (Stopped()) return *running_->stopped;
    if (!lease_refusals_.empty()) {
      ErrorInfo error = std::move(lease_refusals_.front());
      lease_refusals_.pop_front();
      return error;
    }
  }
}

void Session::Abandon(ValueSpace space) {
  if (!space.stored()) return;
  const Lock lock(mutex_);
  carver_.Abandon(space.location);
}

std::variant<ObjectId, ErrorInfo> Session::Seal(ValueSpace space, std::vector<ObjectId> refs) {
  Lock lock(mutex_);
  if (death_.has_value()) return *death_;
  const ObjectId id = ObjectId::Make(client_, next_sequence_++);
  references_.Granted(id);
  references_.AddHandle(id);
  LocalObject& object = objects_[id];
  wire::Seal seal{id, {}};
  seal.value.refs = refs;
  object.refs = std::move(refs);
  if (space.stored()) {
    object.content = space.location;
    seal.value.content = space.location;
    Send(seal);
  } else {
    auto words = std::make_shared<std::vector<uint64_t>>((space.inline_bytes.size() + 7) / 8);
    std::memcpy(words->data(), space.inline_bytes.data(), space.inline_bytes.size());
    object.content = std::shared_ptr<const std::vector<uint64_t>>(std::move(words));
    object.bytes = space.inline_bytes.size();
    seal.value.content = wire::Bytes(space.inline_bytes);
    Send(seal);
  }
  FinishSending();
  Throttle(lock);
  return id;
}

std::variant<TaskId, ErrorInfo> Session::Submit(wire::TaskSpec spec) {
  Lock lock(mutex_);
  if (death_.has_value()) return *death_;
  spec.id = TaskId::Make(client_, next_sequence_++);
  if (spec.kind == wire::TaskKind::kActorCall) spec.sequence = ++actor_sequences_[spec.actor];
  for (uint32_t i = 0; i < spec.num_returns; ++i) {
    references_.Granted(spec.id.Result(i));
    references_.AddHandle(spec.id.Result(i));
    objects_[spec.id.Result(i)].subscribed = true;  // the submitter is told without asking
  }
  if (spec.stream_window > 0) incoming_streams_[spec.id].window = spec.stream_window;
  Send(spec);
  FinishSending();
  Throttle(lock);
  return spec.id;
}

void Session::Complete(const wire::Complete& complete) {
  Lock lock(mutex_);
  Send(complete);
  SendReleases(kReleaseBatch);
  FinishSending();
  Throttle(lock);
}

std::variant<size_t, ErrorInfo> Session::Wait(std::span<const ObjectId> ids, size_t count,
                                              int64_t deadline_nanos, bool until_error) {
  Lock lock(mutex_);
  std::vector<ObjectId> ask;
  bool failed = false;
  // Objects that were not there at the last look; ready ones are not looked at again.
  std::vector<ObjectId> pending;
  for (const ObjectId id : ids) {
    LocalObject& object = objects_[id];
    if (object.ready()) {
      failed |= until_error && std::holds_alternative<ErrorInfo>(object.content);
      continue;
    }
    pending.push_back(id);
    if (std::exchange(object.subscribed, true)) continue;
    ask.push_back(id);
  }
  count = std::min(count, ids.size());
  const auto ready = [&] { return ids.size() - pending.size(); };
  // An error may be of an object that somebody else waits for: only then are ours looked at.
  uint64_t errors_seen = errors_learned_;
  const auto found_error = [&] {
    if (!until_error || failed) return failed;
    if (std::exchange(errors_seen, errors_learned_) == errors_learned_) return false;
    failed = std::any_of(pending.begin(), pending.end(), [&](ObjectId id) {
      return std::holds_alternative<ErrorInfo>(objects_[id].content);
    });
    return failed;
  };
  const auto enough = [&] {
    if (ready() >= count) return true;
    // From the back: the order in which tasks were submitted is mostly that in which they finish.
    std::erase_if(pending, [&](ObjectId id) { return objects_[id].ready(); });
    return ready() >= count;
  };
  if (!ask.empty()) {
    Send(wire::Subscribe{std::move(ask)});
    FinishSending();
  }
  if (enough() || failed || deadline_nanos <= MonotonicNanos()) {
    // A poll sees what has come by now.
    if (ready() < count && !reading_) {
      Receive(1024);
      RequestStops(lock);
      enough();
    }
    return ready();
  }
  // Enough of them for the node to see what is waited for; a wait for all of many is one for these.
  constexpr size_t kNamed = 1024;
  const size_t named = std::min(pending.size(), kNamed);
  const uint64_t wait =
      SendBlocked({pending.begin(), pending.begin() + static_cast<ptrdiff_t>(named)},
                  std::min(named, count - ready()));
  // With many pending objects, looking at all of them after each message would be quadratic: only
  // one of them is watched.
  const auto watched = [&] {
    if (WaitRefused(wait) || Stopped() || found_error()) return true;
    if (pending.size() <= ids.size() - count) return true;
    if (count < ids.size()) return enough();
    while (!pending.empty() && objects_[pending.back()].ready()) pending.pop_back();
    return pending.empty();
  };
  WaitUntil(lock, watched, deadline_nanos);
  enough();
  SendUnblocked(wait);
  if (ready() < count && Stopped()) return *running_->stopped;
  if (ready() < count && WaitRefused(wait)) return wait_refusal_->first;
  if (ready() < count && death_.has_value()) return *death_;
  return ready();
}

std::vector<bool> Session::AreReady(std::span<const ObjectId> ids) {
  const Lock lock(mutex_);
  std::vector<bool> ready(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto it = objects_.find(ids[i]);
    ready[i] = it != objects_.end() && it->second.ready();
  }
  return ready;
}

std::optional<ErrorInfo> Session::FirstError(std::span<const ObjectId> ids) {
  const Lock lock(mutex_);
  for (const ObjectId id : ids) {
    const auto it = objects_.find(id);
    if (it == objects_.end()) continue;
    if (const auto* error = std::get_if<ErrorInfo>(&it->second.content)) return *error;
  }
  return std::nullopt;
}

bool Session::IsReady(ObjectId id) {
  const Lock lock(mutex_);
  const auto it = objects_.find(id);
  return it != objects_.end() && it->second.ready();
}

std::variant<ValueBytes, ErrorInfo> Session::Value(ObjectId id) {
  Location location;
  ValueBytes value;
  {
    const Lock lock(mutex_);
    const auto it = objects_.find(id);
    if (it == objects_.end() || !it->second.ready()) {
      if (death_.has_value()) return *death_;
      TROUPE_CHECK(false, "the value of an object that is not there");
    }
    const LocalObject& object = it->second;
    if (const auto* error = std::get_if<ErrorInfo>(&object.content)) return *error;
    value.refs = object.refs;
    if (const auto* words =
            std::get_if<std::shared_ptr<const std::vector<uint64_t>>>(&object.content)) {
      value.bytes = std::as_bytes(std::span(**words)).first(object.bytes);
      value.owner = *words;
      return value;
    }
    location = std::get<Location>(object.content);
  }
  auto stored = ValueIn(location);
  if (auto* bytes = std::get_if<ValueBytes>(&stored)) bytes->refs = std::move(value.refs);
  return stored;
}

std::variant<ValueBytes, ErrorInfo> Session::ValueIn(const Location& location) {
  const Lock lock(mutex_);
  absl::Status status = WaitForChunk(location.chunk, objectstore::Mapping::Access::kRead);
  if (status.ok()) {
    const auto bytes = chunks_.Read(location);
    if (bytes.ok()) return ValueBytes{*bytes, {}, nullptr};
    status = bytes.status();
  }
  if (death_.has_value()) return *death_;
  return ErrorInfo{.kind = ErrorKind::kResourceExhausted,
                   .message = std::string(ToStd(status.message()))};
}

// Descriptors come over the socket before the frame that needs them; they may be a moment behind.
absl::Status Session::WaitForChunk(ChunkId chunk, objectstore::Mapping::Access access) {
  for (DrainSocket(); !chunks_.Has(chunk, access); DrainSocket()) {
    if (death_.has_value()) return absl::UnavailableError(death_->message);
    pollfd socket{socket_.fd(), POLLIN, 0};
    poll(&socket, 1, 100);
  }
  return absl::OkStatus();
}

std::variant<std::pair<ActorId, std::string>, ErrorInfo> Session::FindActor(
    std::string_view name, int64_t deadline_nanos) {
  Lock lock(mutex_);
  const uint64_t request = next_request_++;
  Send(wire::FindActor{request, name});
  FinishSending();
  WaitUntil(
      lock, [&] { return found_actors_.contains(request); }, deadline_nanos);
  const auto it = found_actors_.find(request);
  if (it == found_actors_.end())
    return death_.has_value() ? *death_ : Unavailable("the node did not answer in time");
  std::pair<ActorId, std::string> found = std::move(it->second);
  found_actors_.erase(it);
  return found;
}

void Session::Kill(ActorId actor, bool no_restart) {
  const Lock lock(mutex_);
  Send(wire::Kill{actor, no_restart});
  FinishSending();
}

void Session::Cancel(ObjectId result, bool force, bool recursive) {
  const Lock lock(mutex_);
  Send(wire::Cancel{result, force, recursive});
  FinishSending();
}

void Session::BeginRunning(RunningSlot* running) {
  const Lock lock(mutex_);
  running_slots_.push_back(running);
  running_ = running;
}

void Session::EndRunning(RunningSlot* running) {
  const Lock lock(mutex_);
  std::erase(running_slots_, running);
  running_ = nullptr;
}

uint64_t Session::SendBlocked(std::vector<ObjectId> ids, size_t needed) {
  if (!ShouldBlock()) return 0;
  Send(wire::Blocked{std::move(ids), static_cast<uint32_t>(needed)});
  FinishSending();
  return ++waits_;
}

void Session::SendUnblocked(uint64_t wait) {
  if (wait == 0) return;
  Send(wire::Unblocked{});
  FinishSending();
}

void Session::RequestStops(Lock& lock) {
  if (stops_.empty()) return;
  std::vector<std::stop_source> stops = std::exchange(stops_, {});
  lock.unlock();
  for (std::stop_source& stop : stops) stop.request_stop();
  lock.lock();
}

std::optional<DispatchedTask> Session::NextTask() {
  Lock lock(mutex_);
  // What this process owes goes out before it sleeps.
  SendReleases(1);
  FinishSending();
  WaitUntil(
      lock, [&] { return !tasks_.empty() || exit_asked_; }, kForever);
  if (death_.has_value() || tasks_.empty()) return std::nullopt;
  std::optional<DispatchedTask> task = std::move(tasks_.front());
  tasks_.pop_front();
  return task;
}

bool Session::TryBegin(const wire::Dispatch& dispatch) {
  return dispatch.slot < static_cast<uint32_t>(Limits::kStateWords) &&
         channel_->task_word(dispatch.slot).TryBegin(dispatch.generation);
}

std::optional<ErrorInfo> Session::death() {
  const Lock lock(mutex_);
  return death_;
}

void Session::Send(const wire::ClientMessage& message) {
  if (death_.has_value()) return;
  const absl::Status status = channel_->Send(wire::Encode(message, buffer_));
  if (!status.ok())
    Die(Unavailable(absl::StrCat("sending to the node: ", ToAbsl(ToStd(status.message())))));
}

void Session::SendReleases(size_t at_least) {
  if (references_.release_count() < at_least || !references_.has_releases()) return;
  wire::Release message;
  for (const auto& release : references_.TakeReleases())
    message.grants.push_back({release.id, release.count});
  Send(message);
}

void Session::FinishSending() {
  if (!death_.has_value()) channel_->RingPeer();
}

absl::Status Session::Handle(wire::Bytes bytes) {
  absl::StatusOr<wire::NodeMessage> message = wire::DecodeNodeMessage(bytes);
  if (!message.ok()) return message.status();
  if (const auto* ready = std::get_if<wire::Ready>(&*message)) {
    for (const wire::ReadyValue& value : ready->values) Learn(value);
  } else if (std::holds_alternative<wire::Dispatch>(*message)) {
    // The frame leaves the ring: the task may have to wait for the one before it.
    DispatchedTask task;
    task.frame.resize(bytes.size() / 8);
    std::memcpy(task.frame.data(), bytes.data(), bytes.size());
    absl::StatusOr<wire::NodeMessage> copy =
        wire::DecodeNodeMessage(std::as_bytes(std::span(task.frame)));
    if (!copy.ok()) return copy.status();
    task.dispatch = std::move(std::get<wire::Dispatch>(*copy));
    for (const wire::ReadyValue& value : task.dispatch.values) {
      references_.Granted(value.id);
      references_.AddHandle(value.id);
      Learn(value);
    }
    for (const ObjectId id : task.dispatch.refs) {
      references_.Granted(id);
      references_.AddHandle(id);
    }
    tasks_.push_back(std::move(task));
  } else if (const auto* streamed = std::get_if<wire::Streamed>(&*message)) {
    for (const wire::ReadyValue& value : streamed->values) TakeItem(value);
  } else if (const auto* demand = std::get_if<wire::StreamDemand>(&*message)) {
    if (const auto it = outgoing_streams_.find(demand->task); it != outgoing_streams_.end()) {
      it->second = {std::max(it->second.consumed, demand->consumed),
                    it->second.stopped || demand->stopped};
    }
  } else if (const auto* lease = std::get_if<wire::LeaseGranted>(&*message)) {
    carver_.Granted(lease->space);
    --leases_asked_;
  } else if (auto* refused = std::get_if<wire::LeaseRefused>(&*message)) {
    lease_refusals_.push_back(std::move(refused->error));
    --leases_asked_;
  } else if (auto* wait = std::get_if<wire::WaitRefused>(&*message)) {
    wait_refusal_.emplace(std::move(wait->error), wait->wait);
  } else if (auto* stop = std::get_if<wire::StopTask>(&*message)) {
    for (RunningSlot* running : running_slots_) {
      if (running->slot != stop->slot || running->generation != stop->generation) continue;
      running->stopped = std::move(stop->error);
      stops_.push_back(running->stop);
    }
  } else if (const auto* drop = std::get_if<wire::DropChunk>(&*message)) {
    DrainSocket();  // its descriptor may still be under way
    chunks_.Drop(drop->chunk);
  } else if (const auto* found = std::get_if<wire::ActorFound>(&*message)) {
    if (!found->actor.is_null()) {
      references_.Granted(found->actor);
      references_.AddHandle(found->actor);
    }
    found_actors_[found->request] = {found->actor, std::string(found->type_name)};
  } else if (const auto* exit = std::get_if<wire::Exit>(&*message)) {
    exit_asked_ = true;
    if (!is_worker_) Die(Unavailable(std::string(exit->reason)));
  }
  return absl::OkStatus();
}

void Session::Learn(const wire::ReadyValue& ready) {
  if (!references_.Holds(ready.id)) return;  // released meanwhile
  LocalObject& object = objects_[ready.id];
  if (object.ready()) return;
  if (const auto* bytes = std::get_if<wire::Bytes>(&ready.value.content)) {
    auto words = std::make_shared<std::vector<uint64_t>>((bytes->size() + 7) / 8);
    std::memcpy(words->data(), bytes->data(), bytes->size());
    object.content = std::shared_ptr<const std::vector<uint64_t>>(std::move(words));
    object.bytes = bytes->size();
  } else if (const auto* location = std::get_if<Location>(&ready.value.content)) {
    object.content = *location;
  } else if (const auto* error = std::get_if<ErrorInfo>(&ready.value.content)) {
    object.content = *error;
    ++errors_learned_;
  } else {
    return;  // pending: it is asked for when somebody waits
  }
  object.refs = ready.value.refs;
  if (object.watched) TellWatchers(ready.id, object);
}

void Session::Die(ErrorInfo error) {
  if (death_.has_value()) return;
  death_ = std::move(error);
  followers_cv_.notify_all();
  callbacks_cv_.notify_all();
}

}  // namespace troupe::worker
