// WorkerOutput takes what one worker process writes to its standard output and its standard error:
// shows it at its driver's, line by line with a prefix, and keeps the last lines for the report of
// its death. Not thread-safe.
#ifndef TROUPE_SCHEDULER_SERVER_WORKER_OUTPUT_H_
#define TROUPE_SCHEDULER_SERVER_WORKER_OUTPUT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"
#include "core/loop/event_loop.h"
#include "scheduler/server/output_forwarder.h"
#include "scheduler/server/output_lines.h"

namespace troupe::scheduler {

class WorkerOutput {
 public:
  // What the process is to write to.
  struct Ends {
    UniqueFd output;
    UniqueFd error_output;
  };

  // Nothing is shown at an output that is gone. The forwarder must outlive it.
  WorkerOutput(OutputForwarder* forwarder, std::weak_ptr<const UniqueFd> output,
               std::weak_ptr<const UniqueFd> error_output);

  // Errors: ResourceExhausted where no descriptor is left.
  absl::StatusOr<Ends> Open();
  // The process is there: reads from now on.
  void Watch(loop::EventLoop* loop, int pid);
  // Reads all that is there now.
  void Drain();
  // The last of the lines that were read, to follow a sentence that says how it died; empty where
  // it wrote nothing.
  std::string LastLines() const;
  // After its death: shows the rest, and returns LastLines().
  std::string Finish();

 private:
  struct Stream {
    UniqueFd end;
    std::unique_ptr<loop::Watcher> watcher;
    std::weak_ptr<const UniqueFd> to;
    OutputLines lines;
  };
  // False at the end of the stream, or where nothing is there now.
  bool Read(Stream* stream);
  void Show(const Stream& stream, const std::vector<std::string>& lines);

  OutputForwarder* forwarder_;
  Stream streams_[2];
  OutputLines both_;  // in the order in which it was read
  int pid_ = 0;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_WORKER_OUTPUT_H_
