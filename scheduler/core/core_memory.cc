// The part of Core that makes room: who waits for memory, what is recalled, asked for, spilled and
// read back, and when waiting has no sense any more.
#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "core/fault/probe.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr uint64_t kPageBytes = 4096;
// Memory that nobody has used for so long goes back to the system.
constexpr int64_t kIdleNanos = 10 * kSecond;
// Who does not say for so long whether a place may be forgotten (it is stopped, or in a debugger)
// counts as somebody who looks at it.
constexpr int64_t kAnswerNanos = kSecond;
// And who says nothing for so long while others wait in vain ends.
constexpr int64_t kSilenceNanos = 20 * kSecond;
static_assert(kAnswerNanos + kSilenceNanos < Limits::kMemoryWaitSeconds * kSecond);
// A directory that could not be written to is tried again after this.
constexpr int64_t kSpillRetryNanos = kSecond;
// What is written in one piece of work.
constexpr uint64_t kSpillBatchBytes = uint64_t{8} << 20;
// Objects that are read back are written into leases of the node's own.
constexpr ClientId kNodeItself{(uint64_t{1} << 40) - 1};

std::string Format(uint64_t bytes) { return FormatBytes(static_cast<int64_t>(bytes)); }

}  // namespace

absl::Status Core::RequestLease(ClientId client, uint64_t bytes) {
  if (bytes == 0) return absl::InvalidArgumentError("a lease of 0 bytes was asked for");
  const auto waiting =
      std::count_if(waiting_leases_.begin(), waiting_leases_.end(),
                    [&](const WaitingLease& waits) { return waits.client == client; });
  if (static_cast<size_t>(waiting) >= Limits::kMaxClientLeaseRequests) {
    return absl::ResourceExhaustedError(absl::StrCat(ToString(client), " waits for ", waiting,
                                                     " leases already, and asks for another one"));
  }
  waiting_leases_.push_back({client, bytes, now_nanos_});
  ServeMemory();
  return absl::OkStatus();
}

absl::Status Core::ReturnLease(ClientId client, const Location& unused) {
  if (absl::Status status = space_.ReturnLease(client, unused); !status.ok()) return status;
  if (trimmed_) space_.Trim();  // it was recalled because nobody uses the store
  ServeMemory();
  return absl::OkStatus();
}

absl::Status Core::Fetch(ClientId client, const wire::Fetch& fetch) {
  for (const ObjectId id : fetch.ids) {
    const absl::StatusOr<bool> resolved = objects_.Subscribe(id, client);
    if (!resolved.ok()) return resolved.status();
    if (!*resolved) continue;  // it is being made again: the client is told when it is there
    if (!objects_.Find(id)->away()) {
      if (residency_.InMemory(id))
        residency_.Told(id, client);  // so that it stays until it is told
      Act(SendReady{client, id});
    } else if (residency_.Want(id, client)) {
      waiting_restores_.push_back({id, now_nanos_});
    }
  }
  ServeMemory();
  return absl::OkStatus();
}

absl::Status Core::Unpinned(ClientId client, const wire::Unpinned& unpinned) {
  silent_since_.erase(client);
  for (const bool agreed : {true, false}) {
    for (const wire::Pin& pin : agreed ? unpinned.agreed : unpinned.refused) {
      if (!residency_.Answer(client, pin.id, pin.serial, agreed)) {
        return absl::PermissionDeniedError(
            absl::StrCat(ToString(client), agreed ? " agrees" : " refuses", " to forget where ",
                         pin.id.ToString(), " lies, and was not asked, or has said so before"));
      }
    }
  }
  for (const wire::Pin& pin : unpinned.agreed) {
    if (!freeing_.empty() && freeing_.contains(pin.id)) TryToFree(pin.id);
  }
  ServeMemory();
  return absl::OkStatus();
}

// Fair by arrival among those who write, and among those who read; the two take turns. The first of
// each that does not fit holds up the others of its kind.
void Core::ServeMemory() {
  if (waiting_leases_.empty() && waiting_restores_.empty() && recalled_.empty() &&
      !space_.gives_back() && !spill_.gives_back()) {
    return;  // after nearly every event
  }
  for (bool served = true; served;) {
    served = lease_turn_ ? ServeLease() || ServeRestore() : ServeRestore() || ServeLease();
  }
  ActOnSpace();
  if (waiting_leases_.empty() && waiting_restores_.empty()) {
    recalled_.clear();
  } else {
    uint64_t wanted = 0;
    for (const WaitingLease& waiting : waiting_leases_) wanted += waiting.bytes;
    for (const WaitingRestore& waiting : waiting_restores_)
      wanted += residency_.Find(waiting.object)->size;
    // Several at a time, so that the disk is kept busy, and at least the first.
    uint64_t first = 0;
    if (!waiting_leases_.empty()) first = NeededFor(waiting_leases_.front().bytes);
    if (!waiting_restores_.empty())
      first += residency_.Find(waiting_restores_.front().object)->size + 2 * kPageBytes;
    Relieve(std::max(first, std::min(wanted, space_.cap() / 4)));
  }
  ActOnSpill();
}

// True where a waiting lease was answered.
bool Core::ServeLease() {
  if (waiting_leases_.empty()) return false;
  const WaitingLease waiting = waiting_leases_.front();
  const uint64_t reserve = Reserve(waiting.bytes);
  if (reserve > 0 && Available() < NeededFor(waiting.bytes)) return false;
  const bool exactly = reserve > 0 && Available() < space_.lease_bytes() + reserve;
  const auto lease = exactly ? space_.LeaseExactly(waiting.client, waiting.bytes)
                             : space_.Lease(waiting.client, waiting.bytes);
  ActOnSpace();
  if (!lease.ok()) {
    RefuseWaitingLease({.kind = ErrorKind::kResourceExhausted,
                        .message = std::string(ToStd(lease.status().message()))});
    return true;
  }
  if (!lease->has_value()) return false;  // no room now
  waiting_leases_.pop_front();
  recalled_.erase(waiting.client);
  lease_turn_ = false;
  last_grant_nanos_ = last_memory_use_nanos_ = now_nanos_;
  trimmed_ = false;
  if ((*lease)->new_chunk) Act(CreateChunk{(*lease)->space.chunk, (*lease)->chunk_bytes});
  if ((*lease)->cold) {
    populating_[{(*lease)->space.chunk, (*lease)->space.offset}] = waiting.bytes;
    Act(PopulateLease{(*lease)->space});
  } else {
    Act(SendLease{waiting.client, (*lease)->space});
  }
  return true;
}

void Core::RefuseWaitingLease(ErrorInfo error) {
  const WaitingLease waiting = waiting_leases_.front();
  waiting_leases_.pop_front();
  Act(RefuseLease{waiting.client, waiting.bytes, std::move(error)});
}

// True where an object that is waited for is on its way back, or is not waited for any more.
bool Core::ServeRestore() {
  if (waiting_restores_.empty()) return false;
  const ObjectId id = waiting_restores_.front().object;
  const objectstore::Residency::Record* record = residency_.Find(id);
  const auto lease = space_.LeaseExactly(kNodeItself, record->size);
  ActOnSpace();
  TROUPE_CHECK(lease.ok(), "an object larger than the store was stored");
  if (!lease->has_value()) return false;
  waiting_restores_.pop_front();
  lease_turn_ = true;
  last_grant_nanos_ = last_memory_use_nanos_ = now_nanos_;
  trimmed_ = false;
  if ((*lease)->new_chunk) Act(CreateChunk{(*lease)->space.chunk, (*lease)->chunk_bytes});
  const Location place{(*lease)->space.chunk, (*lease)->space.offset, record->size};
  // It is populated when it has been read.
  if ((*lease)->cold) populating_[{place.chunk, place.offset}] = (*lease)->space.size;
  Act(Restore{id, residency_.Restoring(id, place), place});
  return true;
}

void Core::LeasePopulated(const Location& space, std::string_view failure) {
  const auto asked = populating_.find({space.chunk, space.offset});
  TROUPE_CHECK(asked != populating_.end(), "a lease was populated that nobody has asked for");
  const uint64_t bytes = asked->second;
  populating_.erase(asked);
  if (failure.empty()) {
    const ClientId client = space_.Populated(space);
    if (client != ClientId::kNone) {
      recalled_.erase(client);
      Act(SendLease{client, space});
    }
  } else {
    TROUPE_PROBE("core: the system has no memory for a lease");
    const ClientId client = space_.PopulateFailed(space);
    if (client != ClientId::kNone) {
      Act(RefuseLease{client,
                      bytes,
                      {.kind = ErrorKind::kResourceExhausted,
                       .message = absl::StrCat("the system has no memory for ", Format(space.size),
                                               " of the object store: ", ToAbsl(failure))}});
    }
  }
  ServeMemory();
}

uint64_t Core::Available() const { return space_.cap() - space_.bytes() + space_.warm_bytes(); }

// So much that the largest object on disk can be read back, even when the disk takes no more: from
// then on, one that was read leaves for the next. An object that needs the whole store gets it.
uint64_t Core::Reserve(uint64_t bytes) const {
  const uint64_t needed = std::min(space_.cap(), bytes + 2 * kPageBytes);
  return std::min({residency_.largest_away(), space_.cap() / 8, space_.cap() - needed});
}

// What must be available before a writer gets so much: its first and last page may be taken in
// part.
uint64_t Core::NeededFor(uint64_t bytes) const { return bytes + 2 * kPageBytes + Reserve(bytes); }

void Core::AskToUnpin(const std::vector<objectstore::Residency::Question>& asked) {
  std::map<ClientId, std::vector<wire::Pin>> questions;
  for (const auto& question : asked)
    questions[question.client].push_back({question.id, question.serial});
  for (auto& [client, pins] : questions) {
    Act(SendUnpin{client, std::move(pins)});
    // An honest one, even if it is stopped, owes an answer for each object that it has.
    if (residency_.questions().count(client) > 2 * config_.max_client_objects) {
      TROUPE_PROBE("core: a client leaves too many questions open");
      Act(CutOff{client, absl::StrCat("it has not answered ", residency_.questions().count(client),
                                      " times whether its objects may leave memory")});
    }
  }
  if (!asked.empty()) answer_deadline_nanos_ = now_nanos_ + kAnswerNanos;
}

void Core::Relieve(uint64_t bytes) {
  if (bytes <= Available()) return;
  bytes -= Available();
  for (const ClientId client : space_.ClientsWithLeases()) {
    if (client != kNodeItself && recalled_.insert(client).second) Act(SendRecall{client});
  }
  if (!spill_.enabled()) return;
  const auto choose = [&](bool may_write) {
    objectstore::Residency::Plan plan = residency_.Choose(bytes, may_write);
    for (const auto& [id, place] : plan.leave) {
      space_.Free(place);
      objects_.MoveOut(id);
    }
    AskToUnpin(plan.ask);
    std::map<objectstore::SpillFileId, Spill> batches;
    std::map<objectstore::SpillFileId, uint64_t> batch_bytes;
    bool all = true;
    for (const ObjectId id : plan.spill) {
      const Location place = residency_.Find(id)->place;
      const std::optional<objectstore::SpillSlot> slot = AllocateSlot(place.size);
      if (!slot.has_value()) {
        residency_.NotSpilled(id);
        all = false;
        continue;
      }
      residency_.Spilling(id, *slot);
      Spill& batch = batches[slot->file];
      batch.items.push_back({id, place, *slot});
      if ((batch_bytes[slot->file] += place.size) >= kSpillBatchBytes) {
        batch.file = slot->file;
        batch.directory = spill_.DirectoryOf(slot->file);
        Act(std::exchange(batch, {}));
        batch_bytes[slot->file] = 0;
      }
    }
    for (auto& [file, batch] : batches) {
      if (batch.items.empty()) continue;
      batch.file = file;
      batch.directory = spill_.DirectoryOf(file);
      Act(std::move(batch));
    }
    return std::pair(all, !plan.leave.empty());
  };
  auto [all, freed] = choose(/*may_write=*/true);
  // The disk is full or broken: what has a copy there can leave all the same.
  if (!all) freed |= choose(/*may_write=*/false).second;
  if (freed) ServeMemory();
}

// Where the quota is used up, copies of what is in memory go first.
std::optional<objectstore::SpillSlot> Core::AllocateSlot(uint64_t bytes) {
  for (;;) {
    if (auto slot = spill_.Allocate(bytes, now_nanos_)) return slot;
    const std::optional<objectstore::SpillSlot> copy = residency_.TakeCleanCopy();
    if (!copy.has_value()) return std::nullopt;
    spill_.Free(*copy);
  }
}

void Core::SpillEnded(objectstore::SpillFileId file, const std::vector<SpillResult>& results,
                      std::string_view failure) {
  if (!failure.empty()) spill_.Failed(file, now_nanos_, kSpillRetryNanos, std::string(failure));
  for (const SpillResult& result : results) {
    if (result.saved_bytes > 0) spill_.Shrink(residency_.SlotOf(result.object), result.saved_bytes);
    const auto outcome =
        residency_.Spilled(result.object, result.written, result.checksum, result.saved_bytes);
    if (outcome.free_place.has_value()) space_.Free(*outcome.free_place);
    if (outcome.away) objects_.MoveOut(result.object);
    if (outcome.free_slot.has_value()) spill_.Free(*outcome.free_slot);
    if (!freeing_.empty() && freeing_.contains(result.object)) TryToFree(result.object);
  }
  ServeMemory();
}

void Core::RestoreEnded(ObjectId id, const Location& place, objectstore::Residency::Reading reading,
                        std::string_view failure) {
  using Reading = objectstore::Residency::Reading;
  const objectstore::Residency::Record* known = residency_.Find(id);
  const std::string maker = known == nullptr ? "" : known->maker;
  const auto restored = residency_.RestoreEnded(id, place, reading);
  if (const auto cold = populating_.find({place.chunk, place.offset}); cold != populating_.end()) {
    (void)space_.Populated({place.chunk, place.offset, cold->second});
    populating_.erase(cold);
  }
  if (restored.free_slot.has_value()) spill_.Free(*restored.free_slot);
  if (restored.freed || reading != Reading::kRead) {
    TROUPE_CHECK(space_.ReturnLease(kNodeItself, place).ok(),
                 "the node's own lease is not its own");
  } else {
    TROUPE_CHECK(space_.Seal(kNodeItself, place).ok(), "the node's own lease is not its own");
    objects_.MoveIn(id, place);
  }
  if (reading == Reading::kLost) {
    if (!restored.freed) LoseObject(id, failure, maker, restored.wanted_by);
    return Settle();
  }
  for (const ClientId client : restored.wanted_by) {
    if (reading == Reading::kNoMemory) {
      TROUPE_PROBE("core: no memory to read an object back");
      Act(SendFetchRefused{
          client,
          id,
          {.kind = ErrorKind::kResourceExhausted,
           .message = absl::StrCat("the system has no memory to read back ", id.ToString(), " of ",
                                   Format(place.size), ": ", ToAbsl(failure))}});
    } else if (!restored.freed) {
      Act(SendReady{client, id});
    }
  }
  Settle();
}

// Memory that was given up goes back before more is taken: the actions keep this order.
void Core::ActOnSpace() {
  for (const Location& hole : space_.TakeHoles()) Act(PunchChunk{hole});
  for (const ChunkId chunk : space_.TakeDroppedChunks()) Act(DropChunk{chunk});
}

void Core::ActOnSpill() {
  for (const objectstore::SpillSlot& hole : spill_.TakeHoles()) Act(PunchSpillFile{hole});
  for (const objectstore::SpillFileId file : spill_.TakeDroppedFiles()) Act(DropSpillFile{file});
}

absl::flat_hash_set<ClientId> Core::WaitersForMemory() const {
  absl::flat_hash_set<ClientId> clients;
  for (const WaitingLease& waiting : waiting_leases_) clients.insert(waiting.client);
  for (const WaitingRestore& waiting : waiting_restores_) {
    const std::vector<ClientId>& wanted_by = residency_.Find(waiting.object)->wanted_by;
    clients.insert(wanted_by.begin(), wanted_by.end());
  }
  return clients;
}

int64_t Core::WaitDeadline(int64_t since_nanos) const {
  return std::max(since_nanos, last_grant_nanos_) + Limits::kMemoryWaitSeconds * kSecond;
}

// Somebody would be told that there is no room. Where clients hold memory and have not said a word
// since they were asked (they are stopped, or lie), they go instead; true where there were some.
bool Core::CutOffTheSilent() {
  bool any = false;
  for (auto it = silent_since_.begin(); it != silent_since_.end();) {
    const auto [client, since_nanos] = *it;
    if (now_nanos_ - since_nanos < kSilenceNanos || !residency_.OwesAnAnswer(client)) {
      ++it;
      continue;
    }
    TROUPE_PROBE("core: a silent client is cut off");
    Act(CutOff{client, absl::StrCat("it has not answered for ",
                                    (now_nanos_ - since_nanos + kAnswerNanos) / kSecond,
                                    " s whether its objects may leave memory, for which others "
                                    "wait")});
    it = silent_since_.erase(it);
    any = true;
  }
  return any;
}

void Core::AdvanceMemory() {
  const auto is_over = [&](const auto& queue) {
    return !queue.empty() && WaitDeadline(queue.front().since_nanos) <= now_nanos_;
  };
  if (!silent_since_.empty() && (is_over(waiting_leases_) || is_over(waiting_restores_)) &&
      CutOffTheSilent()) {
    last_grant_nanos_ = now_nanos_;  // for as long again, whoever waits waits for what they leave
  }
  while (!waiting_leases_.empty() &&
         WaitDeadline(waiting_leases_.front().since_nanos) <= now_nanos_) {
    RefuseWaitingLease(NoRoom(waiting_leases_.front().bytes));
  }
  while (!waiting_restores_.empty() &&
         WaitDeadline(waiting_restores_.front().since_nanos) <= now_nanos_) {
    const ObjectId id = waiting_restores_.front().object;
    waiting_restores_.pop_front();
    const uint64_t bytes = residency_.Find(id)->size;
    for (const ClientId client : residency_.GiveUpWaiting(id))
      Act(SendFetchRefused{client, id, NoRoom(bytes)});
  }
  if (!trimmed_ && waiting_leases_.empty() && waiting_restores_.empty() &&
      now_nanos_ - last_memory_use_nanos_ >= kIdleNanos) {
    trimmed_ = true;
    for (const ClientId client : space_.ClientsWithLeases()) {
      if (client != kNodeItself) Act(SendRecall{client});
    }
    space_.Trim();
    ActOnSpace();
  }
  if (answer_deadline_nanos_ <= now_nanos_) {
    answer_deadline_nanos_ = std::numeric_limits<int64_t>::max();
    TROUPE_PROBE("core: a client did not answer unpin?");
    for (const ClientId client : residency_.GiveUpAnswers())
      silent_since_.try_emplace(client, now_nanos_);
  }
  // A directory that had failed may be tried again.
  if (!waiting_leases_.empty() || !waiting_restores_.empty()) ServeMemory();
}

int64_t Core::MemoryDeadline() const {
  int64_t next = std::numeric_limits<int64_t>::max();
  if (!waiting_leases_.empty())
    next = std::min(next, WaitDeadline(waiting_leases_.front().since_nanos));
  if (!waiting_restores_.empty())
    next = std::min(next, WaitDeadline(waiting_restores_.front().since_nanos));
  if (next != std::numeric_limits<int64_t>::max()) {
    next = std::min({next, spill_.NextRetry(now_nanos_), answer_deadline_nanos_});
  } else if (!trimmed_) {
    next = last_memory_use_nanos_ + kIdleNanos;
  }
  return next;
}

// "40.0 MiB of Load, 12.0 MiB of Put": whose objects are in memory, by the task that made them.
std::string Core::LargestHolders() const {
  std::map<std::string, uint64_t> bytes;
  residency_.ForEach([&](ObjectId, const objectstore::Residency::Record& record) {
    if (record.in_memory()) bytes[record.maker] += record.size;
  });
  std::vector<std::pair<uint64_t, std::string>> makers;
  for (const auto& [maker, sum] : bytes) makers.emplace_back(sum, maker);
  std::sort(makers.rbegin(), makers.rend());
  std::string text;
  for (size_t i = 0; i < makers.size() && i < 3; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", Format(makers[i].first), " of ", makers[i].second);
  }
  return text;
}

ErrorInfo Core::NoRoom(uint64_t bytes) const {
  const std::string holders = LargestHolders();
  std::string message = absl::StrCat("no room for ", Format(bytes), " in the object store of ",
                                     Format(space_.cap()), " for ", Limits::kMemoryWaitSeconds,
                                     " s: objects in use take ", Format(space_.sealed_bytes()),
                                     holders.empty() ? "" : absl::StrCat(" (", holders, ")"), "; ");
  if (!spill_.enabled()) {
    absl::StrAppend(&message,
                    "drop references, give a --spill_dir, or start the cluster with a larger "
                    "--object_store_memory");
  } else if (spill_.quota() != UINT64_MAX && spill_.last_failure().empty()) {
    absl::StrAppend(&message, Format(spill_.used()), " of the quota of ", Format(spill_.quota()),
                    " are spilled; drop references, or give a larger --spill_quota");
  } else {
    absl::StrAppend(&message, Format(spill_.used()), " are spilled",
                    spill_.last_failure().empty()
                        ? std::string()
                        : absl::StrCat(" (the last try failed: ", spill_.last_failure(), ")"),
                    "; drop references and views of objects");
  }
  return {.kind = ErrorKind::kResourceExhausted, .message = std::move(message)};
}

wire::MemoryReport Core::Memory(size_t limit) const {
  wire::MemoryReport report{
      .request = 0,
      .cap = space_.cap(),
      .object_bytes = space_.sealed_bytes(),
      .leased_bytes = space_.leased_bytes(),
      .kept_bytes = space_.bytes() - space_.sealed_bytes() - space_.leased_bytes(),
      .inline_bytes = objects_.bytes_inline(),
      .spilled_bytes = spill_.used(),
      .object_count = objects_.count(),
      .objects = {}};
  for (const objectstore::Entry* entry : objects_.Largest(limit))
    report.objects.push_back(Describe(*entry));
  return report;
}

wire::MemoryObject Core::Describe(const objectstore::Entry& entry) const {
  wire::MemoryObject object{.id = entry.id,
                            .size = entry.size(),
                            .holders = static_cast<uint32_t>(entry.holders()),
                            .holds = entry.holds(),
                            .maker = {}};
  if (entry.inline_bytes().has_value()) {
    object.state = wire::ObjectState::kInline;
  } else if (entry.failed()) {
    object.state = wire::ObjectState::kFailed;
  } else if (const auto* record = residency_.Find(entry.id); entry.stored() && record != nullptr) {
    using Standing = objectstore::Residency::Standing;
    object.pins = static_cast<uint32_t>(record->pins.size());
    object.maker = record->maker;
    object.state = record->standing == Standing::kSpilling    ? wire::ObjectState::kSpilling
                   : record->standing == Standing::kRestoring ? wire::ObjectState::kRestoring
                   : record->standing == Standing::kAway      ? wire::ObjectState::kSpilled
                                                              : wire::ObjectState::kInMemory;
  }
  return object;
}

}  // namespace troupe::scheduler
