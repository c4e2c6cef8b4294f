// What is read of machines that are made of files.
#include "core/machine/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace troupe::machine {
namespace {

class MemoryTest : public testing::Test {
 protected:
  MemoryTest() { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void WriteMachine(int total_kib, int available_kib) const {
    Write("/proc/meminfo",
          "MemTotal:       " + std::to_string(total_kib) +
              " kB\nMemFree:  1 kB\nMemAvailable:  " + std::to_string(available_kib) + " kB\n");
  }

  const std::string root_ = testing::TempDir() + "/machine";
};

TEST_F(MemoryTest, OfTheMachine) {
  WriteMachine(1000, 300);
  EXPECT_EQ(UsableMemoryBytes(root_), 1000 * 1024);
  EXPECT_EQ(ReadMemoryUse(root_).used, 700u * 1024);
  EXPECT_EQ(ReadMemoryUse(root_).limit, 1000u * 1024);
}

TEST_F(MemoryTest, OfVersion2) {
  WriteMachine(1000, 900);
  Write("/proc/self/cgroup", "0::/user/job\n");
  Write("/sys/fs/cgroup/user/job/memory.max", "max\n");
  Write("/sys/fs/cgroup/user/job/memory.current", "400000\n");
  Write("/sys/fs/cgroup/user/memory.max", "500000\n");
  Write("/sys/fs/cgroup/user/memory.current", "450000\n");
  Write("/sys/fs/cgroup/user/memory.stat",
        "anon 1\nfile 2\ninactive_file 20000\nactive_file 30000\n");
  EXPECT_EQ(UsableMemoryBytes(root_), 500'000);
  EXPECT_EQ(ReadMemoryUse(root_).used, 400'000u) << "what can be dropped is not used";
  EXPECT_EQ(ReadMemoryUse(root_).limit, 500'000u);
}

TEST_F(MemoryTest, OfVersion1) {
  WriteMachine(1000, 900);
  Write("/proc/self/cgroup", "3:cpuset:/\n2:cpu,memory:/box\n0::/\n");
  Write("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "300000\n");
  Write("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "290000\n");
  Write("/sys/fs/cgroup/memory/box/memory.stat",
        "inactive_file 1\ntotal_inactive_file 80000\ntotal_active_file 10000\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "800000\n");
  EXPECT_EQ(UsableMemoryBytes(root_), 300'000);
  EXPECT_EQ(ReadMemoryUse(root_).used, 200'000u);
  EXPECT_EQ(ReadMemoryUse(root_).limit, 300'000u);
}

TEST_F(MemoryTest, OfTheTightestLevel) {
  WriteMachine(1000, 10);
  Write("/proc/self/cgroup", "0::/job\n");
  Write("/sys/fs/cgroup/job/memory.max", "500000\n");
  Write("/sys/fs/cgroup/job/memory.current", "1000\n");
  EXPECT_EQ(ReadMemoryUse(root_).limit, 1000u * 1024);
}

TEST_F(MemoryTest, AStoreTakesThreeTenthsOfTheLeastLimit) {
  WriteMachine(1000, 10);
  EXPECT_EQ(DefaultStoreBytes(root_), 300 * 1024) << "of what there is, not of what is free";
  Write("/proc/self/cgroup", "0::/user/job\n");
  Write("/sys/fs/cgroup/user/job/memory.max", "500000\n");
  Write("/sys/fs/cgroup/user/memory.max", "400000\n");
  EXPECT_EQ(DefaultStoreBytes(root_), 120'000);
  Write("/sys/fs/cgroup/user/memory.max", "max\n");
  EXPECT_EQ(DefaultStoreBytes(root_), 150'000);
  Write("/sys/fs/cgroup/user/job/memory.max", "5000000\n");
  EXPECT_EQ(DefaultStoreBytes(root_), 300 * 1024);
}

TEST_F(MemoryTest, TheKernelsKillsAreCounted) {
  EXPECT_EQ(OutOfMemoryKills(root_), 0u);
  Write("/proc/vmstat", "nr_free_pages 7\noom_kill 5\npgfault 1\n");
  EXPECT_EQ(OutOfMemoryKills(root_), 5u);
  Write("/proc/self/cgroup", "2:cpu,memory:/box\n0::/\n");
  Write("/sys/fs/cgroup/memory/box/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  EXPECT_EQ(OutOfMemoryKills(root_), 3u);
  Write("/proc/self/cgroup", "0::/job\n");
  Write("/sys/fs/cgroup/job/memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\n");
  EXPECT_EQ(OutOfMemoryKills(root_), 1u);
}

TEST_F(MemoryTest, OfNothingThatCanBeRead) {
  EXPECT_EQ(ReadMemoryUse(root_).limit, 0u);
  EXPECT_GT(UsableMemoryBytes(root_), 0);
}

TEST(Memory, OfThisMachine) {
  const MemoryUse use = ReadMemoryUse();
  EXPECT_GT(use.used, 0u);
  EXPECT_GE(use.limit, static_cast<uint64_t>(UsableMemoryBytes()));
  const uint64_t before = PrivateBytesOf(getpid());
  const std::vector<char> more(64 << 20, 'x');
  EXPECT_GE(PrivateBytesOf(getpid()), before + (60 << 20));
  EXPECT_EQ(more[1], 'x');
  EXPECT_EQ(PrivateBytesOf(0), 0u);
}

}  // namespace
}  // namespace troupe::machine
