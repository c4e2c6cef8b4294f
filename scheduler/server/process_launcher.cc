#include "scheduler/server/process_launcher.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/channel/control_socket.h"

namespace troupe::scheduler {
ProcessLauncher::ProcessLauncher(loop::EventLoop* loop, Events events)
    : loop_(loop), events_(std::move(events)) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (rlimit limit{}; getrlimit(RLIMIT_NOFILE, &limit) == 0) max_descriptors_ = limit.rlim_cur;
}

ProcessLauncher::~ProcessLauncher() { KillAll(); }

absl::StatusOr<Launcher::Started> ProcessLauncher::Start(ProcessId process, const Image& image) {
  auto sockets = channel::ControlSocket::Pair();
  if (!sockets.ok()) return sockets.status();
  Started started{std::move(sockets->first), RandomNonce()};
  loop::SpawnOptions options;
  options.executable = image.executable.get();
  options.argv = {image.name, absl::StrCat("[troupe worker]")};
  bool has_threads = false;
  for (const std::string& entry : image.environment) {
    if (absl::StartsWith(entry, "TROUPE_ROLE=")) continue;
    has_threads |= absl::StartsWith(entry, "OMP_NUM_THREADS=");
    options.environment.push_back(entry);
  }
  if (!has_threads) options.environment.push_back("OMP_NUM_THREADS=1");
  options.environment.push_back(
      absl::StrCat("TROUPE_ROLE=worker nonce=", started.nonce, " descriptors=", max_descriptors_));
  options.socket = sockets->second.get();
  options.working_directory = image.working_directory.get();
  auto output = std::make_unique<WorkerOutput>(&forwarder_, image.output, image.error_output);
  const absl::StatusOr<WorkerOutput::Ends> ends = output->Open();
  if (!ends.ok()) return ends.status();
  options.output = ends->output.get();
  options.error_output = ends->error_output.get();
  absl::StatusOr<loop::Process> spawned = loop::Spawn(options);
  if (!spawned.ok()) return spawned.status();
  const int pidfd = spawned->pidfd.get();
  Running& running = running_[process];
  running.process = *std::move(spawned);
  output->Watch(loop_, running.process.pid);
  running.output = std::move(output);
  running.watcher =
      loop_->Watch(pidfd, loop::EventLoop::kReadable, [this, process](int) { Died(process); });
  return started;
}

void ProcessLauncher::Died(ProcessId process) {
  const auto it = running_.find(process);
  if (it == running_.end()) return;
  const Running running = std::move(it->second);
  running_.erase(it);
  const std::string cause = loop::Reap(running.process) + running.output->Finish();
  EndOrphans();
  events_.died(process, cause, running.process.pid, /*runs_on=*/false);
}

void ProcessLauncher::DrainOutput() {
  for (auto& [id, running] : running_) running.output->Drain();
}

void ProcessLauncher::Kill(ProcessId process) {
  const auto it = running_.find(process);
  if (it != running_.end())
    syscall(SYS_pidfd_send_signal, it->second.process.pidfd.get(), SIGKILL, nullptr, 0);
}

int ProcessLauncher::PidOf(ProcessId process) const {
  const auto it = running_.find(process);
  return it == running_.end() ? 0 : it->second.process.pid;
}

std::string ProcessLauncher::LastLines(ProcessId process) {
  const auto it = running_.find(process);
  if (it == running_.end()) return "";
  it->second.output->Drain();
  return it->second.output->LastLines();
}

void ProcessLauncher::KillAll() {
  for (auto& [id, running] : running_) Kill(id);
  for (auto& [id, running] : running_) {
    loop::Reap(running.process);
    (void)running.output->Finish();
  }
  running_.clear();
  EndOrphans();
}

// Children of ours that we did not start were left by a dead worker. What they had started is ours
// in turn when they are dead, to any depth.
void ProcessLauncher::EndOrphans() {
  for (bool found = true; found;) {
    found = false;
    std::ifstream children(absl::StrCat("/proc/self/task/", getpid(), "/children"));
    for (pid_t pid = 0; children >> pid;) {
      const bool ours = std::any_of(running_.begin(), running_.end(), [&](const auto& running) {
        return running.second.process.pid == pid;
      });
      if (ours) continue;
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
      found = true;
    }
  }
}

}  // namespace troupe::scheduler
