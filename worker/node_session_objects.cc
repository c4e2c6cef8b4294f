// The part of NodeSession that has handles on objects, makes them, and looks at them.
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "worker/node_session.h"

namespace troupe::worker {

// Keeps a stored object where it lies, and a handle on it.
class NodeSession::View {
 public:
  View(std::shared_ptr<NodeSession> session, ObjectId id) : session_(std::move(session)), id_(id) {}
  ~View() { session_->DropView(id_); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

 private:
  std::shared_ptr<NodeSession> session_;
  ObjectId id_;
};

objectstore::HandleCount* NodeSession::AddHandle(ObjectId id) {
  const Lock lock(mutex_);
  return references_.AddHandle(id);
}

void NodeSession::AddHandles(std::span<const ObjectId> ids) {
  if (ids.empty()) return;
  const Lock lock(mutex_);
  for (const ObjectId id : ids) {
    references_.AddHandle(id);
    objects_.LookAt(id);
  }
}

objectstore::HandleCount* NodeSession::CountOf(ObjectId id) {
  const Lock lock(mutex_);
  return references_.RecordOf(id);
}

void NodeSession::DropHandle(ObjectId id) {
  if (forked_) return;
  const Lock lock(mutex_);
  DropHandleLocked(id);
}

void NodeSession::DropHandles(std::span<const ObjectId> ids) {
  if (ids.empty() || forked_) return;
  const Lock lock(mutex_);
  for (const ObjectId id : ids) DropHandleLocked(id);
}

void NodeSession::DropHandleLocked(ObjectId id) {
  if (!references_.DropHandle(id)) return;
  if (references_.has_unread_errors()) {
    for (const auto& error : references_.TakeUnreadErrors()) TellUnread(*error);
  }
  // An actor's sequence number stays: the node goes on counting if a handle comes back.
  fetch_refusals_.erase(id);
  SendReleases(Limits::kReleaseBatch);
  // The rest goes with the next message, or when the I/O thread looks.
  if (references_.has_releases()) ArmTimer();
}

// A failure of which nobody would ever hear.
void NodeSession::TellUnread(const ErrorInfo& error) {
  constexpr size_t kMostTold = 20;
  if (!IsNews(error.kind) || unread_told_.size() > kMostTold ||
      !unread_told_.insert(error.task).second) {
    return;
  }
  if (unread_told_.size() > kMostTold) {
    std::fprintf(stderr,
                 "troupe: more failures at which nobody has looked are not told: Get the results, "
                 "or TryGet them\n");
    return;
  }
  std::fprintf(stderr,
               "troupe: a result was dropped at which nobody has looked, and it is an error: %s\n",
               error.ToString().c_str());
}

void NodeSession::ClaimAll(ObjectId container, const std::vector<ObjectId>& ids) {
  if (ids.empty()) return;
  const Lock lock(mutex_);
  for (const ObjectId id : ids) {
    references_.Take(id);
  }
  Send(wire::Claim{container, 0, static_cast<uint32_t>(ids.size())});
  FinishSending();
}

std::variant<ValueSpace, ErrorInfo> NodeSession::Reserve(size_t bytes) {
  ValueSpace space;
  if (bytes <= max_inline_value_bytes_) {
    space.inline_bytes.resize(bytes);
    return space;
  }
  Lock lock(mutex_);
  auto carved = Carve(lock, bytes);
  if (auto* error = std::get_if<ErrorInfo>(&carved)) return std::move(*error);
  space.location = std::get<Location>(carved);
  absl::Status status = WaitForChunk(space.location.chunk, objectstore::Mapping::Access::kWrite);
  if (status.ok()) {
    for (const Location& lease : std::exchange(fresh_leases_, {})) {
      if (chunks_.Has(lease.chunk, objectstore::Mapping::Access::kWrite)) chunks_.Prepare(lease);
    }
    const auto memory = chunks_.Write(space.location);
    status = memory.status();
    if (memory.ok()) space.memory = *memory;
  }
  if (!status.ok()) {
    carver_.Abandon(space.location);
    return ErrorInfo{.kind = ErrorKind::kResourceExhausted,
                     .message = std::string(ToStd(status.message()))};
  }
  return space;
}

std::variant<Location, ErrorInfo> NodeSession::Carve(Lock& lock, size_t bytes) {
  for (;;) {
    if (death_.has_value()) return *death_;
    if (const std::optional<Location> object = carver_.Carve(bytes)) return *object;
    // What is too small for this one is given back, or small leases would pile up.
    ReturnLeases(carver_.TakeSurplus(1));
    SendReleases(1);
    const auto ticket = carver_.Ask(bytes);
    Send(wire::LeaseRequest{bytes});
    const uint64_t wait = BeginWait({}, 0);
    WaitUntil(
        lock, [&] { return carver_.HasAnswer(ticket) || Stopped(); }, kForever);
    EndWait(wait);
    if (!carver_.HasAnswer(ticket)) {
      carver_.DropTicket(ticket);  // the lease is kept for others when it comes
      if (Stopped()) return *running_->stopped;
      continue;  // the session is over
    }
    auto answer = carver_.TakeAnswer(ticket);
    if (auto* error = std::get_if<ErrorInfo>(&answer)) return std::move(*error);
    return std::get<Location>(answer);
  }
}

void NodeSession::ReturnLeases(const std::vector<Location>& unused) {
  for (const Location& lease : unused) Send(wire::ReturnLease{lease});
  if (!unused.empty()) FinishSending();
}

void NodeSession::Abandon(ValueSpace space) {
  if (!space.stored() || forked_) return;
  const Lock lock(mutex_);
  carver_.Abandon(space.location);
}

std::variant<objectstore::HandleCount*, ErrorInfo> NodeSession::Seal(ValueSpace space,
                                                                     std::vector<ObjectId> refs) {
  Lock lock(mutex_);
  if (death_.has_value()) return *death_;
  objectstore::ObjectRecord* object = references_.Take(ObjectId::Make(client_, next_sequence_++));
  wire::Seal seal{object->id, {}};
  seal.value.refs = refs;
  if (space.stored()) {
    seal.value.content = space.location;
    objectstore::ObjectCache::Made(object, space.location, std::move(refs));
  } else {
    seal.value.content = wire::Bytes(space.inline_bytes);
    objectstore::ObjectCache::Made(object, wire::Bytes(space.inline_bytes), std::move(refs));
  }
  Send(seal);
  FinishSending();
  Throttle(lock);
  return object;
}

ObjectId NodeSession::ExpectNew() {
  const ObjectId id = ObjectId::Make(client_, next_sequence_++);
  objectstore::ObjectCache::Expect(references_.Take(id));
  return id;
}

std::variant<ObjectId, ErrorInfo> NodeSession::MakePromise() {
  const Lock lock(mutex_);
  if (death_.has_value()) return *death_;
  const ObjectId id = ExpectNew();
  Send(wire::Promise{id});
  FinishSending();
  return id;
}

std::variant<ObjectId, ErrorInfo> NodeSession::MakePlacementGroup(wire::PlacementGroup group) {
  const Lock lock(mutex_);
  if (death_.has_value()) return *death_;
  group.id = ExpectNew();
  Send(group);
  FinishSending();
  return group.id;
}

void NodeSession::RemovePlacementGroup(ObjectId id) {
  const Lock lock(mutex_);
  if (death_.has_value()) return;
  Send(wire::RemovePlacementGroup{id});
  FinishSending();
}

void NodeSession::TellOfCode(const wire::CodeNotice& code) {
  const Lock lock(mutex_);
  if (death_.has_value()) return;
  Send(code);
  FinishSending();
}

std::optional<ErrorInfo> NodeSession::KeepPromise(ObjectId id, ValueSpace space,
                                                  std::vector<ObjectId> refs) {
  Lock lock(mutex_);
  if (death_.has_value()) return *death_;
  wire::Seal seal{id, {wire::Bytes(space.inline_bytes), std::move(refs)}};
  if (space.stored()) seal.value.content = space.location;
  Send(seal);
  FinishSending();
  Throttle(lock);
  return std::nullopt;
}

void NodeSession::BreakPromise(ObjectId id, const ErrorInfo& why) {
  if (forked_) return;
  const Lock lock(mutex_);
  if (death_.has_value()) return;
  Send(wire::Seal{id, {why, {}}});
  FinishSending();
}

std::optional<std::variant<ValueBytes, ErrorInfo>> NodeSession::ValueAtHand(ObjectId id) {
  const Lock lock(mutex_);
  return Look(id);
}

// What is known of the value, as a view.
std::optional<std::variant<ValueBytes, ErrorInfo>> NodeSession::Look(ObjectId id) {
  const objectstore::ObjectRecord* object = objects_.Find(id);
  if (object == nullptr || !object->known()) return std::nullopt;
  if (const ErrorInfo* error = object->error()) {
    objects_.LookAt(id);
    return *error;
  }
  ValueBytes value;
  value.refs.assign(object->refs().begin(), object->refs().end());
  if (object->location() == nullptr) {
    value.owner = object->bytes_owner();
    if (value.owner != nullptr) {
      value.content = object->bytes();
    } else {
      value.content.emplace<SmallBytes>(object->bytes());
    }
    return value;
  }
  const Location location = *object->location();
  absl::Status status = WaitForChunk(location.chunk, objectstore::Mapping::Access::kRead);
  if (status.ok()) {
    const auto bytes = chunks_.Read(location);
    if (bytes.ok()) {
      objects_.AddView(id);
      references_.AddHandle(id);
      value.content = *bytes;
      value.in_store = true;
      value.owner = std::make_shared<View>(shared_from_this(), id);
      return value;
    }
    status = bytes.status();
  }
  if (death_.has_value()) return *death_;
  return ErrorInfo{.kind = ErrorKind::kResourceExhausted,
                   .message = std::string(ToStd(status.message()))};
}

std::variant<ValueBytes, ErrorInfo> NodeSession::Value(ObjectId id, int64_t deadline_nanos) {
  Lock lock(mutex_);
  uint64_t wait = 0;
  const auto unblock = [&] { EndWait(std::exchange(wait, 0)); };
  for (;;) {
    if (auto value = Look(id)) {
      unblock();
      return *std::move(value);
    }
    if (death_.has_value()) return *death_;
    if (Stopped()) {
      unblock();
      return *running_->stopped;
    }
    if (objects_.Fetch(id)) Send(wire::Fetch{{id}});
    if (wait == 0) wait = BeginWait({id}, 1);  // which may be lost, and have to be made again
    WaitUntil(
        lock,
        [&] {
          // Its answer may be taken back (unpin?) before this thread looks: then it fetches again.
          return !objects_.IsBeingFetched(id) || fetch_refusals_.contains(id) ||
                 WaitRefused(wait) || Stopped();
        },
        deadline_nanos);
    if (objects_.IsKnown(id)) continue;
    if (const auto refused = fetch_refusals_.find(id); refused != fetch_refusals_.end()) {
      ErrorInfo error = std::move(refused->second);
      fetch_refusals_.erase(refused);
      unblock();
      return error;
    }
    if (WaitRefused(wait)) {
      ErrorInfo error = wait_refusal_->first;
      unblock();
      return error;
    }
    if (!death_.has_value() && MonotonicNanos() >= deadline_nanos) {
      unblock();
      return ErrorInfo{
          .kind = ErrorKind::kDeadlineExceeded,
          .message = absl::StrCat(id.ToString(), " is being read back from disk: ask again")};
    }
  }
}

std::variant<NodeSession::MemorySnapshot, ErrorInfo> NodeSession::Memory(uint32_t limit) {
  Lock lock(mutex_);
  const uint64_t request = next_request_++;
  Send(wire::MemoryRequest{request, limit});
  FinishSending();
  WaitUntil(
      lock, [&] { return memory_reports_.contains(request); }, kForever);
  const auto it = memory_reports_.find(request);
  if (it == memory_reports_.end()) return *death_;
  MemorySnapshot snapshot{std::move(it->second), {}};
  memory_reports_.erase(it);
  auto message = wire::DecodeNodeMessage(std::as_bytes(std::span(snapshot.frame)));
  TROUPE_CHECK(message.ok() && std::holds_alternative<wire::MemoryReport>(*message),
               "a report that cannot be read twice");
  snapshot.report = std::get<wire::MemoryReport>(*std::move(message));
  return snapshot;
}

void NodeSession::Free(std::vector<ObjectId> ids) {
  if (ids.empty()) return;
  const Lock lock(mutex_);
  if (death_.has_value()) return;
  for (const ObjectId id : ids) {
    objects_.Free(id, std::make_shared<const ErrorInfo>(ErrorInfo{
                          .kind = ErrorKind::kObjectLost,
                          .message = absl::StrCat(id.ToString(), " was freed by Free here")}));
  }
  Send(wire::Free{std::move(ids)});
  FinishSending();
}

void NodeSession::DropView(ObjectId id) {
  if (forked_) return;
  const Lock lock(mutex_);
  if (const std::optional<uint32_t> serial = objects_.DropView(id)) {
    Send(wire::Unpinned{{{id, *serial}}, {}});
    FinishSending();
  }
  DropHandleLocked(id);
}

// The node wants to move objects. Those that nobody looks at are forgotten; the others are agreed
// to when the last view goes.
void NodeSession::AnswerUnpin(const wire::Unpin& unpin) {
  wire::Unpinned answer;
  for (const wire::Pin& pin : unpin.pins)
    (objects_.Unpin(pin.id, pin.serial) ? answer.agreed : answer.refused).push_back(pin);
  Send(answer);
  FinishSending();
}

// Descriptors come over the socket before the frame that needs them; they may be a moment behind.
absl::Status NodeSession::WaitForChunk(ChunkId chunk, objectstore::Mapping::Access access) {
  if (chunks_.Has(chunk, access)) return absl::OkStatus();
  for (DrainSocket(); !chunks_.Has(chunk, access); DrainSocket()) {
    if (death_.has_value()) return absl::UnavailableError(ToAbsl(death_->message));
    pollfd socket{socket_.fd(), POLLIN, 0};
    poll(&socket, 1, 100);
  }
  return absl::OkStatus();
}

}  // namespace troupe::worker
