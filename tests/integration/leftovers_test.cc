// kill -9 of a driver, a node or a worker, in the middle of everything: soon no process and no
// shared memory of that cluster is left, and no file of an embedded cluster ever existed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/unique_fd.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"

namespace troupe::testing {
namespace {

// A second is promised; a busy machine gets ten.
constexpr auto kSoon = std::chrono::seconds(10);

template <typename F>
bool Soon(F condition) {
  return BecomesTrue(condition, kSoon);
}

double Sum(std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += x;
  return sum;
}

int Pid() { return getpid(); }

class Keeper {
 public:
  void Keep(troupe::ObjectRef<std::vector<double>> ref) { kept_.push_back(std::move(ref)); }

 private:
  std::vector<troupe::ObjectRef<std::vector<double>>> kept_;
};

// A driver that is busy for ever: tasks, objects in the store, an actor that holds some.
void BeBusy(int report) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 2, .object_store_memory = int64_t{64} << 20});
  const auto keeper = troupe::Actor<Keeper>().Remote();
  std::vector<troupe::ObjectRef<double>> sums;
  for (int round = 0;; ++round) {
    const auto values = troupe::Put(std::vector<double>(50'000, round));
    for (int i = 0; i < 20; ++i)
      sums.push_back(troupe::Task(Sum).Options({.max_retries = -1}).Remote(values));
    if (round < 20) troupe::Get(keeper.Task(&Keeper::Keep).Remote(values));
    if (round % 10 == 9) {
      for (const auto& sum : sums) (void)troupe::Get(sum);
      sums.clear();
      const int worker = troupe::Get(troupe::Task(Pid).Options({.max_retries = -1}).Remote());
      if (write(report, &worker, sizeof(worker)) != sizeof(worker)) _exit(1);
    }
  }
}

class Leftovers : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* variable : {"TROUPE_RUNTIME_DIR", "XDG_RUNTIME_DIR", "TMPDIR"})
      setenv(variable, directory_.path().c_str(), 1);
    watch_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    ASSERT_GE(inotify_add_watch(watch_, directory_.path().c_str(), IN_CREATE | IN_MOVED_TO), 0);
    int report[2];
    ASSERT_EQ(pipe(report), 0);
    driver_ = fork();
    if (driver_ == 0) {
      try {
        BeBusy(report[1]);
      } catch (const troupe::Error& error) {
        _exit(error.info().kind == ErrorKind::kUnavailable ? 1 : 2);
      }
    }
    close(report[1]);
    report_ = report[0];
    WaitForRounds(3);
    processes_ = Descendants(driver_);
    ASSERT_GE(processes_.size(), 3u) << "a node, workers";
    for (const int pid : processes_) memory_.merge(SharedMemoryOf(pid));
    ASSERT_GE(memory_.size(), 4u) << "channels and chunks";
  }
  void TearDown() override {
    kill(driver_, SIGKILL);
    waitpid(driver_, nullptr, 0);
    EXPECT_TRUE(Soon([&] { return SomeLives() == 0; })) << "process " << SomeLives() << " is left";
    EXPECT_TRUE(Soon([&] { return SomeHolds() == 0; }))
        << "process " << SomeHolds() << " holds shared memory of it";
    char events[4096];
    EXPECT_LT(read(watch_, events, sizeof(events)), 0) << "a file was made";
    EXPECT_TRUE(directory_.Entries().empty());
    close(watch_);
    close(report_);
  }

  // The driver has finished so many more rounds.
  void WaitForRounds(int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(read(report_, &worker_, sizeof(worker_)), static_cast<ssize_t>(sizeof(worker_)))
          << "the driver has died";
  }
  int Node() const {
    for (const int pid : processes_) {
      if (ParentOf(pid) == driver_) return pid;
    }
    return 0;
  }
  int SomeLives() const {
    for (const int pid : processes_) {
      if (Lives(pid)) return pid;
    }
    return 0;
  }
  int SomeHolds() const {
    for (const int pid : AllProcesses()) {
      for (const ino_t inode : SharedMemoryOf(pid)) {
        if (memory_.contains(inode)) return pid;
      }
    }
    return 0;
  }

  ShortDirectory directory_;
  int watch_ = -1;
  pid_t driver_ = 0;
  int report_ = -1;
  int worker_ = 0;  // that has run a task lately
  std::vector<int> processes_;
  std::set<ino_t> memory_;
};

TEST_F(Leftovers, OfADriver) { kill(driver_, SIGKILL); }

TEST_F(Leftovers, OfANode) {
  const int node = Node();
  ASSERT_NE(node, 0);
  kill(node, SIGKILL);
  EXPECT_TRUE(Soon([&] { return SomeLives() == 0; })) << "process " << SomeLives() << " is left";
}

// The first of them: what it was doing is done again, and the driver goes on.
TEST_F(Leftovers, OfAWorker) {
  const int victim = worker_;
  kill(victim, SIGKILL);
  WaitForRounds(3);
  EXPECT_TRUE(Soon([&] { return !Lives(victim); }));
}

// The sockets of a process that the kernel lists under one of those protocols.
std::vector<std::string> InternetSocketsOf(int pid) {
  std::set<std::string> listed;  // inodes
  for (const char* table : {"tcp", "tcp6", "udp", "udp6"}) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/net/" + table);
    for (std::string line; std::getline(file, line);) {
      std::istringstream fields(line);
      std::string field;
      for (int i = 0; i < 10; ++i) fields >> field;
      listed.insert("socket:[" + field + "]");
    }
  }
  std::vector<std::string> found;
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
  for (const auto& fd : std::filesystem::directory_iterator(directory)) {
    std::error_code error;
    const std::string target = std::filesystem::read_symlink(fd.path(), error).string();
    if (listed.contains(target)) found.push_back(fd.path().string());
  }
  return found;
}

// Nobody can connect over a network: there is nothing to connect to.
TEST_F(Leftovers, NoPortIsOpen) {
  UniqueFd port(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(listen(port.get(), 1), 0);
  EXPECT_EQ(InternetSocketsOf(getpid()).size(), 1u) << "one that is open is not seen";
  const StandingNode standing;
  EXPECT_TRUE(standing.Serves());
  for (const int pid : {driver_, Node(), worker_, standing.pid()})
    EXPECT_EQ(InternetSocketsOf(pid), std::vector<std::string>()) << pid;
}

// Everything but the driver, which gets Unavailable and ends by itself.
TEST_F(Leftovers, OfAllAtOnce) {
  for (const int pid : processes_) kill(pid, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(driver_, &status, 0), driver_);
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

}  // namespace
}  // namespace troupe::testing
