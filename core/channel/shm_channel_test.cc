// Two ends of a channel: content and order over threads and processes, sleeping and waking, full
// rings, and an outbox that overflows.
#include "core/channel/shm_channel.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <vector>

#include "core/base/limits.h"
#include "core/channel/connected_pair.h"
#include "core/channel/numbered_message.h"

namespace troupe::channel {
namespace {

constexpr size_t kOutboxBytes = 10'000;

void WaitForBell(Channel& channel, Sleeper who) {
  if (!channel.PrepareToSleep(who)) return;
  pollfd p{channel.bell_fd(who), POLLIN, 0};
  ASSERT_EQ(poll(&p, 1, 120'000), 1) << "nobody rang";
  channel.WokeUp(who);
  uint64_t count;
  EXPECT_NE(read(p.fd, &count, sizeof(count)), 0);  // the node's bell is silenced by its owner
}

// Every other small message is built in place.
absl::Status SendOne(Channel& channel, uint64_t number) {
  const std::vector<uint64_t> message = NumberedMessage(number);
  if (number % 2 == 0) {
    const std::span<std::byte> room = channel.TryReserve(message.size() * 8 + 64);
    if (!room.empty()) {
      std::memcpy(room.data(), message.data(), message.size() * 8);
      return channel.Commit(message.size() * 8);
    }
  }
  return channel.Send(AsBytes(message));
}

void SendAll(Channel& channel, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    ASSERT_TRUE(SendOne(channel, i).ok());
    if (i % 8 == 0) channel.RingPeer();
    while (channel.outbox_bytes() > kOutboxBytes) {
      channel.Flush();
      channel.RingPeer();
      if (channel.outbox_bytes() > kOutboxBytes) WaitForBell(channel, Sleeper::kWaiter);
    }
  }
  while (!channel.Flush()) {
    channel.RingPeer();
    WaitForBell(channel, Sleeper::kWaiter);
  }
  channel.RingPeer();
}

void ReceiveAll(Channel& channel, uint64_t count) {
  for (uint64_t next = 0; next < count;) {
    const absl::StatusOr<size_t> received = channel.Receive(64, [&](Bytes bytes) {
      if (!IsMessage(bytes, next)) return absl::DataLossError(std::to_string(next));
      ++next;
      return absl::OkStatus();
    });
    ASSERT_TRUE(received.ok()) << received.status();
    if (*received == 0 && next < count) WaitForBell(channel, Sleeper::kIoThread);
  }
}

class ShmChannelTest : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(RingSizes, ShmChannelTest, testing::Values(4096, 1 << 20));

TEST_P(ShmChannelTest, TwoThreadsExchangeMessagesOfAllSizes) {
  ConnectedPair pair = Connect(GetParam());
  constexpr uint64_t kCount = 100'000;
  std::thread up([&] { SendAll(*pair.client, kCount); });
  ReceiveAll(*pair.node, kCount);
  up.join();
  std::thread down([&] { SendAll(*pair.node, kCount); });
  ReceiveAll(*pair.client, kCount);
  down.join();
}

// One at a time, both asleep in between: each message needs a wake-up.
TEST_P(ShmChannelTest, NoWakeUpIsLostInAConversation) {
  ConnectedPair pair = Connect(GetParam());
  constexpr uint64_t kCount = 3'000;
  const auto talk = [](Channel& channel, Sleeper who, uint64_t first) {
    for (uint64_t i = first; i < kCount; i += 2) {
      if (i > 0) {
        size_t got = 0;
        while (got == 0) {
          absl::StatusOr<size_t> received = channel.Receive(1, [&](Bytes bytes) {
            EXPECT_TRUE(IsMessage(bytes, i - 1));
            return absl::OkStatus();
          });
          ASSERT_TRUE(received.ok()) << received.status();
          got = *received;
          if (got == 0) {
            channel.Flush();
            channel.RingPeer();
            WaitForBell(channel, who);
          }
        }
      }
      ASSERT_TRUE(channel.Send(AsBytes(NumberedMessage(i))).ok());
      channel.RingPeer();
    }
    while (!channel.Flush()) {
      channel.RingPeer();
      WaitForBell(channel, who);
    }
    channel.RingPeer();
  };
  std::thread client([&] { talk(*pair.client, Sleeper::kWaiter, 0); });
  talk(*pair.node, Sleeper::kIoThread, 1);
  client.join();
}

TEST_P(ShmChannelTest, AMessageManyTimesTheRingPassesBitByBit) {
  ConnectedPair pair = Connect(GetParam());
  const std::vector<uint64_t> large(5 * GetParam() / 8, 0x0123456789abcdef);
  ASSERT_TRUE(pair.client->Send(AsBytes(large)).ok());
  ASSERT_TRUE(pair.client->Send(AsBytes(NumberedMessage(7, 3))).ok());
  EXPECT_GT(pair.client->outbox_bytes(), 0u);
  std::vector<size_t> sizes;
  const auto take = [&](Bytes bytes) {
    sizes.push_back(bytes.size());
    return absl::OkStatus();
  };
  for (int turns = 0; sizes.size() < 2 && turns < 1000; ++turns) {
    ASSERT_TRUE(pair.node->Receive(1, take).ok());
    pair.client->Flush();
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{large.size() * 8, 24}));
}

// Both write into full rings while neither reads for a while; reading goes on, so that it ends.
TEST(ShmChannel, TwoFullRingsDoNotBlockOneAnother) {
  ConnectedPair pair = Connect(4096);
  constexpr uint64_t kCount = 2'000;
  const auto both = [](Channel& channel, Sleeper who) {
    for (uint64_t i = 0; i < kCount; ++i)
      ASSERT_TRUE(channel.Send(AsBytes(NumberedMessage(i))).ok());
    for (uint64_t next = 0; next < kCount || !channel.Flush();) {
      const absl::StatusOr<size_t> received = channel.Receive(16, [&](Bytes bytes) {
        EXPECT_TRUE(IsMessage(bytes, next));
        ++next;
        return absl::OkStatus();
      });
      ASSERT_TRUE(received.ok()) << received.status();
      const bool flushed = channel.Flush();
      channel.RingPeer();
      if (next < kCount || !flushed) WaitForBell(channel, who);
    }
    channel.RingPeer();
  };
  std::thread client([&] { both(*pair.client, Sleeper::kIoThread); });
  both(*pair.node, Sleeper::kIoThread);
  client.join();
}

TEST(ShmChannel, AFullRingKeepsEverythingAndRingsWhenThereIsRoom) {
  ConnectedPair pair = Connect(4096);
  constexpr uint64_t kCount = 1000;
  for (uint64_t i = 0; i < kCount; ++i)
    ASSERT_TRUE(pair.client->Send(AsBytes(NumberedMessage(i))).ok());
  EXPECT_GT(pair.client->outbox_bytes(), 0u);
  EXPECT_TRUE(pair.client->TryReserve(8).empty()) << "it would overtake the outbox";
  ASSERT_TRUE(pair.client->PrepareToSleep(Sleeper::kWaiter));
  uint64_t next = 0;
  const auto take = [&](Bytes bytes) {
    EXPECT_TRUE(IsMessage(bytes, next));
    ++next;
    return absl::OkStatus();
  };
  ASSERT_TRUE(pair.node->Receive(1000, take).ok());
  pollfd bells[2] = {{pair.client->bell_fd(Sleeper::kWaiter), POLLIN, 0},
                     {pair.client->bell_fd(Sleeper::kIoThread), POLLIN, 0}};
  ASSERT_EQ(poll(bells, 2, 10'000), 1) << "the producer was not told that there is room";
  EXPECT_NE(bells[0].revents, 0) << "the wrong thread was woken";
  pair.client->WokeUp(Sleeper::kWaiter);
  while (next < kCount) {
    pair.client->Flush();
    ASSERT_TRUE(pair.node->Receive(1000, take).ok());
  }
  EXPECT_EQ(pair.client->outbox_bytes(), 0u);
}

TEST(ShmChannel, RingsNobodyWhoIsAwake) {
  ConnectedPair pair = Connect(4096);
  ASSERT_TRUE(pair.client->PrepareToSleep(Sleeper::kIoThread));
  pair.client->StayAwake();
  ASSERT_TRUE(pair.node->Send(AsBytes(NumberedMessage(1))).ok());
  pair.node->RingPeer();
  EXPECT_FALSE(pair.client->PrepareToSleep(Sleeper::kWaiter)) << "there is input";
  pair.node->RingPeer();
  for (const Sleeper who : {Sleeper::kIoThread, Sleeper::kWaiter}) {
    pollfd p{pair.client->bell_fd(who), POLLIN, 0};
    EXPECT_EQ(poll(&p, 1, 0), 0);
  }
}

bool IsRung(const ShmChannel& channel, Sleeper who) {
  pollfd p{channel.bell_fd(who), POLLIN, 0};
  return poll(&p, 1, 0) == 1;
}

TEST(ShmChannel, RingsOnceForWhatWasSent) {
  ConnectedPair pair = Connect(1 << 16);
  ASSERT_TRUE(pair.client->PrepareToSleep(Sleeper::kWaiter));
  pair.node->RingPeer();
  EXPECT_FALSE(IsRung(*pair.client, Sleeper::kWaiter)) << "nothing was sent";
  for (int round = 0; round < 3; ++round) {
    if (round == 1) {
      ASSERT_TRUE(pair.node->Send(AsBytes(NumberedMessage(1))).ok());
    } else {
      const std::span<std::byte> room = pair.node->TryReserve(16);
      ASSERT_GE(room.size(), 16u);
      ASSERT_TRUE(pair.node->Commit(16).ok());
    }
    pair.node->RingPeer();
    EXPECT_TRUE(IsRung(*pair.client, Sleeper::kWaiter));
    pair.client->WokeUp(Sleeper::kWaiter);
    ASSERT_EQ(*pair.client->Receive(8, [](Bytes) { return absl::OkStatus(); }), 1u);
    ASSERT_TRUE(pair.client->PrepareToSleep(Sleeper::kWaiter));
    pair.node->RingPeer();
    EXPECT_FALSE(IsRung(*pair.client, Sleeper::kWaiter)) << "it has seen what was sent";
  }
}

// The calling thread stays on one CPU.
void StayOn(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

TEST(ShmChannel, SaysThatAPeerWaitsForTheCpuOfItsWaker) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
  const int here = sched_getcpu();
  StayOn(here);
  ConnectedPair pair = Connect(1 << 16);
  ASSERT_TRUE(pair.client->PrepareToSleep(Sleeper::kWaiter));
  ASSERT_TRUE(pair.node->Send(AsBytes(NumberedMessage(1))).ok());
  EXPECT_FALSE(pair.node->PeerWaitsForThisCpu()) << "nobody has woken it";
  pair.node->RingPeer();
  EXPECT_TRUE(pair.node->PeerWaitsForThisCpu());
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (cpu == here || !CPU_ISSET(cpu, &all)) continue;
    StayOn(cpu);
    EXPECT_FALSE(pair.node->PeerWaitsForThisCpu()) << "it slept on CPU " << here;
    break;
  }
  StayOn(here);
  pair.client->WokeUp(Sleeper::kWaiter);
  ASSERT_EQ(*pair.client->Receive(8, [](Bytes) { return absl::OkStatus(); }), 1u);
  EXPECT_FALSE(pair.node->PeerWaitsForThisCpu()) << "it has read what there was";
  ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
}

// A peer that does not read: the message that is too much is refused whole, and all before it come.
TEST(ShmChannel, AReaderThatDoesNotReadIsFoundOut) {
  ConnectedPair pair = Connect(1 << 20);
  const std::vector<uint64_t> large((size_t{32} << 20) / 8, 1);
  absl::Status status;
  size_t sent = 0;
  for (; sent < 64; ++sent) {
    status = pair.node->Send(AsBytes(large));
    if (!status.ok()) break;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(sent, Limits::kMaxOutboxBytes / (large.size() * 8));
  EXPECT_LE(pair.node->outbox_bytes(), Limits::kMaxOutboxBytes);
  size_t received = 0;
  while (received < sent) {
    absl::StatusOr<size_t> n = pair.client->Receive(1, [&](Bytes bytes) {
      EXPECT_EQ(bytes.size(), large.size() * 8);
      return absl::OkStatus();
    });
    ASSERT_TRUE(n.ok()) << n.status();
    received += *n;
    pair.node->Flush();
  }
  EXPECT_FALSE(pair.client->HasInput());
}

TEST(ShmChannel, AMessageAboveTheLimitIsNotSent) {
  ConnectedPair pair = Connect(4096);
  const std::vector<uint64_t> large(Limits::kMaxMessageBytes / 8 + 1);
  EXPECT_EQ(pair.client->Send(AsBytes(large)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(pair.node->HasInput());
  EXPECT_EQ(pair.client->outbox_bytes(), 0u);
}

TEST(ShmChannel, MessagesCrossBetweenProcesses) {
  std::unique_ptr<ShmChannel> node = MakeNodeEnd(4096);
  constexpr uint64_t kCount = 5'000;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // The parent's mapping is not inherited: the child opens its end from the descriptors.
    auto client = *ShmChannel::OpenClientEnd(DescriptorsFor(*node));
    SendAll(*client, kCount);
    ReceiveAll(*client, kCount);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  ReceiveAll(*node, kCount);
  SendAll(*node, kCount);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(ShmChannel, TheStateWordsAreShared) {
  ConnectedPair pair = Connect(4096);
  const uint32_t last = Limits::kStateWords - 1;
  pair.node->task_word(last).Queue(1);
  EXPECT_TRUE(pair.client->task_word(last).TryBegin(1));
  EXPECT_FALSE(pair.node->task_word(last).TryRecall(1));
}

TEST(ShmChannel, TheWrongNumberOfDescriptorsIsRefused) {
  std::unique_ptr<ShmChannel> node = MakeNodeEnd(4096);
  std::vector<UniqueFd> descriptors = DescriptorsFor(*node);
  descriptors.pop_back();
  EXPECT_EQ(ShmChannel::OpenClientEnd(std::move(descriptors)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace troupe::channel
