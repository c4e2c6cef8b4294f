// Starting a process of our own: an executable given by its descriptor, one inherited socket,
// nothing else.
//
// The child gets a session of its own (Ctrl-C at the terminal goes to the driver alone), /dev/null
// as its input, the parent's output unless told otherwise, `socket` as descriptor kRoleSocket, and
// no other descriptor. The caller gets its pidfd at once, so that the pid can never come to name
// another process. Errors: a Status that names the executable.   Thread-safe.
#ifndef TROUPE_CORE_LOOP_PROCESS_H_
#define TROUPE_CORE_LOOP_PROCESS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"

namespace troupe::loop {

// The number of the inherited socket in the child.
inline constexpr int kRoleSocket = 3;

struct SpawnOptions {
  int executable = -1;  // open descriptor of the program
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "NAME=value"
  int socket = -1;
  int working_directory = -1;  // descriptor of a directory; -1: the parent's
  int output = -1;             // descriptor for stdout; -1: the parent's
  int error_output = -1;       // for stderr
};

struct Process {
  int pid = 0;
  UniqueFd pidfd;
};

absl::StatusOr<Process> Spawn(const SpawnOptions& options);

// Waits for a child that has died (its pidfd is readable) and says how: "killed by signal 11
// (SIGSEGV)", "exited with code 3". REQUIRES: it is a child of this process.
std::string Reap(const Process& process);

}  // namespace troupe::loop

#endif  // TROUPE_CORE_LOOP_PROCESS_H_
