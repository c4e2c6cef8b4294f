// What is running: for log lines, for code that is used inside and outside of tasks, and for tasks
// that end early when nobody wants their result any more.
//
//   long Search(const Maze& maze) {
//     const std::stop_token stop = troupe::CurrentTask().stop_token();
//     while (!stop.stop_requested() && ...) ...
//   }
//
// Where the task is cancelled or its deadline passes, the token says so within a few milliseconds,
// and a Get or Wait in which the task is fails. Callbacks tied to the token (std::stop_callback)
// run on another thread. Outside of tasks: an empty TaskInfo, whose token never stops. Thread-safe.
#ifndef TROUPE_SDK_CURRENT_TASK_H_
#define TROUPE_SDK_CURRENT_TASK_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "core/base/ids.h"
#include "sdk/call_site.h"

namespace troupe {

struct TaskInfo {
  TaskId id;  // null outside of tasks
  std::string name;
  uint32_t attempt = 0;  // from 1
  ActorId actor;         // null outside of actors
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop;
  CallSite call_site;  // of the Task(f), in the caller's source; empty where it was called by name

  explicit operator bool() const { return !id.is_null(); }
  const std::stop_token& stop_token() const { return stop; }
};

// The task that runs on this thread.
TaskInfo CurrentTask();

}  // namespace troupe

#endif  // TROUPE_SDK_CURRENT_TASK_H_
