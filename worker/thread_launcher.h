// ThreadLauncher starts the workers of an in-process cluster: each is a thread of the calling
// process, with a session of its own that speaks to the node over a socket and rings as a process
// does.
//
// A thread cannot be killed. Kill ends the session of its worker: what it waits for fails, what it
// runs is asked to stop, what it makes is dropped; the node goes on as if it had died, and hears
// when it really has. KillAll waits some seconds for all of them; one that still runs is told of on
// the standard error, with the name of its task, and left to itself.
//
// Not thread-safe: it belongs to the node's loop.
#ifndef TROUPE_WORKER_THREAD_LAUNCHER_H_
#define TROUPE_WORKER_THREAD_LAUNCHER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "core/loop/event_loop.h"
#include "scheduler/core/worker_pool.h"
#include "scheduler/server/launcher.h"

namespace troupe::worker {

class ThreadLauncher final : public scheduler::Launcher {
 public:
  // `on_start` runs on each worker's thread, before its first task.
  ThreadLauncher(loop::EventLoop* loop, Events events, std::function<void()> on_start);
  ~ThreadLauncher() override;

  absl::StatusOr<Started> Start(scheduler::ProcessId process,
                                const scheduler::Image& image) override;
  void Kill(scheduler::ProcessId process) override;
  // That of all of us.
  int PidOf(scheduler::ProcessId process) const override;
  // None, and nothing to drain: they write where the process writes.
  std::string LastLines(scheduler::ProcessId process) override;
  void DrainOutput() override {}
  void KillAll() override;

 private:
  struct Endings;  // shared with all threads
  struct Seat;     // shared with one
  struct Running {
    std::shared_ptr<Seat> seat;
    std::thread thread;
    bool given_up = false;
  };
  static void Run(const std::shared_ptr<Seat>& seat, const std::function<void()>& on_start);
  void TellOfEndings();

  Events events_;
  std::function<void()> on_start_;
  std::map<scheduler::ProcessId, Running> running_;
  std::vector<scheduler::ProcessId> given_up_;  // and not told yet
  std::shared_ptr<Endings> endings_;
  std::unique_ptr<loop::Watcher> watcher_;
};

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_THREAD_LAUNCHER_H_
