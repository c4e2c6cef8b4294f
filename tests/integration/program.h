// Program runs another program to its end and keeps what it said: what a user sees in a terminal.
//
//   const Outcome outcome = RunProgram({"tools/troupe", "status"}, {"TROUPE_RUNTIME_DIR=/tmp/x"});
//   EXPECT_EQ(outcome.exit_code, 1);
//
// Not thread-safe: it forks.
#ifndef TROUPE_TESTS_INTEGRATION_PROGRAM_H_
#define TROUPE_TESTS_INTEGRATION_PROGRAM_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace troupe::testing {

struct Outcome {
  int exit_code = -1;  // 128 + the signal's number where one ended it
  std::string output;  // both streams, in order
};

// Waits for its end and for the end of its output, which a process that it left behind would hold
// open. `environment` is added to ours; "NAME" without a value takes the variable away. `as_user`
// other than 0 becomes that user first, which only root may.
Outcome RunProgram(const std::vector<std::string>& argv,
                   const std::vector<std::string>& environment, uid_t as_user = 0);

// A program that goes on in the background, its output in a file.
class BackgroundProgram {
 public:
  BackgroundProgram(const std::vector<std::string>& argv,
                    const std::vector<std::string>& environment, const std::string& output_path);
  ~BackgroundProgram();  // kills it where it still runs
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;

  pid_t pid() const { return pid_; }
  std::string Output() const;
  // Sends the signal and returns the exit code, as in Outcome.
  int End(int signal);

 private:
  pid_t pid_ = 0;
  std::string output_path_;
};

// The path of a built program, from the environment variable that the BUILD file sets.
std::string BuiltProgram(const char* variable);

// A new empty directory with a short path, mode 0700, which goes with the object.
class ShortDirectory {
 public:
  ShortDirectory();
  ~ShortDirectory();
  ShortDirectory(const ShortDirectory&) = delete;
  ShortDirectory& operator=(const ShortDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::vector<std::string> Entries() const;

 private:
  std::string path_;
};

// `troupe up` on a directory of its own.
class StandingNode {
 public:
  explicit StandingNode(const std::vector<std::string>& flags = {"--workers=2",
                                                                 "--object_store_memory=64MiB"});
  std::string socket_path() const { return directory_.path() + "/node.sock"; }
  std::string address() const { return "unix:" + socket_path(); }
  const ShortDirectory& directory() const { return directory_; }
  std::string Log() const { return program_->Output(); }
  pid_t pid() const { return program_->pid(); }
  int End(int signal) { return program_->End(signal); }
  // Runs tests/integration/square on it: it serves honest programs.
  bool Serves() const;

 private:
  ShortDirectory directory_;
  ShortDirectory logs_;
  std::unique_ptr<BackgroundProgram> program_;
};

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_PROGRAM_H_
