#include "core/channel/in_place_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "core/channel/connected_pair.h"
#include "core/wire/messages.h"

namespace troupe::channel {
namespace {

constexpr size_t kRingBytes = 4096;

std::vector<std::byte> BytesOf(uint64_t number) {
  return std::vector<std::byte>(number % 300, static_cast<std::byte>(number));
}

wire::Complete CompleteOf(uint64_t number, wire::Bytes result) {
  wire::Complete complete;
  complete.attempt = static_cast<uint32_t>(number);
  complete.results.push_back({result, {}});
  return complete;
}

// Of the usual kind, and every third one of another.
absl::Status SendNumber(InPlaceBuffer& buffer, uint64_t number) {
  const std::vector<std::byte> bytes = BytesOf(number);
  if (number % 3 == 2) {
    const std::string name(number % 50, 'n');
    return buffer.Send(wire::Encode(wire::ClientMessage(wire::FindActor{number, name}), buffer));
  }
  return buffer.Send(wire::Encode(CompleteOf(number, bytes), buffer));
}

void ExpectNumber(Bytes message, uint64_t number) {
  const auto decoded = wire::DecodeClientMessage(message);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  if (number % 3 == 2) {
    EXPECT_EQ(std::get<wire::FindActor>(*decoded).request, number);
    EXPECT_EQ(std::get<wire::FindActor>(*decoded).name.size(), number % 50);
    return;
  }
  const auto& complete = std::get<wire::Complete>(*decoded);
  EXPECT_EQ(complete.attempt, number);
  const auto bytes = std::get<wire::Bytes>(complete.results[0].content);
  EXPECT_EQ(std::vector<std::byte>(bytes.begin(), bytes.end()), BytesOf(number));
}

uint64_t ReceiveAll(Channel& channel, uint64_t next) {
  const auto received = channel.Receive(SIZE_MAX, [&](Bytes message) {
    ExpectNumber(message, next++);
    return absl::OkStatus();
  });
  EXPECT_TRUE(received.ok()) << received.status();
  return next;
}

TEST(InPlaceBuffer, BuildsWhereThePeerReads) {
  ConnectedPair pair = Connect(kRingBytes);
  InPlaceBuffer buffer(pair.client.get());
  const wire::Bytes message = wire::Encode(CompleteOf(7, {}), buffer);
  const std::span<std::byte> next = pair.client->TryReserve(8);
  EXPECT_EQ(message.data(), next.data()) << "it is not what the ring gives";
  EXPECT_FALSE(pair.node->HasInput()) << "it is published before it is sent";
  ASSERT_TRUE(buffer.Send(wire::Encode(CompleteOf(7, {}), buffer)).ok());
  EXPECT_TRUE(pair.node->HasInput());
}

TEST(InPlaceBuffer, KeepsTheOrderThroughFullRingsAndAllKinds) {
  ConnectedPair pair = Connect(kRingBytes);
  InPlaceBuffer buffer(pair.client.get());
  uint64_t sent = 0, received = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 1 + 13 * round; ++i) ASSERT_TRUE(SendNumber(buffer, sent++).ok());
    while (received < sent) {
      received = ReceiveAll(*pair.node, received);
      pair.client->Flush();
    }
  }
  EXPECT_EQ(received, sent);
}

// A frame has a quarter of the ring at most.
TEST(InPlaceBuffer, SendsWhatIsTooLargeForAFrame) {
  ConnectedPair pair = Connect(kRingBytes);
  InPlaceBuffer buffer(pair.client.get());
  const std::vector<std::byte> large(kRingBytes / 2, std::byte{3});
  ASSERT_TRUE(buffer.Send(wire::Encode(CompleteOf(1, large), buffer)).ok());
  ASSERT_TRUE(SendNumber(buffer, 9).ok());
  size_t messages = 0;
  const auto received = pair.node->Receive(SIZE_MAX, [&](Bytes message) {
    if (messages++ == 1) ExpectNumber(message, 9);
    return absl::OkStatus();
  });
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(messages, 2u);
}

}  // namespace
}  // namespace troupe::channel
