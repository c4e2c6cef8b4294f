// What the scheduler core asks the server to do. Decisions are made; these are to be performed in
// order.
//
// An action names ids, not pointers; what it names is still in the core's tables when the server
// performs the actions of an event before it feeds the next one.
#ifndef TROUPE_SCHEDULER_CORE_ACTIONS_H_
#define TROUPE_SCHEDULER_CORE_ACTIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "core/wire/messages.h"
#include "objectstore/table/residency.h"
#include "objectstore/table/spill_space.h"
#include "scheduler/core/spec_bytes.h"
#include "scheduler/core/worker_pool.h"

namespace troupe::scheduler {

// Send the task to the worker, with the values of its dependencies. The grants are already entered;
// what is small goes as a copy, without one.
struct SendDispatch {
  struct Given {
    ObjectId id;
    bool copied = false;
  };

  SendDispatch() {}  // not defaulted: made in a list, it would be filled with zeros before

  ClientId worker = ClientId::kNone;
  uint32_t slot = 0;
  uint64_t generation = 0;
  uint32_t attempt = 0;
  SpecBytes spec;
  // Its dependencies in order, then the checkpoint of a creation that `restores` one.
  absl::InlinedVector<Given, 4> values;
  std::vector<ObjectId> inner_refs;
  int64_t time_left_nanos = 0;  // until its deadline; 0: it has none
  bool restores = false;
  uint32_t group = 0;  // of an actor's call
};
// The worker runs a task whose result nobody wants any more.
struct SendStop {
  ClientId worker = ClientId::kNone;
  uint32_t slot = 0;
  uint64_t generation = 0;
  ErrorInfo error;
};
// Tell the client what the object has resolved to.
struct SendReady {
  ClientId client = ClientId::kNone;
  ObjectId object;
};
// Give the client an item of a stream; its grant is already entered.
struct SendStreamed {
  ClientId client = ClientId::kNone;
  ObjectId object;
};
// Tell the producer of a stream what its consumer has taken.
struct SendStreamDemand {
  ClientId worker = ClientId::kNone;
  TaskId task;
  uint32_t consumed = 0;
  bool stopped = false;
};
// The worker's executor waits for what cannot come: its wait, number `wait`, fails.
struct SendWaitRefused {
  ClientId worker = ClientId::kNone;
  uint64_t wait = 0;
  ErrorInfo error;
  TaskId task = {};  // a suspended call's wait; null: the process's
};
// So many of the client's tasks and calls are done.
struct SendFinished {
  ClientId client = ClientId::kNone;
  uint64_t count = 0;
};
struct SendActorFound {
  ClientId client = ClientId::kNone;
  uint64_t request = 0;
  ActorId actor;  // null: there is none of that name
  std::string type_name;
};
struct StartWorker {
  ProcessId process = ProcessId::kNone;
  JobId job = JobId::kNone;
};
// Ask the worker to end in order.
struct EndWorker {
  ClientId worker = ClientId::kNone;
  std::string reason;
};
// Kill the process at once; ProcessDied follows. Where `report`, Core::Killed follows before that.
struct KillWorker {
  ProcessId process = ProcessId::kNone;
  bool report = false;
};
struct CreateChunk {
  ChunkId chunk = ChunkId::kNone;
  uint64_t bytes = 0;
};
struct DropChunk {
  ChunkId chunk = ChunkId::kNone;
};
// Give the memory of these pages back to the system, before what follows takes more.
struct PunchChunk {
  Location pages;
};
// See to it that these pages have memory; Core::LeasePopulated follows.
struct PopulateLease {
  Location space;
};
struct SendLease {
  ClientId client = ClientId::kNone;
  Location space;
};
struct RefuseLease {
  ClientId client = ClientId::kNone;
  uint64_t bytes = 0;  // that were asked for
  ErrorInfo error;
};
// Of dispatches to the worker that were recalled: their frames may be dropped.
struct SendTakenBack {
  ClientId worker = ClientId::kNone;
  std::vector<uint64_t> generations;
};
// A task of the client's has failed, and nobody can look at its results any more.
struct SendUnreadError {
  ClientId client = ClientId::kNone;
  ErrorInfo error;
};
// Ask for what is leased and not used.
struct SendRecall {
  ClientId client = ClientId::kNone;
};
// Ask whether places may be forgotten; Core::Unpinned follows.
struct SendUnpin {
  ClientId client = ClientId::kNone;
  std::vector<wire::Pin> pins;
};
// It holds up everybody else: end its connection. DriverLeft, ToolLeft or ProcessDied follows.
struct CutOff {
  ClientId client = ClientId::kNone;
  std::string reason;
};
struct SendFetchRefused {
  ClientId client = ClientId::kNone;
  ObjectId object;
  ErrorInfo error;
};
// Write objects to slots of one file, which may not exist yet; Core::SpillEnded follows.
struct Spill {
  struct Item {
    ObjectId object;
    Location place;
    objectstore::SpillSlot slot;
  };
  objectstore::SpillFileId file = objectstore::SpillFileId::kNone;
  std::string directory;
  std::vector<Item> items;
};
// Read an object back into memory that it is to have; Core::RestoreEnded follows.
struct Restore {
  ObjectId object;
  objectstore::SpilledCopy copy;
  Location place;
};
struct PunchSpillFile {
  objectstore::SpillSlot hole;
};
struct DropSpillFile {
  objectstore::SpillFileId file = objectstore::SpillFileId::kNone;
};

using Action =
    std::variant<SendDispatch, SendTakenBack, SendStop, SendFinished, SendReady, SendStreamed,
                 SendStreamDemand, SendWaitRefused, SendActorFound, StartWorker, EndWorker,
                 KillWorker, CreateChunk, DropChunk, PunchChunk, PopulateLease, SendLease,
                 RefuseLease, SendRecall, SendUnpin, CutOff, SendFetchRefused, SendUnreadError,
                 Spill, Restore, PunchSpillFile, DropSpillFile>;

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_ACTIONS_H_
