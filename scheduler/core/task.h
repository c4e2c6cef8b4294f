// Task is the scheduler's record of one call, from its submission until its result is recorded.
//
// Life: waiting (for argument objects) → ready → dispatched → done; back to ready when it is
// recalled, or when its worker dies and a retry is left; delayed before a retry that was asked for
// by retry_on. The record goes when the task is done; its results live on in the object table.
// One that has been done may run again, since a result of it was lost (Core::LoseObject): then it
// makes only what is listed in lost_results.
// A task that is cancelled, or whose deadline passes, while it runs is *answered*: its results are
// errors from then on, and the record stays until the worker has come back or has died.
// Invariants:
//  (1) worker != null exactly while dispatched;
//  (2) missing > 0 exactly while waiting;
//  (3) the record holds its arguments, the ids inside them and what it makes in the object table;
//  (4) answered only while dispatched;
//  (5) it is in its parent's list of children exactly while both are there;
//  (6) suspended only while dispatched, and without a slot: the first suspension gives it back.
// Units: times in nanoseconds of the core's clock.
#ifndef TROUPE_SCHEDULER_CORE_TASK_H_
#define TROUPE_SCHEDULER_CORE_TASK_H_

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/free_blocks.h"
#include "core/base/ids.h"
#include "core/base/resource_set.h"
#include "core/wire/messages.h"
#include "scheduler/core/placement_group.h"
#include "scheduler/core/queued_task.h"
#include "scheduler/core/spec_bytes.h"

namespace troupe::scheduler {

struct Worker;

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// What is to happen to a task at a time.
enum class TaskTimer : uint8_t { kDeadline, kKill, kRetry };
inline constexpr size_t kTaskTimers = 3;

struct Task : QueuedTask, Recycled<Task, 1024> {
  enum class State { kWaiting, kReady, kDispatched, kDelayed };

  wire::TaskKind kind = wire::TaskKind::kTask;
  std::string name;
  SpecBytes spec;
  std::vector<ObjectId> dependencies;  // its object arguments, in order
  std::vector<ObjectId> inner_refs;    // ids inside its inline arguments
  ActorId actor;                       // of a call or a creation
  uint32_t group = 0;                  // of a call: its place in ActorRecord::groups
  uint32_t num_returns = 1;
  std::vector<uint32_t> lost_results;  // that are made again; empty: it makes all
  uint32_t stream_window = 0;          // not 0: it yields a stream
  uint32_t stream_items = 0;           // that its consumer was given, by whatever attempt
  uint32_t stream_consumed = 0;        // as the consumer has said
  bool stream_stopped = false;         // the consumer wants no more
  ResourceSet want;  // of a task that may take any bundle: of one of them, once it is dispatched
  std::unique_ptr<BundleChoice> placement;  // null: it takes the machine's resources
  int32_t retries_left = 0;                 // -1: without end
  uint64_t entry = 0;                       // the code that it runs
  uint32_t max_calls = 0;
  bool may_retry = false;  // has a retry_on
  int64_t deadline_nanos = kNever;
  int64_t grace_nanos = 0;  // -1: its process is not killed

  // Its place among the tasks that submitted one another.
  Task* parent = nullptr;
  Task* first_child = nullptr;
  Task* next_sibling = nullptr;
  Task* previous_sibling = nullptr;

  State state = State::kWaiting;
  size_t missing = 0;  // arguments that are not there yet
  bool answered = false;
  bool counted = false;   // among the pending calls of its actor
  uint32_t failures = 0;  // of the user's code, that were retried
  std::array<int64_t, kTaskTimers> timers = {kNever, kNever, kNever};
  uint32_t attempt = 0;  // of the current or next dispatch, from 1
  Worker* worker = nullptr;
  uint32_t slot = 0;  // of the worker's state words
  uint64_t generation = 0;
  bool holds_slot = false;

  // Of an actor's call that is a coroutine, in the current dispatch.
  bool suspended = false;     // it waits for `awaits`, and its thread takes other calls
  uint32_t suspensions = 0;   // how often it has been
  bool wait_refused = false;  // told that this one cannot end
  ObjectId awaits;
  uint32_t thread = 0;  // of its process, on which alone it goes on

  // Takes over what the message says, but for times and what concerns other tasks.
  void Fill(const wire::TaskSpec& of);
  // Its message says everything of it, and nobody else has a pointer to it but a ReadyQueue.
  bool CanPark() const;

  bool runs_again() const { return !lost_results.empty(); }
  // f(ObjectId), for each result that it is to make.
  template <typename F>
  void ForEachResult(F f) const {
    for (const uint32_t i : lost_results) f(id.Result(i));
    for (uint32_t i = 0; i < num_returns && !runs_again(); ++i) f(id.Result(i));
  }

  bool has_been_suspended() const { return worker != nullptr && !holds_slot; }

  // What it may be granted, one of these.
  std::span<const ResourceSet> Wants() const {
    return placement == nullptr ? std::span(&want, 1) : std::span(placement->wants);
  }

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
