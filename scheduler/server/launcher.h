// Launcher starts workers for the node, and tells it at once when one has died: the seam at which
// workers may be processes (process_launcher.h) or threads of the node's own process
// (worker/thread_launcher.h). Not thread-safe.
#ifndef TROUPE_SCHEDULER_SERVER_LAUNCHER_H_
#define TROUPE_SCHEDULER_SERVER_LAUNCHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"
#include "core/loop/event_loop.h"
#include "scheduler/core/worker_pool.h"

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
  // Called from the loop.
  struct Events {
    // Once for each worker that was started. `runs_on`: it was given up, but its code still runs,
    // and may touch what the worker holds.
    std::function<void(ProcessId, const std::string& cause, int pid, bool runs_on)> died;
    // Once for each that ran on: now it has ended.
    std::function<void(ProcessId)> ended;
  };
  using Factory = std::function<std::unique_ptr<Launcher>(loop::EventLoop*, Events)>;

  virtual ~Launcher() = default;
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  struct Started {
    UniqueFd socket;  // our end of the worker's
    uint64_t nonce;   // which it must show in its Hello
  };
  // Errors: Internal, naming the executable; ResourceExhausted.
  virtual absl::StatusOr<Started> Start(ProcessId process, const Image& image) = 0;
  // Its death is told from the loop.
  virtual void Kill(ProcessId process) = 0;
  virtual int PidOf(ProcessId process) const = 0;
  // That it has written by now, to follow a sentence; empty where it wrote nothing.
  virtual std::string LastLines(ProcessId process) = 0;
  // Shows what workers have written by now.
  virtual void DrainOutput() = 0;
  // Kills all that run and waits for them; tells of none.
  virtual void KillAll() = 0;

 protected:
  Launcher() = default;
};

// A secret for Started.
uint64_t RandomNonce();

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_LAUNCHER_H_
