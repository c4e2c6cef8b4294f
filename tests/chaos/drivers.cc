#include "tests/chaos/drivers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <random>
#include <vector>

#include "sdk/troupe.h"
#include "tests/chaos/graph.h"
#include "tests/integration/number_flag.h"
#include "tests/integration/processes.h"

namespace troupe::testing {
namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;
constexpr auto kSoon = std::chrono::seconds(10);
constexpr int kWrongError = 6;
constexpr int kWrongResult = 7;

uint64_t drive = 0;  // the driver that this process is to be
uint64_t begun = 0;
uint64_t stands = 0;  // 1: on a node that stands

}  // namespace

// What is forked from a process with threads must exec.
Driver::Driver(uint64_t seed, const std::string& address) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  begun_ = ends[0];
  const std::string seed_flag = "--drive=" + std::to_string(seed);
  const std::string begun_flag = "--begun=" + std::to_string(ends[1]);
  const std::string stands_flag = address.empty() ? "--stands=0" : "--stands=1";
  const std::string variable = address.empty() ? "embedded" : address;
  pid_ = fork();
  if (pid_ == 0) {
    setenv("TROUPE_ADDRESS", variable.c_str(), 1);
    execl("/proc/self/exe", "chaos_test", seed_flag.c_str(), begun_flag.c_str(),
          stands_flag.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
}

Driver::~Driver() {
  if (begun_ >= 0) close(begun_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Driver::AwaitBegun() {
  char byte;
  EXPECT_EQ(read(begun_, &byte, 1), 1) << "a driver ended before it had begun";
}

int Driver::ExitCode() {
  int status = 0;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool IsDriverFlag(const char* argument) {
  return IsNumberFlag(argument, "--drive=", &drive) || IsNumberFlag(argument, "--begun=", &begun) ||
         IsNumberFlag(argument, "--stands=", &stands);
}

bool IsDriver() { return begun != 0; }

int Drive() {
  signal(SIGUSR1, [](int) { _exit(kExited); });
  try {
    std::mt19937_64 random(drive);
    const troupe::Cluster cluster =
        stands != 0 ? troupe::Init()
                    : troupe::Init({.workers = 2, .object_store_memory = 64 * kMebibyte});
    const Graph graph = RandomGraph(random, 400);
    const auto results = Submit(graph);
    if (write(static_cast<int>(begun), "b", 1) != 1) return 9;
    const std::vector<Values> expected = RunSerially(graph);
    for (size_t i = 0; i < results.size(); ++i) {
      if (troupe::Get(results[i]) != expected[i]) return kWrongResult;
    }
    return kDone;
  } catch (const troupe::Unavailable&) {
    return kUnavailable;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "chaos: an error that is not allowed: %s\n", e.what());
    return kWrongError;
  }
}

std::set<int> HarmDriver(int pid, uint64_t random, Tally& tally) {
  switch (random % 4) {
    case 0:
      tally["SIGKILL"] += kill(pid, SIGKILL) == 0;
      return {kDone, 128 + SIGKILL};
    case 1:
      tally["SIGSEGV"] += kill(pid, SIGSEGV) == 0;
      return {kDone, 128 + SIGSEGV};
    case 2:
      tally["_exit"] += kill(pid, SIGUSR1) == 0;
      return {kDone, kExited};
    default:
      kill(pid, SIGSTOP);
      EXPECT_TRUE(BecomesTrue([&] { return IsStopped(pid) || !Lives(pid); }, kSoon));
      kill(pid, SIGCONT);
      ++tally[std::string(kStop)];
      return {kDone};
  }
}

void Remains::Note(int root) {
  processes_.insert(root);
  for (const int pid : Descendants(root)) processes_.insert(pid);
  for (const int pid : processes_) memory_.merge(SharedMemoryOf(pid));
}

void Remains::ExpectNone() const {
  EXPECT_TRUE(BecomesTrue(
      [&] {
        return std::none_of(processes_.begin(), processes_.end(), [](int p) { return Lives(p); });
      },
      kSoon))
      << "a process of the cluster is left";
  for (const int pid : AllProcesses()) {
    for (const ino_t inode : SharedMemoryOf(pid))
      EXPECT_FALSE(memory_.contains(inode)) << "process " << pid << " holds shared memory of it";
  }
}

}  // namespace troupe::testing
