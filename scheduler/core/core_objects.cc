// The part of Core that seals, frees and makes room for objects.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/small_bytes.h"
#include "core/base/string_view.h"
#include "core/fault/probe.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {
namespace {

// Of the texts of an error, which count to nobody's limit.
constexpr size_t kMaxErrorBytes = size_t{64} << 10;

// The error that an object becomes: the client's own, or what of it is not too long.
std::shared_ptr<const ErrorInfo> Bounded(const ErrorInfo& error) {
  const size_t bytes = error.message.size() + error.exception_type.size() + error.origin.size() +
                       error.payload.size() + error.stack.size();
  if (bytes <= kMaxErrorBytes) return std::make_shared<const ErrorInfo>(error);
  TROUPE_PROBE("core: an error is too long to be kept");
  // What happened stands at the beginning, what it led to at the end.
  const absl::string_view message = error.message;
  const absl::string_view begin = message.substr(0, kMaxErrorBytes / 2);
  const absl::string_view end = message.substr(
      std::max(begin.size(), message.size() - std::min(message.size(), kMaxErrorBytes / 4)));
  auto kept = std::make_shared<ErrorInfo>();
  kept->kind = error.kind;
  kept->message =
      absl::StrCat(begin, "... [an error of ", bytes, " B: ", kMaxErrorBytes,
                   " B are kept of one, so that its message is cut, and it is thrown as no type ",
                   "of its own; put large values into objects] ...", end);
  kept->task = error.task;
  kept->attempt = error.attempt;
  kept->pid = error.pid;
  return kept;
}

}  // namespace

absl::Status Core::CreateObject(ObjectId id, ClientId maker) {
  if (!lineage_.empty() && lineage_.Knows(id.task())) {
    return absl::AlreadyExistsError(absl::StrCat(ToString(maker), " makes ", id.ToString(),
                                                 ", which a task has made, or may make again"));
  }
  if (use_.of(maker).objects >= 2 * config_.max_client_objects) {
    TROUPE_PROBE("core: a client is cut off for its objects");
    return absl::ResourceExhaustedError(*PastItsLimit(maker, 0));
  }
  absl::Status status = objects_.Create(id, maker);
  if (status.ok()) use_.Add(maker, {1, 0});
  return status;
}

uint64_t Core::InlineBytes(const objectstore::Content& content, size_t contained) {
  const auto* bytes = std::get_if<SmallBytes>(&content);
  return contained * sizeof(ObjectId) + (bytes == nullptr ? 0 : bytes->size());
}

std::optional<std::string> Core::PastItsLimit(ClientId client, uint64_t bytes) const {
  const ClientUse::Amount use = use_.of(client);
  if (use.objects > config_.max_client_objects) {
    return absl::StrCat(ToString(client), " has ", use.objects,
                        " objects that somebody needs, and may have ", config_.max_client_objects,
                        ": drop references, or put many small values into one");
  }
  if (use.bytes + bytes <= config_.max_client_bytes) return std::nullopt;
  return absl::StrCat("the small values and unfinished tasks of ", ToString(client), " take ",
                      FormatBytes(static_cast<int64_t>(use.bytes + bytes)), ", and may take ",
                      FormatBytes(static_cast<int64_t>(config_.max_client_bytes)),
                      ": drop references, or wait for some of the tasks first");
}

absl::Status Core::Seal(ClientId client, const wire::Seal& seal) {
  const auto promise = promises_.find(seal.id);
  const bool promised = promise != promises_.end() && promise->second == client;
  if (!promised) {
    if (absl::Status status = CreateObject(seal.id, client); !status.ok()) return status;
  }
  if (absl::Status status = SealObject(client, seal.id, seal.value, !promised); !status.ok())
    return status;
  if (promised) {
    promises_.erase(promise);
    Settle();  // tasks may have waited for it
  } else {
    CollectFreed();
  }
  return absl::OkStatus();
}

// An object that its maker seals later. Should the maker end first, it is ObjectLost.
absl::Status Core::MakePromise(ClientId client, const wire::Promise& promise) {
  if (const auto submitter = SubmitterOf(client); !submitter.ok()) return submitter.status();
  if (absl::Status status = CreateObject(promise.id, client); !status.ok()) return status;
  TROUPE_CHECK(objects_.Subscribe(promise.id, client).ok(),
               "the maker of an object that holds no grant on it");
  promises_.emplace(promise.id, client);
  return absl::OkStatus();
}

void Core::BreakPromises(ClientId client) {
  std::erase_if(promises_, [&](const auto& promise) {
    if (promise.second != client) return false;
    // It has gone with the last task that needed it, and will be taken by CollectFreed.
    if (objects_.Find(promise.first) == nullptr) return true;
    const ErrorInfo error{
        .kind = ErrorKind::kObjectLost,
        .message = absl::StrCat("its promise was broken: the process that made it (",
                                ToString(client), ") ended before it set the value")};
    ObjectResolved(promise.first,
                   objects_.Fail(promise.first, std::make_shared<const ErrorInfo>(error)));
    return true;
  });
}

absl::Status Core::SealObject(ClientId client, ObjectId id, const wire::Value& value,
                              bool sealer_looks) {
  objectstore::Content content;
  if (const auto* bytes = std::get_if<wire::Bytes>(&value.content)) {
    content = SmallBytes(*bytes);
  } else if (const auto* location = std::get_if<Location>(&value.content)) {
    if (absl::Status status = space_.Seal(client, *location); !status.ok()) return status;
    content = *location;
  } else if (const auto* error = std::get_if<ErrorInfo>(&value.content)) {
    ObjectResolved(id, objects_.Fail(id, Bounded(*error)));
    return absl::OkStatus();
  } else {
    return absl::InvalidArgumentError(absl::StrCat(id.ToString(), " was sealed without a value"));
  }
  const auto* place = std::get_if<Location>(&value.content);
  // Kept for the object's maker, which may be another one than its sealer.
  const uint64_t inline_bytes = InlineBytes(content, value.refs.size());
  const auto limit = inline_bytes == 0 ? std::nullopt : PastItsLimit(id.client(), inline_bytes);
  if (const objectstore::Entry* entry = limit.has_value() ? objects_.Find(id) : nullptr;
      entry != nullptr && entry->pending()) {
    TROUPE_PROBE("core: a value past its maker's limit");
    if (place != nullptr) space_.Free(*place);
    ObjectResolved(
        id, objects_.Fail(id, std::make_shared<const ErrorInfo>(ErrorInfo{
                                  .kind = ErrorKind::kResourceExhausted, .message = *limit})));
    return absl::OkStatus();
  }
  auto subscribers = objects_.Seal(client, id, std::move(content), value.refs);
  if (!subscribers.ok()) {
    if (place != nullptr) space_.Free(*place);  // no object is there
    return subscribers.status();
  }
  use_.Add(id.client(), {0, inline_bytes});
  if (place != nullptr) {
    // A seal is a pin; the worker of a task forgets where its results lie.
    const bool knows = sealer_looks && objects_.HasGrant(id, client);
    residency_.Add(id, *place, knows ? client : ClientId::kNone, MakerName(id, client));
  }
  ObjectResolved(id, *subscribers);
  return absl::OkStatus();
}

void Core::ObjectResolved(ObjectId id, std::span<const ClientId> subscribers) {
  for (const ClientId client : subscribers) Act(SendReady{client, id});
  if ((!dependents_.empty() && dependents_.contains(id)) ||
      (!freeing_.empty() && freeing_.contains(id))) {
    resolved_.push_back(id);
  }
}

absl::Status Core::Subscribe(ClientId client, const wire::Subscribe& subscribe) {
  for (const ObjectId id : subscribe.ids) {
    const absl::StatusOr<bool> resolved = objects_.Subscribe(id, client);
    if (!resolved.ok()) return resolved.status();
    if (*resolved) Act(SendReady{client, id});
  }
  return absl::OkStatus();
}

absl::Status Core::Release(ClientId client, const wire::Release& release) {
  for (const wire::GrantCount& grant : release.grants) {
    std::shared_ptr<const ErrorInfo> error;
    if (grant.unread) {
      const objectstore::Entry* entry = objects_.Find(grant.id);
      if (entry != nullptr) error = entry->error();  // it came to that meanwhile
    }
    if (absl::Status status = objects_.Release(client, grant.id, grant.count); !status.ok())
      return status;
    if (error != nullptr && grant.id.client() == client && objects_.Find(grant.id) == nullptr)
      TellUnread(client, *error);
  }
  CollectFreed();
  // The last reference to an actor or a placement group frees what it has, or asks for.
  if (!starts_.empty() || !ending_groups_.empty()) Schedule();
  return absl::OkStatus();
}

void Core::TellIfUnread(const Task& task, const ErrorInfo& error) {
  if (task.stream_window > 0 || task.kind == wire::TaskKind::kActorCreation || task.runs_again())
    return;
  for (uint32_t i = 0; i < task.num_returns; ++i) {
    const objectstore::Entry* entry = objects_.Find(task.id.Result(i));
    // The task itself is one reason to keep it.
    if (entry == nullptr || entry->holders() > 0 || entry->holds() > 1) return;
  }
  TellUnread(task.submitter(), error);
}

void Core::TellUnread(ClientId submitter, const ErrorInfo& error) {
  constexpr int kMostTold = 32;  // of a job; who is told of them says less of them
  if (!IsNews(error.kind)) return;
  const absl::StatusOr<Submitter> of = SubmitterOf(submitter);
  if (!of.ok() || jobs_.at(of->job).unread_told >= kMostTold) return;  // it is gone, or has enough
  ++jobs_.at(of->job).unread_told;
  Act(SendUnreadError{submitter, error});
}

absl::Status Core::Claim(ClientId client, const wire::Claim& claim) {
  return objects_.Claim(client, claim.container, claim.first, claim.count);
}

absl::Status Core::Free(ClientId client, const wire::Free& free) {
  for (const ObjectId id : free.ids) {
    if (!objects_.HasGrant(id, client)) {
      return absl::PermissionDeniedError(
          absl::StrCat(ToString(client), " frees ", id.ToString(), " and was never granted it"));
    }
    // Those take no memory, and end in their own ways.
    if (actors_.Find(id) != nullptr || placement_groups_.contains(id)) continue;
    if (objects_.Find(id)->failed()) continue;
    freeing_.insert(id);
    TryToFree(id);
  }
  Settle();
  return absl::OkStatus();
}

void Core::TryToFree(ObjectId id) {
  const objectstore::Entry* entry = objects_.Find(id);
  if (entry == nullptr || entry->failed()) {
    freeing_.erase(id);
    return;
  }
  if (entry->pending()) return;
  std::string maker;
  std::vector<ClientId> wanted_by;
  if (entry->stored()) {
    const objectstore::Residency::Record* record = residency_.Find(id);
    if (!record->pins.empty()) {
      TROUPE_PROBE("core: somebody looks at what is to be freed");
      AskToUnpin(residency_.Ask(id));
      return;
    }
    maker = absl::StrCat(", made by ", record->maker);
    wanted_by = record->wanted_by;
    FreeStored(id);
  } else {
    use_.Subtract(id.client(), {0, InlineBytes(entry->content(), 0)});
  }
  freeing_.erase(id);
  objects_.Lose(id, std::make_shared<const ErrorInfo>(ErrorInfo{
                        .kind = ErrorKind::kObjectLost,
                        .message = absl::StrCat(id.ToString(), maker,
                                                ", was freed by Free while somebody had references "
                                                "to it")}));
  for (const ClientId client : wanted_by) Act(SendReady{client, id});
}

// Follows what has resolved and what was freed, each of which may lead to more of both.
void Core::CollectFreed() {
  if (resolved_.empty() && !objects_.anything_to_take() && !lineage_.any_released()) {
    ServeMemory();
    return;
  }
  std::vector<objectstore::ObjectTable::Freed> freed = std::exchange(spare_freed_, {});
  for (;;) {
    ResolveDependents();
    for (const ObjectId id : lineage_.TakeReleased()) objects_.Unhold(id);
    objects_.TakeFreed(&freed);
    if (freed.empty()) break;
    for (const auto& object : freed) {
      use_.Subtract(object.id.client(), {1, InlineBytes(object.content, object.contained)});
      // Its tasks have failed by another argument, or something would hold it.
      if (!dependents_.empty()) dependents_.erase(object.id);
      promises_.erase(object.id);
      if (!freeing_.empty()) freeing_.erase(object.id);
      if (std::holds_alternative<Location>(object.content) ||
          std::holds_alternative<objectstore::Away>(object.content)) {
        FreeStored(object.id);
      }
      if (ActorRecord* const actor = actors_.Find(object.id)) EndIfUnreferenced(actor);
      FreePlacementGroup(object.id);
      if (!lineage_.empty()) lineage_.ResultFreed(object.id);
    }
  }
  spare_freed_ = std::move(freed);
  for (const auto& [id, client] : objects_.TakeUngranted()) {
    residency_.DropPin(id, client);
    if (!freeing_.empty() && freeing_.contains(id)) TryToFree(id);
  }
  ServeMemory();
}

void Core::FreeStored(ObjectId id) {
  using Standing = objectstore::Residency::Standing;
  if (residency_.Find(id)->standing == Standing::kRestoring)
    std::erase_if(waiting_restores_, [&](const WaitingRestore& w) { return w.object == id; });
  const objectstore::Residency::Outcome outcome = residency_.Remove(id);
  if (outcome.free_place.has_value()) space_.Free(*outcome.free_place);
  if (outcome.free_slot.has_value()) spill_.Free(*outcome.free_slot);
  last_memory_use_nanos_ = now_nanos_;
  trimmed_ = false;
}

// Who made it, as people know it: the task whose result it is, or in which it was Put.
std::string Core::MakerName(ObjectId id, ClientId client) const {
  if (const auto task = LookAt(id.task())) return task->name;
  const Worker* worker = workers_.FindClient(client);
  if (worker != nullptr && !worker->queue.empty())
    return absl::StrCat("Put in ", worker->queue.front()->name);
  return "Put";
}

}  // namespace troupe::scheduler
