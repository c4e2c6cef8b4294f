// Messages with descriptors over a socket: content, a full socket, garbage, the end, and
// descriptors that must not leak.
#include "core/channel/control_socket.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/channel/numbered_message.h"
#include "core/fault/fault.h"

namespace troupe::channel {
namespace {

using Message = std::span<const std::byte>;
using Descriptors = std::vector<UniqueFd>;

int OpenDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

Message Text(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
std::string ToText(Message message) {
  return {reinterpret_cast<const char*>(message.data()), message.size()};
}

class ControlSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = ControlSocket::Pair();
    ASSERT_TRUE(pair.ok()) << pair.status();
    raw_ = pair->first.get();
    a_ = std::make_unique<ControlSocket>(std::move(pair->first));
    b_ = std::make_unique<ControlSocket>(std::move(pair->second));
  }
  // What b receives now.
  absl::Status Receive(size_t max_messages = SIZE_MAX) {
    return b_->Receive(
        [this](Message message, Descriptors descriptors) {
          EXPECT_EQ(reinterpret_cast<uintptr_t>(message.data()) % 8, 0u);
          texts_.push_back(ToText(message));
          descriptors_.push_back(std::move(descriptors));
          return absl::OkStatus();
        },
        max_messages);
  }
  // Past ControlSocket, from a's side.
  void WriteRaw(const void* bytes, size_t size) {
    ASSERT_EQ(write(raw_, bytes, size), static_cast<ssize_t>(size));
  }
  void SendRaw(const std::string& bytes, int descriptors) {
    std::vector<char> control(CMSG_SPACE(static_cast<size_t>(descriptors) * sizeof(int)));
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(static_cast<size_t>(descriptors) * sizeof(int));
    const std::vector<int> numbers(static_cast<size_t>(descriptors), 2);
    std::memcpy(CMSG_DATA(c), numbers.data(), numbers.size() * sizeof(int));
    ASSERT_EQ(sendmsg(raw_, &header, 0), static_cast<ssize_t>(bytes.size()));
  }
  static std::string Frame(uint32_t bytes, uint32_t descriptors, const std::string& content) {
    const uint32_t header[2] = {bytes, descriptors};
    return std::string(reinterpret_cast<const char*>(header), 8) + content;
  }

  int raw_ = -1;
  std::unique_ptr<ControlSocket> a_, b_;
  std::vector<std::string> texts_;
  std::vector<Descriptors> descriptors_;
};

TEST_F(ControlSocketTest, CarriesMessagesWithTheirDescriptors) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const UniqueFd read_end(fds[0]), write_end(fds[1]);
  ASSERT_TRUE(a_->Send(Text("none")).ok());
  ASSERT_TRUE(a_->Send(Text("two"), std::vector<int>{fds[0], fds[1]}).ok());
  ASSERT_TRUE(a_->Send(Text("")).ok());
  ASSERT_TRUE(a_->Send(Text("one"), std::vector<int>{fds[1]}).ok());
  ASSERT_TRUE(Receive().ok());
  EXPECT_EQ(texts_, (std::vector<std::string>{"none", "two", "", "one"}));
  ASSERT_EQ(descriptors_[1].size(), 2u);
  ASSERT_EQ(descriptors_[3].size(), 1u);
  EXPECT_NE(fcntl(descriptors_[1][0].get(), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(write(descriptors_[3][0].get(), "x", 1), 1);
  char c = 0;
  EXPECT_EQ(read(descriptors_[1][0].get(), &c, 1), 1);
  EXPECT_EQ(c, 'x');
}

TEST_F(ControlSocketTest, QueuesWhatAFullSocketDoesNotTake) {
  const std::string large(1 << 20, 'l');
  const int before = OpenDescriptors();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(a_->Send(Text(large), std::vector<int>{2}).ok());
    ASSERT_TRUE(a_->Send(Text("small")).ok());
  }
  EXPECT_TRUE(a_->has_queued());
  EXPECT_GT(a_->queued_bytes(), large.size());
  for (int turns = 0; texts_.size() < 10 && turns < 1000; ++turns) {
    ASSERT_TRUE(Receive().ok());
    ASSERT_TRUE(a_->Flush().ok());
  }
  ASSERT_EQ(texts_.size(), 10u);
  for (size_t i = 0; i < 10; i += 2) {
    EXPECT_EQ(texts_[i], large);
    EXPECT_EQ(texts_[i + 1], "small");
    EXPECT_EQ(descriptors_[i].size(), 1u);
  }
  EXPECT_FALSE(a_->has_queued());
  EXPECT_EQ(a_->queued_bytes(), 0u);
  descriptors_.clear();
  EXPECT_EQ(OpenDescriptors(), before);
}

// As where too many are under way already: the message waits, and loses none of its own.
TEST_F(ControlSocketTest, KeepsDescriptorsThatTheSystemDoesNotTake) {
  const int before = OpenDescriptors();
  {
    const fault::Armed faults("channel.send=fail:1:ETOOMANYREFS@3");
    const int number = 2;
    ASSERT_TRUE(a_->Send(Text("with one"), std::span(&number, 1)).ok());
    ASSERT_TRUE(Receive().ok());
    EXPECT_TRUE(texts_.empty());
    EXPECT_FALSE(*a_->Flush());
    EXPECT_TRUE(*a_->Flush());
  }
  ASSERT_TRUE(Receive().ok());
  ASSERT_EQ(texts_, std::vector<std::string>{"with one"});
  EXPECT_EQ(descriptors_[0].size(), 1u);
  descriptors_.clear();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ControlSocketTest, APeerThatDoesNotReadIsFoundOut) {
  const std::string large(1 << 20, 'l');
  absl::Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = a_->Send(Text(large));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_LE(a_->queued_bytes(), ControlSocket::kMaxQueuedBytes);
  // The descriptors that wait are bounded, too.
  const int before = OpenDescriptors();
  const std::vector<int> eight(8, 2);
  for (int i = 0; i < 1000; ++i) (void)a_->Send(Text("d"), eight);
  EXPECT_LE(OpenDescriptors() - before, static_cast<int>(ControlSocket::kMaxQueuedDescriptors));
}

TEST_F(ControlSocketTest, AMessageAboveTheLimitIsNotSent) {
  const std::string large(ControlSocket::kMaxBytes + 1, 'l');
  EXPECT_EQ(a_->Send(Text(large)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(a_->has_queued());
  EXPECT_TRUE(Receive().ok());
  EXPECT_TRUE(texts_.empty());
}

TEST_F(ControlSocketTest, HandsOverWhatCameBeforeTheEnd) {
  ASSERT_TRUE(a_->Send(Text("last words")).ok());
  WriteRaw("half", 4);
  a_.reset();
  const absl::Status status = Receive();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(texts_, std::vector<std::string>{"last words"});
  EXPECT_EQ(Receive().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ControlSocketTest, SendingToWhoHasGoneIsUnavailable) {
  b_.reset();
  EXPECT_EQ(a_->Send(Text("x")).code(), absl::StatusCode::kUnavailable);
}

TEST_F(ControlSocketTest, HandsOverAsManyAsAskedFor) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(a_->Send(Text(std::to_string(i))).ok());
  a_.reset();
  ASSERT_TRUE(Receive(2).ok());
  EXPECT_EQ(texts_.size(), 2u);
  EXPECT_TRUE(b_->has_message());
  ASSERT_TRUE(Receive(2).ok());
  EXPECT_EQ(texts_.size(), 4u);
  EXPECT_EQ(Receive(2).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(texts_.size(), 5u);
}

// A peer that never stops sending does not keep the reader for ever: it takes a bounded amount.
TEST_F(ControlSocketTest, AFloodDoesNotKeepTheReader) {
  size_t messages = 0;
  const absl::Status status = b_->Receive([&](Message, Descriptors) {
    ++messages;
    return a_->Send(Text(std::string(1000, 'f')));
  });
  EXPECT_TRUE(status.ok());
  ASSERT_TRUE(a_->Send(Text("begin")).ok());
  messages = 0;
  ASSERT_TRUE(b_->Receive([&](Message, Descriptors) {
                  ++messages;
                  EXPECT_LT(messages, 100'000u);
                  if (messages >= 100'000) return absl::InternalError("endless");
                  return a_->Send(Text(std::string(1000, 'f')));
                }).ok());
  EXPECT_GT(messages, 1u);
}

TEST_F(ControlSocketTest, ReadsAMessageByteByByte) {
  const std::string frame = Frame(5, 0, "bytes");
  for (const char c : frame) {
    EXPECT_FALSE(b_->has_message());
    WriteRaw(&c, 1);
    ASSERT_TRUE(Receive(texts_.empty() ? SIZE_MAX : 0).ok());
  }
  EXPECT_EQ(texts_, std::vector<std::string>{"bytes"});
}

TEST_F(ControlSocketTest, RefusesGarbage) {
  const std::string frames[] = {Frame(ControlSocket::kMaxBytes + 1, 0, ""), Frame(~0u, 0, ""),
                                Frame(1, 9, "x"), Frame(1, 1, "x")};
  for (const std::string& frame : frames) {
    SetUp();
    WriteRaw(frame.data(), frame.size());
    EXPECT_EQ(Receive().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(texts_.empty());
  }
}

TEST_F(ControlSocketTest, DescriptorsThatNobodyTakesAreClosed) {
  const int before = OpenDescriptors();
  // More than a message may have: the rest is lost in the kernel.
  SendRaw(Frame(1, 8, "x"), 20);
  EXPECT_EQ(Receive().code(), absl::StatusCode::kResourceExhausted);
  texts_.clear();
  descriptors_.clear();
  SetUp();
  EXPECT_EQ(OpenDescriptors(), before);
  // More than the message says, again and again.
  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    SendRaw(Frame(1, 0, "x"), 8);
    status = Receive();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  SetUp();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ControlSocketTest, RandomBytesGiveAStatusOrMessages) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    SetUp();
    uint64_t x = seed;
    absl::Status status;
    for (int i = 0; i < 20 && status.ok(); ++i) {
      x = Scramble(x);
      // Mostly plausible, else it ends with the first header.
      const std::string frame =
          x % 8 == 0 ? std::string(reinterpret_cast<const char*>(&x), x >> 61)
                     : Frame(x >> 8 & 0xFF, x % 64 == 1, std::string(x >> 8 & 0xFF, 'r'));
      if (!frame.empty()) WriteRaw(frame.data(), frame.size());
      status = Receive();
    }
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
  }
}

}  // namespace
}  // namespace troupe::channel
