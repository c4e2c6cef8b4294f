// The processes of the scheduler core's fuzz target: drivers, tools and workers that work, wait,
// lie and die in any order, a store and a disk that answer late or not at all, and the server
// between them and the core.
//
// What a client sends may be anything that the decoder lets through; a client that was refused is
// cut off, as the server does. What the server guarantees is kept. After each event the core's
// invariants hold. Who has told no lie is not refused what is certainly its right (to complete what
// it runs, to yield the next item). At the end every client leaves, every process that was told to
// end does, and nothing is left. What breaks that ends the program.
//
// core_fuzz_events.cc makes an event happen (core_events.h), core_fuzz_world.cc is what follows
// from it and the end. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_CORE_FUZZ_WORLD_H_
#define TROUPE_SCHEDULER_CORE_CORE_FUZZ_WORLD_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/fuzz_events.h"
#include "core/base/ids.h"
#include "core/wire/messages.h"
#include "objectstore/table/object_table.h"
#include "objectstore/table/residency.h"
#include "scheduler/core/actions.h"
#include "scheduler/core/core.h"
#include "scheduler/core/core_events.h"
#include "scheduler/core/wire_spec_codec.h"

namespace troupe::scheduler::fuzz {

// Of actors.
inline constexpr std::array<std::string_view, 3> kNames = {"ann", "bob", "cem"};

// The state words that the core and the workers share.
class Words : public TaskWords {
 public:
  void Queue(ClientId worker, uint32_t slot, uint64_t generation) override {
    words_[{worker, slot}] = {generation, State::kQueued};
  }
  bool TryRecall(ClientId worker, uint32_t slot, uint64_t generation) override {
    return Change(worker, slot, generation, State::kRecalled);
  }
  bool HasBegun(ClientId worker, uint32_t slot, uint64_t generation) override {
    const Word& word = words_[{worker, slot}];
    return word.generation == generation && word.state == State::kBegun;
  }
  // The worker's side.
  bool TryBegin(ClientId worker, uint32_t slot, uint64_t generation) {
    return Change(worker, slot, generation, State::kBegun);
  }

 private:
  enum class State { kQueued, kBegun, kRecalled };
  struct Word {
    uint64_t generation = 0;
    State state = State::kRecalled;
  };
  bool Change(ClientId worker, uint32_t slot, uint64_t generation, State to) {
    Word& word = words_[{worker, slot}];
    if (word.generation != generation || word.state != State::kQueued) return false;
    word.state = to;
    return true;
  }

  std::map<std::pair<ClientId, uint32_t>, Word> words_;
};

// A task that a worker was sent, as the worker knows it.
struct Sent {
  TaskId task;
  wire::TaskKind kind = wire::TaskKind::kTask;
  uint32_t num_returns = 0;
  uint32_t slot = 0;
  uint64_t generation = 0;
  uint32_t attempt = 0;
  uint32_t items = 0;
  bool begun = false;
  bool suspended = false;
};

struct Process {
  enum class Kind { kDriver, kTool, kWorker };
  Kind kind = Kind::kDriver;
  ProcessId number = ProcessId::kNone;  // of a worker
  ClientId client = ClientId::kNone;    // none while it starts
  bool gone = false;                    // the core has heard of it
  bool cut_off = false;                 // it was refused: nothing that it sends arrives
  bool told_to_end = false;
  bool lied_about_places = false;  // by an answer to unpin?
  uint64_t next_sequence = 1;
  std::map<ActorId, uint64_t> calls;
  std::vector<Sent> sent;
  std::vector<Location> leases;
  bool leases_may_be_gone = false;  // it has lied of a place, and may have hit one of its own
  std::vector<wire::Pin> questions;
  std::vector<ObjectId> promises;

  bool can_send() const { return !gone && !cut_off && client != ClientId::kNone; }
};

class World {
 public:
  // The event chooses the machine.
  explicit World(const FuzzEvent& machine);

  void Perform(const FuzzEvent& event) {
    Happen(CoreEvent(event.what % kCoreEvents), event);
    PerformActions();
    core_.CheckInvariants();
  }

  void End();

 private:
  // --- Who.

  template <typename Wanted>
  Process* Find(uint8_t which, Wanted wanted) {
    std::vector<Process*> found;
    for (Process& process : processes_) {
      if (wanted(process)) found.push_back(&process);
    }
    return found.empty() ? nullptr : found[which % found.size()];
  }
  Process* Sender(uint8_t which) {
    return Find(which, [](const Process& p) { return p.can_send(); });
  }
  Process* Owner(uint8_t which) {  // of a job
    return Find(which,
                [](const Process& p) { return p.can_send() && p.kind != Process::Kind::kTool; });
  }
  // A worker; one that was sent work where there is one, unless it lies.
  Process* AtWork(const FuzzEvent& event) {
    Process* process = Find(event.who, [&](const Process& p) {
      return p.can_send() && p.kind == Process::Kind::kWorker && !p.sent.empty();
    });
    return process == nullptr || (event.how & kLies) != 0 ? Sender(event.who) : process;
  }
  Process* Find(ClientId client) {
    return Find(0, [&](const Process& p) { return !p.gone && p.client == client; });
  }

  // --- What about.

  // An object on which the process has a grant, or, as a lie, any one. Null: there is none.
  ObjectId Object(const Process& process, uint8_t which, bool lies) const {
    std::vector<ObjectId> found;
    for (const ObjectId id : objects_) {
      if (lies || core_.objects().HasGrant(id, process.client)) found.push_back(id);
    }
    return found.empty() ? ObjectId() : found[which % found.size()];
  }
  template <typename Of>
  ObjectId ObjectOf(const std::vector<ObjectId>& some, const Process& process,
                    const FuzzEvent& event, Of of) const {
    if ((event.how & kLies) != 0) return Object(process, event.which, true);
    std::vector<ObjectId> found;
    for (const ObjectId id : some) {
      if (of(id)) found.push_back(id);
    }
    return found.empty() ? ObjectId() : found[event.which % found.size()];
  }
  ObjectId Granted(const std::vector<ObjectId>& some, const Process& process,
                   const FuzzEvent& event) const {
    return ObjectOf(some, process, event,
                    [&](ObjectId id) { return core_.objects().HasGrant(id, process.client); });
  }
  void Remember(ObjectId id) {
    constexpr size_t kObjects = 48;
    objects_.push_back(id);
    if (objects_.size() > kObjects) objects_.erase(objects_.begin());
  }
  ObjectId NewObject(Process* process) {
    const ObjectId id = ObjectId::Make(process->client, process->next_sequence++);
    Remember(id);
    return id;
  }
  static Sent* FindSent(Process* process, uint8_t which) {
    return process->sent.empty() ? nullptr : &process->sent[which % process->sent.size()];
  }

  // --- Values.

  // Containers in a circle keep themselves for ever, as any counted references do: none is made.
  bool Reaches(ObjectId from, ObjectId target) const {
    if (from == target) return true;
    const objectstore::Entry* entry = core_.objects().Find(from);
    return entry != nullptr && std::any_of(entry->contained().begin(), entry->contained().end(),
                                           [&](ObjectId inner) { return Reaches(inner, target); });
  }
  // Of a value that object `id` is to have.
  wire::Value MakeValue(Process* process, const FuzzEvent& event, ObjectId id) {
    static constexpr std::string_view kBytes = "0123456789abcdef0123456789abcdef";
    const wire::Bytes some = std::as_bytes(std::span(kBytes.data(), event.much % kBytes.size()));
    switch (event.how % 4) {
      case 1: {
        Location place{ChunkId(1), uint64_t{event.which} * 64, uint64_t{event.much} * 64};
        if ((event.how & kLies) != 0) {
          process->leases_may_be_gone = true;
          return {place, {}};
        }
        if (process->leases.empty()) break;
        Location& lease = process->leases[event.other % process->leases.size()];
        const uint64_t bytes =
            std::min(lease.size, (uint64_t{64} * (1 + event.much)) << event.which % 4);
        place = {lease.chunk, lease.offset, bytes};
        lease.offset += bytes;
        lease.size -= bytes;
        std::erase_if(process->leases, [](const Location& l) { return l.size == 0; });
        return {place, {}};
      }
      case 2: {
        const ObjectId inner = Object(*process, event.other, (event.how & kLies) != 0);
        if (inner.is_null() || Reaches(inner, id)) break;
        return {some, {inner}};
      }
      case 3:
        return {ErrorInfo{.kind = ErrorKind::kTaskError, .message = "it failed"}, {}};
      default:
        break;
    }
    return {some, {}};
  }

  void Happen(CoreEvent what, const FuzzEvent& event);
  void Join(Process::Kind kind);
  void Leave(Process* process);
  void Die(Process* process, bool for_want_of_memory);
  void Submit(CoreEvent what, const FuzzEvent& event);
  void Complete(const FuzzEvent& event);
  void YieldItem(const FuzzEvent& event);
  void SuspendOrResume(CoreEvent what, const FuzzEvent& event);
  void MakePlacementGroup(const FuzzEvent& event);
  void SendOfObject(CoreEvent what, Process* process, const FuzzEvent& event);
  void AnswerQuestion(Process* process, const FuzzEvent& event);
  void EndSpill(uint8_t which, bool fails);
  void EndRestore(uint8_t which, objectstore::Residency::Reading reading);
  void EndPopulate(uint8_t which, bool fails);
  void Sample(const FuzzEvent& event);
  void Report(const FuzzEvent& event) const;
  void EndDetachedActors();
  bool WorkOn();
  // A client that is refused is cut off.
  void Expect(Process* process, const absl::Status& status) {
    if (!status.ok()) Leave(process);
  }

  void PerformActions();
  template <typename Unseen>
  void Do(const Unseen&) {}
  void Do(const SendDispatch& action);
  void Do(const SendActorFound& action) { found_ = action.actor; }
  void Do(const StartWorker& action);
  void Do(const EndWorker& action);
  void Do(const KillWorker& action);
  void Do(const SendReady& action);
  void Do(const SendStreamed& action) { Tell(action.client, action.object); }
  void Do(const PopulateLease& action) { populating_.push_back(action.space); }
  void Do(const SendLease& action);
  void Do(const SendRecall& action);
  void Do(const SendUnpin& action);
  void Do(const Spill& action) { spills_.push_back(action); }
  void Do(const Restore& action) { restores_.push_back(action); }
  void Tell(ClientId client, ObjectId id);

  Words words_;
  WireSpecCodec codec_;
  Core core_;
  int64_t now_nanos_ = 0;
  std::deque<Process> processes_;  // all that ever were
  uint64_t next_client_ = 1;
  uint32_t next_job_ = 1;
  std::vector<ObjectId> objects_;  // the last ones
  std::vector<ObjectId> actors_;
  std::vector<ObjectId> groups_;
  std::vector<TaskId> streams_;
  ActorId found_;
  std::vector<Location> populating_;
  std::vector<Spill> spills_;
  std::vector<Restore> restores_;
};

}  // namespace troupe::scheduler::fuzz

#endif  // TROUPE_SCHEDULER_CORE_CORE_FUZZ_WORLD_H_
