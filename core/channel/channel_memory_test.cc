// What is, and what is not, the memory of a channel.
#include "core/channel/channel_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace troupe::channel {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::vector<char> BytesOf(ChannelMemory& memory) {
  std::vector<char> bytes(static_cast<size_t>(lseek(memory.fd(), 0, SEEK_END)));
  EXPECT_EQ(pread(memory.fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return bytes;
}
UniqueFd Memfd(const std::vector<char>& bytes, int seals) {
  UniqueFd fd(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(pwrite(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}
std::string Refusal(UniqueFd fd) {
  const absl::StatusOr<ChannelMemory> opened = ChannelMemory::Open(std::move(fd));
  if (opened.ok()) return "";
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kInvalidArgument);
  return opened.status().ToString();
}

TEST(ChannelMemory, IsSharedBySizesWithinTheLimits) {
  struct {
    size_t asked, got;
  } const cases[] = {{0, Limits::kMinRingBytes},
                     {5000, 8192},
                     {1 << 20, 1 << 20},
                     {SIZE_MAX, Limits::kMaxRingBytes}};
  for (const auto& c : cases) {
    absl::StatusOr<ChannelMemory> mine = ChannelMemory::Create(c.asked);
    ASSERT_TRUE(mine.ok()) << mine.status();
    EXPECT_EQ(mine->ring_bytes(), c.got);
    absl::StatusOr<ChannelMemory> theirs = ChannelMemory::Open(UniqueFd(dup(mine->fd())));
    ASSERT_TRUE(theirs.ok()) << theirs.status();
    EXPECT_EQ(theirs->ring_bytes(), c.got);
    mine->up_control()->head.store(8);
    mine->down_control()->tail.store(16);
    mine->up_data()[c.got - 1] = std::byte{1};
    mine->down_data()[c.got - 1] = std::byte{2};
    EXPECT_EQ(theirs->up_control()->head.load(), 8u);
    EXPECT_EQ(theirs->down_control()->tail.load(), 16u);
    EXPECT_EQ(theirs->up_data()[c.got - 1], std::byte{1});
    EXPECT_EQ(theirs->down_data()[c.got - 1], std::byte{2});
  }
}

TEST(ChannelMemory, CannotBeCutOffUnderItsUsers) {
  absl::StatusOr<ChannelMemory> memory = ChannelMemory::Create(4096);
  ASSERT_TRUE(memory.ok());
  EXPECT_NE(ftruncate(memory->fd(), 0), 0);
  EXPECT_NE(ftruncate(memory->fd(), 1 << 20), 0);
  EXPECT_NE(fcntl(memory->fd(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  EXPECT_NE(fcntl(memory->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ChannelMemory, RefusesWhatIsNone) {
  absl::StatusOr<ChannelMemory> memory = ChannelMemory::Create(4096);
  ASSERT_TRUE(memory.ok());
  const std::vector<char> good = BytesOf(*memory);
  EXPECT_EQ(Refusal(Memfd(good, kSeals)), "") << "the sample must be right but for one thing";

  EXPECT_NE(Refusal(Memfd(good, 0)).find("not sealed"), std::string::npos);
  EXPECT_NE(Refusal(Memfd(good, F_SEAL_GROW)).find("not sealed"), std::string::npos);
  EXPECT_NE(Refusal(Memfd({'x'}, kSeals)).find("it has 1 bytes"), std::string::npos);
  EXPECT_NE(Refusal(UniqueFd()), "");

  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  EXPECT_NE(Refusal(UniqueFd(fds[0])), "");
  close(fds[1]);

  const auto changed = [&](size_t at, uint64_t value, size_t bytes) {
    std::vector<char> copy = good;
    std::memcpy(copy.data() + at, &value, bytes);
    return Refusal(Memfd(copy, kSeals));
  };
  EXPECT_NE(changed(0, 1, 8).find("does not begin"), std::string::npos);
  EXPECT_NE(changed(8, 1, 4).find("version 1"), std::string::npos);
  EXPECT_NE(changed(12, 1, 4).find("1 state words"), std::string::npos);
  for (const uint64_t ring_bytes :
       {uint64_t{0}, uint64_t{1}, uint64_t{8192}, uint64_t{1} << 63, ~uint64_t{0}}) {
    EXPECT_NE(changed(16, ring_bytes, 8).find("rings of"), std::string::npos) << ring_bytes;
  }
}

// A file has no seals: whoever wrote it could cut it off, and the reader would die of SIGBUS.
TEST(ChannelMemory, RefusesAFileWithTheRightContent) {
  absl::StatusOr<ChannelMemory> memory = ChannelMemory::Create(4096);
  ASSERT_TRUE(memory.ok());
  const std::vector<char> good = BytesOf(*memory);
  std::string path = testing::TempDir() + "channelXXXXXX";
  UniqueFd file(mkstemp(path.data()));
  ASSERT_TRUE(file);
  unlink(path.c_str());
  ASSERT_EQ(write(file.get(), good.data(), good.size()), static_cast<ssize_t>(good.size()));
  EXPECT_NE(Refusal(std::move(file)).find("not sealed"), std::string::npos);
}

}  // namespace
}  // namespace troupe::channel
