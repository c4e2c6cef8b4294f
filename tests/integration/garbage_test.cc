// Bytes that no honest client sends, on the socket and in the ring of a real node: that connection
// ends, a line of the log says why, and the node goes on serving.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "core/wire/message_samples.h"
#include "tests/integration/program.h"
#include "tests/integration/raw_client.h"

namespace troupe::testing {
namespace {

using Words = std::vector<uint64_t>;

std::span<const std::byte> BytesOf(const Words& words) { return std::as_bytes(std::span(words)); }

class GarbageTest : public ::testing::Test {
 protected:
  void ExpectCutOff(RawClient& client, const std::string& reason) {
    EXPECT_TRUE(client.WaitForEnd());
    EXPECT_NE(node_.Log().find("was closed"), std::string::npos) << node_.Log();
    EXPECT_NE(node_.Log().find(reason), std::string::npos) << node_.Log();
  }
  void TearDown() override { EXPECT_TRUE(node_.Serves()) << node_.Log(); }

  StandingNode node_;
  std::mt19937_64 random_{20261125};
};

TEST_F(GarbageTest, RandomBytesOnTheSocket) {
  for (int round = 0; round < 50; ++round) {
    RawClient client(node_.socket_path());
    ASSERT_TRUE(client.connected()) << client.why();
    Words words(1 + random_() % 2000);
    for (uint64_t& word : words) word = random_();
    // The node may have cut it off before the last byte.
    client.SendBytes(BytesOf(words));
    // Half of them begin with a frame that promises more than comes: then the end is ours.
    std::memset(words.data(), 0xff, 8);
    client.SendBytes(BytesOf(words));
    EXPECT_TRUE(client.WaitForEnd());
  }
}

TEST_F(GarbageTest, ATruncatedHandshakeEndsWithItsSender) {
  const auto samples = wire::ControlMessageSamples();
  wire::MessageBuffer buffer;
  for (const auto& [name, message] : samples) {
    RawClient client(node_.socket_path());
    const wire::Bytes bytes = wire::Encode(message, buffer);
    const uint32_t header[2] = {static_cast<uint32_t>(bytes.size()), 0};
    client.SendBytes(std::as_bytes(std::span(header)));
    client.SendBytes(bytes.first(bytes.size() / 2));
  }
}

TEST_F(GarbageTest, AHandshakeThatIsNoHello) {
  RawClient client(node_.socket_path());
  ASSERT_TRUE(client.SendControl(wire::Refused{"you"}));
  ExpectCutOff(client, "does not begin with Hello");
}

TEST_F(GarbageTest, RandomMessagesInTheRing) {
  for (int round = 0; round < 50; ++round) {
    RawClient client(node_.socket_path());
    ASSERT_TRUE(client.Join()) << client.why();
    Words words(1 + random_() % 500);
    for (uint64_t& word : words) word = random_();
    ASSERT_TRUE(client.WriteMessage(BytesOf(words)));
    EXPECT_TRUE(client.WaitForEnd());
  }
}

// Each kind of message, valid, then with each of its words damaged or missing. What is still a
// message may be refused by the tables, or do what it says; the node goes on in any case.
TEST_F(GarbageTest, DamagedMessagesInTheRing) {
  wire::MessageBuffer buffer;
  for (const auto& [name, message] : wire::ClientMessageSamples()) {
    const wire::Bytes bytes = wire::Encode(message, buffer);
    Words whole(bytes.size() / 8);
    std::memcpy(whole.data(), bytes.data(), bytes.size());
    const size_t step = std::max<size_t>(1, whole.size() / 8);
    for (size_t i = 0; i < whole.size(); i += step) {
      Words damaged = whole;
      damaged[i] ^= uint64_t{1} << (random_() % 64);
      if (i % 2 == 1) damaged.resize(i);
      RawClient client(node_.socket_path());
      ASSERT_TRUE(client.Join()) << client.why();
      ASSERT_TRUE(client.WriteMessage(BytesOf(damaged)));
    }
  }
}

TEST_F(GarbageTest, AHeadThatRunsAway) {
  RawClient forwards(node_.socket_path());
  ASSERT_TRUE(forwards.Join());
  forwards.memory().up_control()->head.store(uint64_t{1} << 40);
  forwards.RingNode();
  ExpectCutOff(forwards, "the ring's head is at");

  RawClient backwards(node_.socket_path());
  ASSERT_TRUE(backwards.Join());
  ASSERT_TRUE(backwards.Send(wire::Blocked{}));
  channel::RingControl* control = backwards.memory().up_control();
  while (control->tail.load() != control->head.load()) {
  }
  backwards.memory().up_control()->head.store(8);
  backwards.RingNode();
  ExpectCutOff(backwards, "the ring's head is at 8");
}

TEST_F(GarbageTest, AFrameOfNoKind) {
  RawClient client(node_.socket_path());
  ASSERT_TRUE(client.Join());
  const uint64_t header = uint64_t{77} << 32 | 8;
  std::memcpy(client.memory().up_data(), &header, sizeof(header));
  client.memory().up_control()->head.store(16);
  client.RingNode();
  ExpectCutOff(client, "a frame of the unknown kind 77");
}

// Something that only a socket's handshake may hold, after the handshake.
TEST_F(GarbageTest, AMessageOnTheSocketAfterTheHandshake) {
  RawClient client(node_.socket_path());
  ASSERT_TRUE(client.Join());
  ASSERT_TRUE(client.SendControl(wire::Refused{"late"}));
  ExpectCutOff(client, "a message on the socket after the handshake");
}

}  // namespace
}  // namespace troupe::testing
