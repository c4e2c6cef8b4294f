// ProcessLauncher starts worker processes from the image of their job and learns at once when one
// has died.
//
// An image is the open descriptor of the driver's executable: a rebuild, a deletion or a sandbox
// does no harm. Workers get the driver's environment and working directory; what they write is
// shown at its terminal, and its last lines are told with their death. The node is a subreaper:
// what a dead worker leaves behind becomes the node's child, and is ended. Not thread-safe.
#ifndef TROUPE_SCHEDULER_SERVER_PROCESS_LAUNCHER_H_
#define TROUPE_SCHEDULER_SERVER_PROCESS_LAUNCHER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/loop/event_loop.h"
#include "core/loop/process.h"
#include "scheduler/core/worker_pool.h"
#include "scheduler/server/launcher.h"
#include "scheduler/server/output_forwarder.h"
#include "scheduler/server/worker_output.h"

namespace troupe::scheduler {

class ProcessLauncher final : public Launcher {
 public:
  ProcessLauncher(loop::EventLoop* loop, Events events);
  ~ProcessLauncher() override;

  absl::StatusOr<Started> Start(ProcessId process, const Image& image) override;
  void Kill(ProcessId process) override;
  int PidOf(ProcessId process) const override;
  std::string LastLines(ProcessId process) override;
  void DrainOutput() override;
  // And their orphans.
  void KillAll() override;

 private:
  struct Running {
    loop::Process process;
    std::unique_ptr<loop::Watcher> watcher;
    std::unique_ptr<WorkerOutput> output;
  };
  void Died(ProcessId process);
  void EndOrphans();

  loop::EventLoop* loop_;
  OutputForwarder forwarder_;
  uint64_t max_descriptors_ = 0;  // a worker's soft limit: ours before the node raised it
  Events events_;
  std::map<ProcessId, Running> running_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_PROCESS_LAUNCHER_H_
