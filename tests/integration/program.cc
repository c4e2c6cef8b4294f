#include "tests/integration/program.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

namespace troupe::testing {
namespace {

int ExitCode(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// In the child; returns only by _exit.
[[noreturn]] void Become(const std::vector<std::string>& argv,
                         const std::vector<std::string>& environment, int output, uid_t as_user) {
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  // By its descriptor: another user may not reach the path.
  const int program = open(argv[0].c_str(), O_RDONLY | O_CLOEXEC);
  for (const std::string& entry : environment) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos) {
      unsetenv(entry.c_str());
    } else {
      setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
    }
  }
  if (as_user != 0 && (setgroups(0, nullptr) != 0 || setgid(as_user) != 0 || setuid(as_user) != 0))
    _exit(126);
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  fexecve(program, pointers.data(), environ);
  _exit(127);
}

}  // namespace

Outcome RunProgram(const std::vector<std::string>& argv,
                   const std::vector<std::string>& environment, uid_t as_user) {
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) return {};
  const pid_t pid = fork();
  if (pid == 0) Become(argv, environment, output[1], as_user);
  close(output[1]);
  Outcome outcome;
  char buffer[4096];
  for (ssize_t n; (n = read(output[0], buffer, sizeof(buffer))) > 0;)
    outcome.output.append(buffer, static_cast<size_t>(n));
  close(output[0]);
  int status = 0;
  if (waitpid(pid, &status, 0) == pid) outcome.exit_code = ExitCode(status);
  return outcome;
}

BackgroundProgram::BackgroundProgram(const std::vector<std::string>& argv,
                                     const std::vector<std::string>& environment,
                                     const std::string& output_path)
    : output_path_(output_path) {
  const int output = open(output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = fork();
  if (pid_ == 0) Become(argv, environment, output, 0);
  close(output);
}

BackgroundProgram::~BackgroundProgram() { End(SIGKILL); }

std::string BackgroundProgram::Output() const {
  std::ifstream file(output_path_);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int BackgroundProgram::End(int signal) {
  if (pid_ <= 0) return -1;
  kill(pid_, signal);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  return ExitCode(status);
}

std::string BuiltProgram(const char* variable) {
  const char* path = getenv(variable);
  return path == nullptr ? "" : path;
}

ShortDirectory::ShortDirectory() {
  char path[] = "/tmp/troupe-test.XXXXXX";
  if (mkdtemp(path) != nullptr) path_ = path;
}

ShortDirectory::~ShortDirectory() {
  for (const std::string& entry : Entries()) unlink((path_ + "/" + entry).c_str());
  rmdir(path_.c_str());
}

std::vector<std::string> ShortDirectory::Entries() const {
  std::vector<std::string> entries;
  DIR* directory = opendir(path_.c_str());
  if (directory == nullptr) return entries;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") entries.push_back(name);
  }
  closedir(directory);
  return entries;
}

StandingNode::StandingNode(const std::vector<std::string>& flags) {
  std::vector<std::string> argv = {BuiltProgram("TROUPE_TOOL"), "up"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  program_ = std::make_unique<BackgroundProgram>(
      argv,
      std::vector<std::string>{"TROUPE_RUNTIME_DIR=" + directory_.path(), "TROUPE_ADDRESS",
                               "BUILD_WORKING_DIRECTORY"},
      logs_.path() + "/log");
  // It says so when it listens.
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (Log().find("connect:") == std::string::npos && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
}

bool StandingNode::Serves() const {
  const Outcome outcome =
      RunProgram({BuiltProgram("TROUPE_SQUARE")}, {"TROUPE_ADDRESS=" + address()});
  return outcome.exit_code == 0 && outcome.output == "9\n";
}

}  // namespace troupe::testing
