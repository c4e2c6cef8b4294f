// History keeps the last events and decisions about tasks, actors and workers, to be told as a
// story.
//
// Problem: why a task ran late, twice or never is decided long before somebody asks. So each event
// costs a few stores into a ring, and text is made only when it is asked for.
//
// Units: nanoseconds of the core's clock.   Bounds: the last kEvents; older ones are overwritten.
// Not thread-safe.   After Dask's story(key).
//
//   history.Add(now, task.Result(0), Step::kDispatched, process);
//   std::string text = history.Story(task.Result(0), now);
#ifndef TROUPE_SCHEDULER_CORE_HISTORY_H_
#define TROUPE_SCHEDULER_CORE_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "scheduler/core/worker_pool.h"

namespace troupe::scheduler {

enum class Step : uint8_t {
  kSubmitted,  // detail: how many arguments it waits for; none: it is ready
  kReady,
  kDispatched,  // detail: the attempt
  kTakenBack,
  kEnded,
  kFailed,      // detail: the ErrorKind
  kToldToStop,  // its result is not wanted any more
  kDelayed,     // before a retry; detail: milliseconds
  kLost,        // its process died
  kRunsAgain,   // a result was lost; detail: how many are to be made
  kActorStarts,
  kActorLives,
  kActorRestarts,
  kActorDied,
  kCheckpoint,
  kGroupReserved,
  kGroupRemoved,
  kGroupReturned,
  kProcessStarted,
  kProcessJoined,
  kProcessBlocked,
  kProcessWentOn,
  kProcessToldToEnd,
  kProcessKilled,
  kProcessDied,
};

class History {
 public:
  static constexpr size_t kEvents = size_t{1} << 16;

  // `subject`: the first result of a task, the id of an actor, or null for what concerns only the
  // process.
  void Add(int64_t now_nanos, ObjectId subject, Step step, ProcessId process = ProcessId::kNone,
           uint32_t detail = 0);

  // A line for each event about the subject, or about the process; empty where none is known.
  std::string Story(ObjectId subject, int64_t now_nanos) const;
  std::string Story(ProcessId process, int64_t now_nanos) const;

 private:
  static constexpr uint32_t kMostDetail = (1u << 24) - 1;  // what is more is told as this
  // Each task has three or more: they are what the node writes most of. No bit fields, which are
  // written by reading what stands there.
  struct Event {
    int64_t at_nanos;
    ObjectId subject;
    uint32_t process;
    uint32_t detail_and_step;

    uint32_t detail() const { return detail_and_step >> 8; }
    Step step() const { return static_cast<Step>(detail_and_step & 0xff); }
  };
  static_assert(sizeof(Event) == 32);
  template <typename F>
  std::string Tell(F about, int64_t now_nanos) const;

  std::vector<Event> events_;
  size_t next_ = 0;
  bool is_full_ = false;  // the oldest is overwritten
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_HISTORY_H_
