// The node of an in-process cluster: a thread of this process, whose workers are threads too.
// Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_IN_PROCESS_H_
#define TROUPE_SDK_INTERNAL_IN_PROCESS_H_

#include <sys/types.h>

#include <thread>

#include "scheduler/server/node.h"

namespace troupe::internal {

class NodeThread {
 public:
  // Starts it. `options.driver` is its end of the driver's socket; once that is closed, it ends.
  // Throws ResourceExhausted where the system gives no thread.
  explicit NodeThread(scheduler::NodeOptions options);
  // Waits for its end. In a forked child there is none to wait for.
  ~NodeThread();
  NodeThread(const NodeThread&) = delete;
  NodeThread& operator=(const NodeThread&) = delete;

 private:
  pid_t started_by_;
  std::thread thread_;
};

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_IN_PROCESS_H_
