// The part of Core that seals, frees and makes room for objects.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {

absl::Status Core::Seal(ClientId client, const wire::Seal& seal) {
  if (absl::Status status = objects_.Create(seal.id, client); !status.ok()) return status;
  if (absl::Status status = SealObject(client, seal.id, seal.value); !status.ok()) return status;
  CollectFreed();
  return absl::OkStatus();
}

absl::Status Core::SealObject(ClientId client, ObjectId id, const wire::Value& value) {
  objectstore::Content content;
  if (const auto* bytes = std::get_if<wire::Bytes>(&value.content)) {
    content = std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  } else if (const auto* location = std::get_if<Location>(&value.content)) {
    if (absl::Status status = space_.Seal(client, *location); !status.ok()) return status;
    content = *location;
  } else if (const auto* error = std::get_if<ErrorInfo>(&value.content)) {
    ObjectResolved(id, objects_.Fail(id, std::make_shared<const ErrorInfo>(*error)));
    return absl::OkStatus();
  } else {
    return absl::InvalidArgumentError(absl::StrCat(id.ToString(), " was sealed without a value"));
  }
  auto subscribers = objects_.Seal(client, id, std::move(content), value.refs);
  if (!subscribers.ok()) return subscribers.status();
  ObjectResolved(id, *subscribers);
  return absl::OkStatus();
}

void Core::ObjectResolved(ObjectId id, const std::vector<ClientId>& subscribers) {
  for (const ClientId client : subscribers) Act(SendReady{client, id});
  if (dependents_.contains(id)) resolved_.push_back(id);
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
    if (absl::Status status = objects_.Release(client, grant.id, grant.count); !status.ok())
      return status;
  }
  CollectFreed();
  return absl::OkStatus();
}

absl::Status Core::Claim(ClientId client, const wire::Claim& claim) {
  return objects_.Claim(client, claim.container, claim.first, claim.count);
}

absl::Status Core::RequestLease(ClientId client, uint64_t bytes) {
  if (bytes == 0) return absl::InvalidArgumentError("a lease of 0 bytes was asked for");
  waiting_leases_.push_back(
      {client, bytes, now_nanos_ + Limits::kMemoryWaitSeconds * int64_t{1'000'000'000}});
  ServeLeases();
  return absl::OkStatus();
}

absl::Status Core::ReturnLease(ClientId client, const Location& unused) {
  if (absl::Status status = space_.ReturnLease(client, unused); !status.ok()) return status;
  ServeLeases();
  return absl::OkStatus();
}

// Fair by arrival: the first that does not fit holds up the others.
void Core::ServeLeases() {
  while (!waiting_leases_.empty()) {
    const WaitingLease waiting = waiting_leases_.front();
    auto lease = space_.Lease(waiting.client, waiting.bytes);
    for (const ChunkId chunk : space_.TakeDroppedChunks()) Act(DropChunk{chunk});
    if (lease.ok() && !lease->has_value()) return;  // no room now
    waiting_leases_.pop_front();
    if (!lease.ok()) {
      Act(RefuseLease{waiting.client,
                      {.kind = ErrorKind::kResourceExhausted,
                       .message = std::string(ToStd(lease.status().message())),
                       .exception_type = {},
                       .origin = {},
                       .task = {}}});
      continue;
    }
    if ((*lease)->new_chunk) Act(CreateChunk{(*lease)->space.chunk, (*lease)->chunk_bytes});
    Act(SendLease{waiting.client, (*lease)->space});
  }
}

// Follows what has resolved and what was freed, each of which may lead to more of both.
void Core::CollectFreed() {
  for (;;) {
    ResolveDependents();
    const auto freed = objects_.TakeFreed();
    if (freed.empty()) break;
    for (const auto& object : freed) {
      // Its tasks have failed by another argument, or something would hold it.
      dependents_.erase(object.id);
      if (const auto* location = std::get_if<Location>(&object.content)) space_.Free(*location);
      if (const auto actor = actors_.find(object.id); actor != actors_.end()) {
        EndIfUnreferenced(actor->second.get());
      }
    }
  }
  ServeLeases();
}

}  // namespace troupe::scheduler
