// Residency knows of each stored object whether its bytes are in memory, on disk or both, who has
// been told where they lie, and which object leaves memory next.
//
// Problem: a reader has a pointer into shared memory, and nobody is asked when it reads. So whoever
// is told a place has a *pin* there, which the client keeps as long as it likes; the node may ask
// for it back (unpin?), and the client agrees where nobody looks. Messages cross: each telling has
// a serial number, the question names the last one, the answer repeats it, and an agreement to an
// older telling counts for nothing. Channels are FIFO, so an agreement to the last telling proves
// that the client has forgotten the place. An answer to no question at all is a lie
// (unpin_questions.h).
//
// Objects never change: one that was read back keeps its copy on disk (it is *clean*), and leaves
// memory the next time without being written.
//
// Pure. Life: resident → (asked → resident | held) → spilling → away → restoring → resident.
//   candidate  may be chosen to leave        asked   some clients have not answered yet
//   held       a client looks at it          spilling  it is being written
//   away       on disk alone                 restoring  it waits to be read back, or is
// Invariants: (1) a record has a place, a slot, or both; (2) only a candidate, an asked, a held or
// a spilling object has pins; (3) what leaves memory has no pin; (4) exactly the candidates are in
// the order of use. Cost: O(log objects) per operation. Not thread-safe.
#ifndef TROUPE_OBJECTSTORE_TABLE_RESIDENCY_H_
#define TROUPE_OBJECTSTORE_TABLE_RESIDENCY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "objectstore/table/spill_space.h"
#include "objectstore/table/unpin_questions.h"

namespace troupe::objectstore {

// What was written to disk, and how to know that it is still the same. Where the slot is smaller
// than the object, it is compressed.
struct SpilledCopy {
  SpillSlot slot;
  uint64_t checksum = 0;
};

class Residency {
 public:
  enum class Standing { kCandidate, kAsked, kHeld, kSpilling, kAway, kRestoring };

  // A new object in memory. `sealer`, where it is not kNone, knows the place.
  void Add(ObjectId id, const Location& location, ClientId sealer, std::string maker);
  // REQUIRES: it is in memory. The client has a pin from now on.
  void Told(ObjectId id, ClientId client);
  // The client's last reference has gone, and with it what it knew.
  void DropPin(ObjectId id, ClientId client);

  struct Question {
    ClientId client = ClientId::kNone;
    ObjectId id;
    uint32_t serial = 0;
  };
  struct Plan {
    std::vector<Question> ask;                         // unpin?
    std::vector<ObjectId> spill;                       // to be written: Spilling, then Spilled
    std::vector<std::pair<ObjectId, Location>> leave;  // clean: the place is free at once
  };
  // Chooses objects, least recently used first, until those and the ones under way come to `bytes`.
  // With `may_write` false only clean ones are chosen.
  Plan Choose(uint64_t bytes, bool may_write);
  // Asks those who know its place and were not asked, though nobody needs the memory; nobody while
  // it is being written. REQUIRES: it is in memory.
  std::vector<Question> Ask(ObjectId id);
  // What a client says of a question. False where it may not: it was not asked, or has said so
  // before. What has become of the object and the pin meanwhile is no fault of the client's.
  bool Answer(ClientId client, ObjectId id, uint32_t serial, bool agreed);
  // The client is gone, and answers nothing more. Its pins go with its references.
  void DropClient(ClientId client) { questions_.DropClient(client); }
  const UnpinQuestions& questions() const { return questions_; }

  // Who has not answered by now counts as having refused, until it agrees. The clients, each once.
  std::set<ClientId> GiveUpAnswers();
  // Whether it has been given up, and still owes an answer for something in memory.
  bool OwesAnAnswer(ClientId client) const;

  // Of an object in Plan::spill: this is where it is being written.
  void Spilling(ObjectId id, const SpillSlot& slot);
  // There is no slot for it: it stays.
  void NotSpilled(ObjectId id);
  struct Outcome {
    std::optional<Location> free_place;  // nothing is there any more
    std::optional<SpillSlot> free_slot;
    bool away = false;  // it has left memory
  };
  // Where it is being written. REQUIRES: it is.
  SpillSlot SlotOf(ObjectId id) const;
  // The writing has ended, and has left the last `saved_bytes` of the slot unused: they are not its
  // any more. The object may have been freed or pinned meanwhile.
  Outcome Spilled(ObjectId id, bool written, uint64_t checksum, uint64_t saved_bytes = 0);

  // A client wants the bytes of an object that is away. True where it must be queued for reading.
  // REQUIRES: !InMemory(id).
  bool Want(ObjectId id, ClientId client);
  // It is being read into `place`; what is to be read.
  SpilledCopy Restoring(ObjectId id, const Location& place);
  enum class Reading {
    kRead,      // it is there
    kNoMemory,  // it stays away
    kLost,      // what is on disk is damaged or cannot be read: the record goes
  };
  struct Restored {
    bool freed = false;               // meanwhile: the place is to be given back
    std::vector<ClientId> wanted_by;  // with kRead, each has a pin now
    std::optional<SpillSlot> free_slot;
  };
  // The reading has ended.
  Restored RestoreEnded(ObjectId id, const Location& place, Reading reading);
  // Nobody waits for it any more: takes back Want.
  std::vector<ClientId> GiveUpWaiting(ObjectId id);

  // Nobody needs the object. What can be freed now; the rest is freed when what is under way ends.
  Outcome Remove(ObjectId id);

  // A clean object's copy on disk, to make room there for others: the most recently used one's,
  // which will not leave memory soon.
  std::optional<SpillSlot> TakeCleanCopy();

  struct Record {
    Location place;  // size 0: not in memory
    SpilledCopy copy;
    bool has_copy = false;
    bool reading = false;  // restoring: its place is chosen
    bool removed = false;  // and something is under way
    Standing standing = Standing::kCandidate;
    uint64_t size = 0;
    uint64_t order = 0;  // of use
    uint32_t next_serial = 1;
    struct Pin {
      ClientId client;
      uint32_t serial;
      bool asked = false;
      bool refused = false;
      bool silent = false;  // it counts as refused, and has not said so
    };
    absl::InlinedVector<Pin, 1> pins;
    std::vector<ClientId> wanted_by;
    std::string maker;

    bool in_memory() const { return place.size > 0; }
  };
  // Null where it is no stored object.
  const Record* Find(ObjectId id) const;
  bool InMemory(ObjectId id) const;

  size_t count() const { return records_.size(); }
  // Of the objects that are on disk alone; 0: there are none.
  uint64_t largest_away() const { return away_sizes_.empty() ? 0 : *away_sizes_.rbegin(); }
  // On their way out of memory: asked for, or being written.
  uint64_t leaving_bytes() const { return asked_bytes_ + spilling_bytes_; }
  template <typename F>
  void ForEach(F f) const {
    for (const auto& [id, record] : records_) f(id, record);
  }

  void CheckInvariants() const;

 private:
  using Records = absl::flat_hash_map<ObjectId, Record>;

  void SetStanding(ObjectId id, Record& record, Standing standing);
  void Forget(Records::iterator it);
  // Moves it to the end of the order of use.
  void Use(ObjectId id, Record& record);
  void SettleAsked(ObjectId id, Record& record);
  void AskPins(ObjectId id, Record& record, std::vector<Question>* asked);
  static void AddPin(Record& record, ClientId client);

  Records records_;
  UnpinQuestions questions_;
  std::map<uint64_t, ObjectId> by_use_;  // candidates
  std::map<uint64_t, ObjectId> clean_;   // in memory and on disk, in the order of use
  std::multiset<uint64_t> away_sizes_;   // of objects that are away, or being read back
  uint64_t next_order_ = 1;
  uint64_t asked_bytes_ = 0;
  uint64_t spilling_bytes_ = 0;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_TABLE_RESIDENCY_H_
