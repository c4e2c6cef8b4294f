// The same messages over a socket.
#include "core/channel/stream_channel.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <vector>

#include "core/channel/numbered_message.h"

namespace troupe::channel {
namespace {

class StreamChannelTest : public testing::Test {
 protected:
  StreamChannelTest() : StreamChannelTest(*ControlSocket::Pair()) {}

  std::unique_ptr<ControlSocket> socket_a_, socket_b_;
  StreamChannel a_, b_;

 private:
  explicit StreamChannelTest(std::pair<UniqueFd, UniqueFd> pair)
      : socket_a_(std::make_unique<ControlSocket>(std::move(pair.first))),
        socket_b_(std::make_unique<ControlSocket>(std::move(pair.second))),
        a_(socket_a_.get()),
        b_(socket_b_.get()) {}
};

TEST_F(StreamChannelTest, CarriesMessagesOfAllSizesInOrder) {
  constexpr uint64_t kCount = 2000;
  uint64_t sent = 0, next = 0;
  while (next < kCount) {
    for (; sent < kCount && a_.outbox_bytes() == 0; ++sent) {
      const std::vector<uint64_t> message = NumberedMessage(sent);
      const std::span<std::byte> room = a_.TryReserve(message.size() * 8 + 64);
      if (room.empty() || sent % 3 == 0) {
        ASSERT_TRUE(a_.Commit(0).ok());
        ASSERT_TRUE(a_.Send(AsBytes(message)).ok());
      } else {
        std::memcpy(room.data(), message.data(), message.size() * 8);
        ASSERT_TRUE(a_.Commit(message.size() * 8).ok());
      }
    }
    a_.RingPeer();
    ASSERT_TRUE(b_.HasInput());
    const absl::StatusOr<size_t> received = b_.Receive(7, [&](Bytes bytes) {
      EXPECT_TRUE(IsMessage(bytes, next));
      ++next;
      return absl::OkStatus();
    });
    ASSERT_TRUE(received.ok()) << received.status();
    EXPECT_LE(*received, 7u);
    a_.Flush();
  }
  EXPECT_EQ(a_.outbox_bytes(), 0u);
  EXPECT_FALSE(b_.HasInput());
}

TEST_F(StreamChannelTest, DoesNotSleepOverWhatItHasReadAlready) {
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(a_.Send(AsBytes(NumberedMessage(i))).ok());
  EXPECT_TRUE(b_.PrepareToSleep(Sleeper::kIoThread)) << "its bell, the socket, is readable";
  pollfd p{b_.bell_fd(Sleeper::kIoThread), POLLIN, 0};
  EXPECT_EQ(poll(&p, 1, 0), 1);
  const auto take = [](Bytes) { return absl::OkStatus(); };
  EXPECT_EQ(*b_.Receive(1, take), 1u);
  EXPECT_EQ(poll(&p, 1, 0), 0);
  EXPECT_FALSE(b_.PrepareToSleep(Sleeper::kIoThread));
  EXPECT_EQ(*b_.Receive(9, take), 2u);
  EXPECT_TRUE(b_.PrepareToSleep(Sleeper::kIoThread));
}

TEST_F(StreamChannelTest, TellsTheEndAfterTheLastMessage) {
  ASSERT_TRUE(a_.Send(AsBytes(NumberedMessage(1))).ok());
  socket_a_.reset();
  const auto take = [](Bytes) { return absl::OkStatus(); };
  const absl::StatusOr<size_t> received = b_.Receive(9, take);
  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_EQ(*received, 1u);
  EXPECT_FALSE(b_.PrepareToSleep(Sleeper::kIoThread));
  EXPECT_EQ(b_.Receive(9, take).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(StreamChannelTest, AStatusOfTheHandlerIsNotTakenForTheEnd) {
  ASSERT_TRUE(a_.Send(AsBytes(NumberedMessage(1))).ok());
  const auto refuse = [](Bytes) { return absl::UnavailableError("handler"); };
  EXPECT_EQ(b_.Receive(9, refuse).status(), absl::UnavailableError("handler"));
}

TEST_F(StreamChannelTest, RefusesWhatIsNoMessage) {
  const auto take = [](Bytes) { return absl::OkStatus(); };
  const std::byte seven[7] = {};
  ASSERT_TRUE(socket_a_->Send(seven).ok());
  EXPECT_EQ(b_.Receive(9, take).status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(socket_a_->Send({}).ok());
  EXPECT_EQ(b_.Receive(9, take).status().code(), absl::StatusCode::kInvalidArgument);
  const std::byte eight[8] = {};
  ASSERT_TRUE(socket_a_->Send(eight, std::vector<int>{2}).ok());
  EXPECT_EQ(b_.Receive(9, take).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace troupe::channel
