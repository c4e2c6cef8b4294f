#include "tests/chaos/harm.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "tests/integration/processes.h"

namespace troupe::testing {
namespace {

using std::chrono::milliseconds;

void HarmAWorker(int root, Harm& harm, Tally& tally) {
  std::vector<int> workers;
  for (const int pid : Descendants(root)) {
    if (NameOf(pid) == "troupe-worker") workers.push_back(pid);
  }
  if (workers.empty()) return;
  const int victim = workers[harm.random()() % workers.size()];
  switch (harm.random()() % 4) {
    case 0:
      kill(victim, SIGSTOP);
      harm.Pause(milliseconds(10));
      kill(victim, SIGCONT);
      ++tally[std::string(kStop)];
      break;
    case 1:
      tally["SIGSEGV"] += kill(victim, SIGSEGV) == 0;
      break;
    default:
      tally["SIGKILL"] += kill(victim, SIGKILL) == 0;
  }
}

void FillForAWhile(const std::string& directory, Harm& harm, Tally& tally) {
  const int file = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  struct statvfs room {};
  if (file >= 0 && statvfs(directory.c_str(), &room) == 0 &&
      fallocate(file, 0, 0, static_cast<off_t>(room.f_bavail * room.f_frsize)) == 0) {
    ++tally[std::string(kFullDisk)];
  }
  harm.Pause(milliseconds(60));
  if (file >= 0) close(file);
}

}  // namespace

Harm::Harm(uint64_t seed, std::chrono::nanoseconds pause, std::function<void(Harm&)> harm)
    : random_(seed), thread_([this, pause, harm = std::move(harm)] {
        while (Pause(pause)) harm(*this);
      }) {}

Harm::~Harm() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

bool Harm::Pause(std::chrono::nanoseconds most) {
  const std::chrono::nanoseconds time(random_() % static_cast<uint64_t>(most.count()));
  std::unique_lock<std::mutex> lock(mutex_);
  return !stopped_.wait_for(lock, time, [this] { return stop_; });
}

Killer::Killer(int root, uint64_t seed, Tally& tally, std::chrono::milliseconds pause, int most)
    : harm_(seed, pause, [root, &tally, most](Harm& harm) mutable {
        if (most == 0) return;
        --most;
        HarmAWorker(root, harm, tally);
      }) {}

SmallDisk::SmallDisk(int64_t bytes) {
  const char* parent = std::getenv("TEST_TMPDIR");
  std::string name = std::string(parent != nullptr ? parent : "/tmp") + "/chaos_disk_XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  directory_ = name;
  const std::string size = "size=" + std::to_string(bytes);
  mounted_ = mount("tmpfs", directory_.c_str(), "tmpfs", 0, size.c_str()) == 0;
}

SmallDisk::~SmallDisk() {
  if (mounted_) {
    EXPECT_TRUE(
        BecomesTrue([&] { return umount(directory_.c_str()) == 0; }, std::chrono::seconds(10)))
        << "a file is left open in " << directory_;
  }
  EXPECT_EQ(rmdir(directory_.c_str()), 0) << "a file is left in " << directory_;
}

DiskFiller::DiskFiller(const std::string& directory, uint64_t seed, Tally& tally)
    : harm_(seed, milliseconds(200),
            [directory, &tally](Harm& harm) { FillForAWhile(directory, harm, tally); }) {}

}  // namespace troupe::testing
