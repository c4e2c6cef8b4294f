// What is running: for log lines, and for code that is used inside and outside of tasks.
#ifndef TROUPE_SDK_CURRENT_TASK_H_
#define TROUPE_SDK_CURRENT_TASK_H_

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/ids.h"

namespace troupe {

struct TaskInfo {
  TaskId id;
  std::string name;
  uint32_t attempt = 0;  // from 1
  ActorId actor;         // null outside of actors
};

// The task that runs on this thread; none in a driver.
std::optional<TaskInfo> CurrentTask();

}  // namespace troupe

#endif  // TROUPE_SDK_CURRENT_TASK_H_
