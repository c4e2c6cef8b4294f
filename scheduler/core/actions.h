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

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "scheduler/core/worker_pool.h"

namespace troupe::scheduler {

// Send the task to the worker, with the values of its dependencies. The grants are already entered.
struct SendDispatch {
  ClientId worker = ClientId::kNone;
  uint32_t slot = 0;
  uint64_t generation = 0;
  uint32_t attempt = 0;
  std::shared_ptr<const std::string> spec;
  std::vector<ObjectId> dependencies;
  std::vector<ObjectId> inner_refs;
  int64_t time_left_nanos = 0;  // until its deadline; 0: it has none
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
// Kill the process at once; ProcessDied follows.
struct KillWorker {
  ProcessId process = ProcessId::kNone;
};
struct CreateChunk {
  ChunkId chunk = ChunkId::kNone;
  uint64_t bytes = 0;
};
struct DropChunk {
  ChunkId chunk = ChunkId::kNone;
};
struct SendLease {
  ClientId client = ClientId::kNone;
  Location space;
};
struct RefuseLease {
  ClientId client = ClientId::kNone;
  ErrorInfo error;
};

using Action = std::variant<SendDispatch, SendStop, SendReady, SendStreamed, SendStreamDemand,
                            SendWaitRefused, SendActorFound, StartWorker, EndWorker, KillWorker,
                            CreateChunk, DropChunk, SendLease, RefuseLease>;

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_ACTIONS_H_
