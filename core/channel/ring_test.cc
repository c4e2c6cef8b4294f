// The ring and the channel: content, order, fragments, full rings, hostile producers, two threads
// and two processes.
#include "core/channel/ring.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "core/base/limits.h"
#include "core/channel/shm_channel.h"

namespace troupe::channel {
namespace {

// Messages whose content tells their number.
std::vector<uint64_t> Message(uint64_t number, size_t words) {
  std::vector<uint64_t> message(words, number * 0x9E3779B97F4A7C15u);
  message[0] = number;
  for (size_t i = 1; i < words; ++i) message[i] += i;
  return message;
}
Bytes AsBytes(const std::vector<uint64_t>& words) { return std::as_bytes(std::span(words)); }
size_t WordsOf(uint64_t number) {
  std::mt19937_64 random(number);
  return 1 + random() % (random() % 16 == 0 ? 2000 : 40);
}
testing::AssertionResult IsMessage(Bytes bytes, uint64_t number) {
  const std::vector<uint64_t> expected = Message(number, WordsOf(number));
  if (bytes.size() == expected.size() * 8 &&
      std::memcmp(bytes.data(), expected.data(), bytes.size()) == 0) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "message " << number << " came as " << bytes.size() << " bytes";
}

struct Pair {
  std::unique_ptr<ShmChannel> node, client;
};
Pair Connect(size_t ring_bytes) {
  Pair pair;
  absl::StatusOr<Doorbell> bell = Doorbell::Create();
  EXPECT_TRUE(bell.ok());
  pair.node = *ShmChannel::CreateNodeEnd(ring_bytes, UniqueFd(dup(bell->fd())));
  std::vector<UniqueFd> descriptors;
  for (const int fd : pair.node->descriptors()) descriptors.emplace_back(dup(fd));
  pair.client = *ShmChannel::OpenClientEnd(std::move(descriptors));
  return pair;
}

void WaitForBell(Channel& channel, Sleeper who) {
  if (!channel.PrepareToSleep(who)) return;
  pollfd p{channel.bell_fd(who), POLLIN, 0};
  ASSERT_EQ(poll(&p, 1, 60'000), 1) << "nobody rang";
  channel.WokeUp(who);
  uint64_t count;
  EXPECT_NE(read(p.fd, &count, sizeof(count)), 0);  // the node's bell is silenced by its owner
}

void SendAll(Channel& channel, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    ASSERT_TRUE(channel.Send(AsBytes(Message(i, WordsOf(i)))).ok());
    channel.RingPeer();
    while (channel.outbox_bytes() > 10'000) {
      channel.Flush();
      channel.RingPeer();
      if (channel.outbox_bytes() > 10'000) WaitForBell(channel, Sleeper::kWaiter);
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
      EXPECT_TRUE(IsMessage(bytes, next));
      ++next;
      return absl::OkStatus();
    });
    ASSERT_TRUE(received.ok()) << received.status();
    if (*received == 0 && next < count) WaitForBell(channel, Sleeper::kIoThread);
  }
}

class ChannelTest : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(RingSizes, ChannelTest, testing::Values(4096, 65536, 1 << 20));

TEST_P(ChannelTest, TwoThreadsExchangeMessagesOfAllSizes) {
  Pair pair = Connect(GetParam());
  constexpr uint64_t kCount = 20'000;
  std::thread up([&] { SendAll(*pair.client, kCount); });
  ReceiveAll(*pair.node, kCount);
  up.join();
  std::thread down([&] { SendAll(*pair.node, kCount); });
  ReceiveAll(*pair.client, kCount);
  down.join();
}

TEST_P(ChannelTest, AMessageManyTimesTheRingPassesBitByBit) {
  Pair pair = Connect(GetParam());
  const std::vector<uint64_t> large(5 * GetParam() / 8, 0x0123456789abcdef);
  ASSERT_TRUE(pair.client->Send(AsBytes(large)).ok());
  ASSERT_TRUE(pair.client->Send(AsBytes(Message(7, 3))).ok());
  EXPECT_GT(pair.client->outbox_bytes(), 0u);
  std::vector<size_t> sizes;
  for (int turns = 0; sizes.size() < 2 && turns < 1000; ++turns) {
    ASSERT_TRUE(pair.node
                    ->Receive(1,
                              [&](Bytes bytes) {
                                sizes.push_back(bytes.size());
                                return absl::OkStatus();
                              })
                    .ok());
    pair.client->Flush();
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{large.size() * 8, 24}));
}

TEST(Channel, AFullRingKeepsEverythingAndRingsWhenThereIsRoom) {
  Pair pair = Connect(4096);
  constexpr uint64_t kCount = 1000;
  for (uint64_t i = 0; i < kCount; ++i)
    ASSERT_TRUE(pair.client->Send(AsBytes(Message(i, WordsOf(i)))).ok());
  EXPECT_GT(pair.client->outbox_bytes(), 0u);
  ASSERT_TRUE(pair.client->PrepareToSleep(Sleeper::kWaiter));
  uint64_t next = 0;
  const auto take = [&](Bytes bytes) {
    EXPECT_TRUE(IsMessage(bytes, next));
    ++next;
    return absl::OkStatus();
  };
  ASSERT_TRUE(pair.node->Receive(1000, take).ok());
  pollfd p{pair.client->bell_fd(Sleeper::kWaiter), POLLIN, 0};
  ASSERT_EQ(poll(&p, 1, 10'000), 1) << "the producer was not told that there is room";
  pair.client->WokeUp(Sleeper::kWaiter);
  while (next < kCount) {
    pair.client->Flush();
    ASSERT_TRUE(pair.node->Receive(1000, take).ok());
  }
}

TEST(Channel, AReaderThatDoesNotReadIsFoundOut) {
  Pair pair = Connect(4096);
  const std::vector<uint64_t> large((size_t{8} << 20) / 8, 1);
  absl::Status status;
  for (int i = 0; i < 64 && status.ok(); ++i) status = pair.node->Send(AsBytes(large));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
}

TEST(Channel, TheMemoryIsSealedAndChecked) {
  Pair pair = Connect(4096);
  EXPECT_NE(ftruncate(pair.node->descriptors()[0], 0), 0)
      << "the memory can be cut off under its users";
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  EXPECT_FALSE(ChannelMemory::Open(UniqueFd(fds[0])).ok());
  close(fds[1]);
}

TEST(Channel, MessagesCrossBetweenProcesses) {
  absl::StatusOr<Doorbell> bell = Doorbell::Create();
  auto node = *ShmChannel::CreateNodeEnd(4096, UniqueFd(dup(bell->fd())));
  constexpr uint64_t kCount = 5'000;
  const pid_t child = fork();
  if (child == 0) {
    // The parent's mapping is not inherited: the child opens its end from the descriptors.
    std::vector<UniqueFd> descriptors;
    for (const int fd : node->descriptors()) descriptors.emplace_back(dup(fd));
    auto client = *ShmChannel::OpenClientEnd(std::move(descriptors));
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

// A producer that writes anything anywhere: the consumer gives a status or messages, and neither
// crashes nor hangs.
TEST(Ring, NoMutationOfTheSharedMemoryHurtsTheConsumer) {
  constexpr size_t kCapacity = 4096;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 random(seed);
    auto control = std::make_unique<RingControl>();
    alignas(8) std::byte data[kCapacity] = {};
    RingProducer producer(control.get(), data, kCapacity);
    RingConsumer consumer(control.get(), data, kCapacity, RingConsumer::Trust::kCopy, 1 << 16);
    for (int step = 0; step < 20; ++step) {
      size_t progress = 0;
      producer.Write(AsBytes(Message(step, 1 + random() % 200)), &progress);
      for (uint64_t n = random() % 4; n > 0; --n) data[random() % kCapacity] = std::byte(random());
      if (random() % 10 == 0) control->head.store(control->head.load() + random() % 10'000);
      bool want_bell = false;
      if (!consumer
               .Receive(
                   100, [](Bytes) { return absl::OkStatus(); }, &want_bell)
               .ok())
        break;
    }
  }
}

}  // namespace
}  // namespace troupe::channel
