// Task is the scheduler's record of one call, from its submission until its result is recorded.
//
// Life: waiting (for argument objects) → ready → dispatched → done; back to ready when it is
// recalled, or when its worker dies and a retry is left. The record goes when the task is done; its
// results live on in the object table.
// Invariants: (1) worker != null exactly while dispatched; (2) missing > 0 exactly while waiting;
// (3) the record holds its arguments, the ids inside them and its results in the object table.
#ifndef TROUPE_SCHEDULER_CORE_TASK_H_
#define TROUPE_SCHEDULER_CORE_TASK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/resource_set.h"
#include "core/wire/messages.h"

namespace troupe::scheduler {

struct Worker;

struct Task {
  enum class State { kWaiting, kReady, kDispatched };

  TaskId id;
  wire::TaskKind kind = wire::TaskKind::kTask;
  ClientId submitter = ClientId::kNone;
  JobId job = JobId::kNone;
  std::string name;
  std::shared_ptr<const std::string>
      spec;  // the message that submitted it: forwarded, never encoded again
  std::vector<ObjectId> dependencies;  // its object arguments, in order
  std::vector<ObjectId> inner_refs;    // ids inside its inline arguments
  ActorId actor;                       // of a call or a creation
  uint32_t num_returns = 1;
  ResourceSet want;
  int32_t retries_left = 0;  // -1: without end
  int32_t priority = 0;
  uint32_t depth = 0;
  uint64_t order = 0;  // of submission, over the whole node

  State state = State::kWaiting;
  size_t missing = 0;    // arguments that are not there yet
  uint32_t attempt = 0;  // of the current or next dispatch, from 1
  Worker* worker = nullptr;
  uint32_t slot = 0;  // of the worker's state words
  uint64_t generation = 0;

  ErrorInfo MakeError(ErrorKind kind_of_error, std::string message, int32_t pid = 0) const {
    return {.kind = kind_of_error,
            .message = std::move(message),
            .exception_type = {},
            .origin = name,
            .task = id,
            .attempt = attempt,
            .pid = pid};
  }
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_TASK_H_
