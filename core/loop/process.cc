#include "core/loop/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/fault/fault.h"
#include "core/fault/probe.h"

namespace troupe::loop {
namespace {

constinit const fault::Point start_point("spawn.start");
constinit const fault::Point pidfd_point("spawn.pidfd");

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

absl::StatusOr<Process> Spawn(const SpawnOptions& options) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  // The socket and the output first move out of the way of the numbers that they are to have. The
  // executable is duplicated below, close-on-exec, to a number that stays open until the kernel has
  // opened the file.
  if (options.working_directory >= 0)
    posix_spawn_file_actions_addfchdir_np(&actions, options.working_directory);
  const UniqueFd socket(fcntl(options.socket, F_DUPFD_CLOEXEC, 16));
  const UniqueFd output(options.output >= 0 ? fcntl(options.output, F_DUPFD_CLOEXEC, 16) : -1);
  const UniqueFd error_output(
      options.error_output >= 0 ? fcntl(options.error_output, F_DUPFD_CLOEXEC, 16) : -1);
  const UniqueFd executable(fcntl(options.executable, F_DUPFD_CLOEXEC, 16));
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (output) posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  if (error_output) posix_spawn_file_actions_adddup2(&actions, error_output.get(), STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, socket.get(), kRoleSocket);
  // Everything else that the user's program may have left inheritable; the executable's own
  // descriptor survives until the exec because it is opened by the path below before close-on-exec
  // takes it away.
  const int executable_number = kRoleSocket + 1;
  posix_spawn_file_actions_adddup2(&actions, executable.get(), executable_number);
  posix_spawn_file_actions_addclosefrom_np(&actions, executable_number + 1);
  const std::string path = absl::StrCat("/proc/self/fd/", executable_number);
  pid_t pid = 0;
  int rc = start_point.Fail();
  if (rc == 0) {
    rc = posix_spawn(&pid, path.c_str(), &actions, &attributes, Pointers(options.argv).data(),
                     Pointers(options.environment).data());
  }
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (rc != 0) {
    TROUPE_PROBE("spawn: a process could not be started");
    return absl::InternalError(absl::StrCat(
        "cannot start ", options.argv.empty() ? "a process" : options.argv[0], ": ", strerror(rc)));
  }
  Process process;
  process.pid = pid;
  process.pidfd =
      UniqueFd(pidfd_point.Call([&] { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }));
  if (!process.pidfd) {
    TROUPE_PROBE("spawn: no pidfd");
    const int error = errno;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return absl::InternalError(absl::StrCat("pidfd_open: ", strerror(error)));
  }
  return process;
}

std::string Reap(const Process& process) {
  int status = 0;
  if (waitpid(process.pid, &status, 0) != process.pid) return "has ended";
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    const char* name = sigabbrev_np(number);
    return absl::StrCat("killed by signal ", number, " (SIG", name == nullptr ? "?" : name, ")");
  }
  return absl::StrCat("exited with code ", WEXITSTATUS(status));
}

}  // namespace troupe::loop
