// Launcher starts worker processes from the image of their job and learns at once when one has
// died.
//
// An image is the open descriptor of the driver's executable: a rebuild, a deletion or a sandbox
// does no harm. Workers get the driver's environment and working directory; what they write is
// shown at its terminal, and its last lines are told with their death. The node is a subreaper:
// what a dead worker leaves behind becomes the node's child, and is ended. Not thread-safe.
#ifndef TROUPE_SCHEDULER_SERVER_LAUNCHER_H_
#define TROUPE_SCHEDULER_SERVER_LAUNCHER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/ids.h"
#include "core/base/unique_fd.h"
#include "core/loop/event_loop.h"
#include "core/loop/process.h"
#include "scheduler/core/worker_pool.h"
#include "scheduler/server/output_forwarder.h"
#include "scheduler/server/worker_output.h"

namespace troupe::scheduler {

// What a job's workers are started from.
struct Image {
  UniqueFd executable;
  std::string name;  // of the executable, for people
  std::vector<std::string> environment;
  std::vector<std::pair<std::string, std::string>> flags;
  UniqueFd working_directory;
  std::shared_ptr<const UniqueFd> output;  // of the driver; null where it is gone
  std::shared_ptr<const UniqueFd> error_output;
};

class Launcher {
 public:
  // `on_death(process, cause, pid)` is called from the loop, once for each process that was
  // started.
  using OnDeath = std::function<void(ProcessId, const std::string& cause, int pid)>;
  Launcher(loop::EventLoop* loop, OnDeath on_death);
  ~Launcher();

  struct Started {
    UniqueFd socket;  // our end of the worker's
    uint64_t nonce;   // which it must show in its Hello
  };
  // Errors: Internal, naming the executable.
  absl::StatusOr<Started> Start(ProcessId process, const Image& image);
  void Kill(ProcessId process);
  int PidOf(ProcessId process) const;
  // That it has written by now, to follow a sentence; empty where it wrote nothing.
  std::string LastLines(ProcessId process);

  // Shows what workers have written by now.
  void DrainOutput();
  // Kills all that run, and their orphans, and waits for them.
  void KillAll();

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
  OnDeath on_death_;
  std::map<ProcessId, Running> running_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_LAUNCHER_H_
