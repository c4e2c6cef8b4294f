// The ring on one thread: frames, wrapping, fragments, building in place, and producers and
// consumers that lie.
#include "core/channel/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "core/channel/numbered_message.h"

namespace troupe::channel {
namespace {

constexpr size_t kCapacity = 4096;
constexpr size_t kLargestMessage = 1 << 16;

uint64_t Header(uint64_t kind, uint64_t payload) { return kind << 32 | payload; }
enum : uint64_t { kWhole = 1, kFirst = 2, kMiddle = 3, kLast = 4, kPadding = 5 };

// On the heap, where alignment holds under AddressSanitizer, too, and of exactly this size.
struct Memory {
  std::unique_ptr<RingControl> control = std::make_unique<RingControl>();
  std::unique_ptr<uint64_t[]> words = std::make_unique<uint64_t[]>(kCapacity / 8);

  std::byte* data() { return reinterpret_cast<std::byte*>(words.get()); }
};

class RingTest : public testing::TestWithParam<RingConsumer::Trust> {
 protected:
  std::vector<std::vector<uint64_t>> ReceiveAll() {
    std::vector<std::vector<uint64_t>> messages;
    const absl::StatusOr<size_t> received = consumer_.Receive(
        SIZE_MAX,
        [&](Bytes bytes) {
          EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes.data()) % 8, 0u);
          messages.emplace_back(bytes.size() / 8);
          std::memcpy(messages.back().data(), bytes.data(), bytes.size());
          return absl::OkStatus();
        },
        &want_bell_);
    EXPECT_TRUE(received.ok()) << received.status();
    EXPECT_EQ(received.value_or(0), messages.size());
    return messages;
  }
  absl::Status ReceiveStatus() {
    return consumer_
        .Receive(
            SIZE_MAX, [](Bytes) { return absl::OkStatus(); }, &want_bell_)
        .status();
  }
  bool Write(const std::vector<uint64_t>& message) {
    size_t progress = 0;
    return producer_.Write(AsBytes(message), &progress);
  }

  Memory memory_;
  RingProducer producer_{memory_.control.get(), memory_.data(), kCapacity};
  RingConsumer consumer_{memory_.control.get(), memory_.data(), kCapacity, GetParam(),
                         kLargestMessage};
  bool want_bell_ = false;
};
INSTANTIATE_TEST_SUITE_P(Readers, RingTest,
                         testing::Values(RingConsumer::Trust::kInPlace,
                                         RingConsumer::Trust::kCopy));

TEST_P(RingTest, CarriesMessagesOfEverySizeOverTheEdge) {
  for (size_t words = 1; words <= 600; ++words) {
    const std::vector<uint64_t> message = NumberedMessage(words, words);
    size_t progress = 0;
    std::vector<std::vector<uint64_t>> received;
    while (!producer_.Write(AsBytes(message), &progress)) {
      for (auto& m : ReceiveAll()) received.push_back(std::move(m));
    }
    for (auto& m : ReceiveAll()) received.push_back(std::move(m));
    ASSERT_EQ(received, (std::vector<std::vector<uint64_t>>{message})) << words << " words";
  }
}

TEST_P(RingTest, KeepsTheRestWhereAskedForFewer) {
  for (uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(Write(NumberedMessage(i, 2)));
  size_t seen = 0;
  const auto count = [&](Bytes) {
    ++seen;
    return absl::OkStatus();
  };
  EXPECT_EQ(*consumer_.Receive(0, count, &want_bell_), 0u);
  EXPECT_EQ(*consumer_.Receive(2, count, &want_bell_), 2u);
  EXPECT_EQ(seen, 2u);
  EXPECT_TRUE(consumer_.HasInput());
  EXPECT_EQ(ReceiveAll().size(), 3u);
  EXPECT_FALSE(consumer_.HasInput());
}

TEST_P(RingTest, AStatusOfTheHandlerEndsItAfterThatMessage) {
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(Write(NumberedMessage(i, 2)));
  const auto refuse = [](Bytes) { return absl::AbortedError("no"); };
  EXPECT_EQ(consumer_.Receive(9, refuse, &want_bell_).status(), absl::AbortedError("no"));
  EXPECT_EQ(ReceiveAll().size(), 2u);
}

TEST_P(RingTest, TellsThatAWaitingProducerHasRoom) {
  while (Write(NumberedMessage(1, 20))) {
  }
  EXPECT_FALSE(producer_.HasRoomFor(160));
  producer_.AnnounceWaiting();
  ReceiveAll();
  EXPECT_TRUE(want_bell_);
  EXPECT_TRUE(producer_.HasRoomFor(160));
  want_bell_ = false;
  ASSERT_TRUE(Write(NumberedMessage(1, 20)));
  ReceiveAll();
  EXPECT_FALSE(want_bell_) << "it is told once";
}

TEST_P(RingTest, BuildsMessagesInPlace) {
  for (uint64_t i = 0; i < 1000; ++i) {
    const size_t reserve_words = 1 + Scramble(i) % (producer_.max_payload() / 8);
    const size_t words = Scramble(~i) % (reserve_words + 1);
    const std::span<std::byte> room = producer_.TryReserve(reserve_words * 8);
    ASSERT_EQ(room.size(), reserve_words * 8);
    ASSERT_TRUE(std::all_of(room.begin(), room.end(), [](std::byte b) { return b == std::byte{}; }))
        << "what was there before shines through";
    EXPECT_FALSE(consumer_.HasInput()) << "it can be seen before it is committed";
    const std::vector<uint64_t> message = NumberedMessage(i, words);
    if (words > 0) std::memcpy(room.data(), message.data(), words * 8);
    producer_.Commit(words * 8);
    const auto received = ReceiveAll();
    if (words == 0) {
      ASSERT_TRUE(received.empty());
    } else {
      ASSERT_EQ(received, (std::vector<std::vector<uint64_t>>{message}));
    }
  }
  EXPECT_TRUE(producer_.TryReserve(producer_.max_payload() + 8).empty());
  while (Write(NumberedMessage(1, 20))) {
  }
  EXPECT_TRUE(producer_.TryReserve(160).empty());
}

TEST_P(RingTest, AMessageAboveTheLimitIsRefused) {
  const std::vector<uint64_t> message(kLargestMessage / 8 + 1);
  size_t progress = 0;
  absl::Status status;
  while (status.ok() && !producer_.Write(AsBytes(message), &progress)) status = ReceiveStatus();
  if (status.ok()) status = ReceiveStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_LE(progress, kLargestMessage + kCapacity);
}

// Each is what one field of a frame or of the control block must not be.
TEST_P(RingTest, NamesWhatIsMalformed) {
  struct Case {
    const char* what;
    std::vector<uint64_t> words;
    uint64_t head;
  };
  const Case cases[] = {
      {"the ring's head is at", {}, kCapacity + 8},
      {"the ring's head is at", {}, ~uint64_t{7}},
      {"the ring's head is at", {Header(kWhole, 8), 0}, 12},
      {"a frame of 16 bytes where 8 were published", {Header(kWhole, 16), 0}, 16},
      {"a frame of 4 bytes", {Header(kWhole, 4), 0}, 16},
      {"a frame of 4294967288 bytes", {Header(kWhole, 0xFFFFFFF8), 0}, 16},
      {"a frame of 0 bytes", {Header(kWhole, 0)}, 8},
      {"a frame of 0 bytes", {Header(kFirst, 0), Header(kLast, 0)}, 16},
      {"a frame of 2000 bytes", {Header(kWhole, 2000)}, 2008},
      {"unknown kind 0", {0, 0}, 16},
      {"unknown kind 6", {Header(6, 8), 0}, 16},
      {"out of its order", {Header(kMiddle, 8), 0}, 16},
      {"out of its order", {Header(kLast, 8), 0}, 16},
      {"out of its order", {Header(kFirst, 8), 0, Header(kFirst, 8), 0}, 32},
      {"out of its order", {Header(kFirst, 8), 0, Header(kWhole, 8), 0}, 32},
      {"does not end with the ring", {Header(kPadding, 8), 0}, 16},
  };
  for (const Case& c : cases) {
    Memory memory;
    RingConsumer consumer(memory.control.get(), memory.data(), kCapacity, GetParam(),
                          kLargestMessage);
    if (!c.words.empty()) std::memcpy(memory.data(), c.words.data(), c.words.size() * 8);
    memory.control->head.store(c.head);
    EXPECT_TRUE(consumer.HasInput());
    const absl::Status status =
        consumer
            .Receive(
                SIZE_MAX, [](Bytes) { return absl::OkStatus(); }, &want_bell_)
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.ToString().find(c.what), std::string::npos) << status << "\n  not " << c.what;
  }
}

TEST_P(RingTest, AHeadThatGoesBackIsRefused) {
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(Write(NumberedMessage(i, 1)));
  ASSERT_EQ(*consumer_.Receive(
                1, [](Bytes) { return absl::OkStatus(); }, &want_bell_),
            1u);
  memory_.control->head.store(32);  // beyond the tail, 16, but it was 48
  EXPECT_EQ(ReceiveStatus().code(), absl::StatusCode::kInvalidArgument);
}

// Lengths and kinds that change after they were checked must not matter: what is handed over is the
// consumer's own.
TEST(Ring, ACopyDoesNotChangeAfterItWasHandedOver) {
  Memory memory;
  RingProducer producer(memory.control.get(), memory.data(), kCapacity);
  RingConsumer consumer(memory.control.get(), memory.data(), kCapacity, RingConsumer::Trust::kCopy,
                        kLargestMessage);
  for (const size_t words : {3, 600}) {  // a frame, and fragments
    const std::vector<uint64_t> message = NumberedMessage(7, words);
    size_t progress = 0, seen = 0;
    bool want_bell = false;
    for (bool written = false; seen == 0;) {
      if (!written) written = producer.Write(AsBytes(message), &progress);
      ASSERT_TRUE(consumer
                      .Receive(
                          1,
                          [&](Bytes bytes) {
                            std::memset(memory.data(), 0xFF, kCapacity);
                            EXPECT_TRUE(bytes.size() == words * 8 &&
                                        std::memcmp(bytes.data(), message.data(), bytes.size()) ==
                                            0);
                            ++seen;
                            return absl::OkStatus();
                          },
                          &want_bell)
                      .ok());
    }
  }
}

TEST(Ring, AConsumerThatPublishesNonsenseGetsNothingMore) {
  for (const uint64_t nonsense : {uint64_t{1} << 40, ~uint64_t{7}, uint64_t{100'000}}) {
    Memory memory;
    RingProducer producer(memory.control.get(), memory.data(), kCapacity);
    memory.control->tail.store(nonsense);
    size_t written = 0;
    for (int i = 0; i < 100; ++i) {
      size_t progress = 0;
      producer.Write(AsBytes(NumberedMessage(1, 100)), &progress);
      written += progress;
    }
    EXPECT_LE(written, kCapacity);
  }
}

// A producer that writes anything anywhere: the consumer gives a status or messages, and neither
// crashes nor hangs.
TEST_P(RingTest, NoMutationOfTheSharedMemoryHurtsTheConsumer) {
  int errors = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 random(seed);
    Memory memory;
    RingControl& control = *memory.control;
    std::byte* bytes = memory.data();
    RingProducer producer(&control, bytes, kCapacity);
    RingConsumer consumer(&control, bytes, kCapacity, GetParam(), kLargestMessage);
    for (int step = 0; step < 20; ++step) {
      size_t progress = 0;
      producer.Write(AsBytes(NumberedMessage(static_cast<uint64_t>(step), 1 + random() % 200)),
                     &progress);
      for (uint64_t n = random() % 4; n > 0; --n)
        bytes[random() % kCapacity] = static_cast<std::byte>(random());
      if (random() % 10 == 0) control.head.store(control.head.load() + random() % 10'000);
      if (random() % 10 == 0) control.tail.store(random());
      bool want_bell = false;
      uint64_t sum = 0;
      const absl::StatusOr<size_t> received = consumer.Receive(
          100,
          [&](Bytes message) {
            for (const std::byte b : message) sum += static_cast<uint8_t>(b);
            return absl::OkStatus();
          },
          &want_bell);
      errors += !received.ok();
      if (!received.ok()) break;
    }
  }
  EXPECT_GT(errors, 1000);
}

// Both threads use one mapping: ThreadSanitizer knows memory by its address, and would not see a
// race between the two mappings that the ends of a channel have.
TEST_P(RingTest, OrdersItsBytesBetweenTwoThreads) {
  constexpr uint64_t kCount = 100'000;
  std::thread writer([&] {
    for (uint64_t i = 0; i < kCount; ++i) {
      const std::vector<uint64_t> message = NumberedMessage(i);
      std::span<std::byte> room;
      if (i % 2 == 0) room = producer_.TryReserve(message.size() * 8);
      if (!room.empty()) {
        std::memcpy(room.data(), message.data(), room.size());
        producer_.Commit(room.size());
        continue;
      }
      size_t progress = 0;
      while (!producer_.Write(AsBytes(message), &progress)) std::this_thread::yield();
    }
  });
  uint64_t next = 0;
  bool right = true;
  while (next < kCount && right) {
    const absl::StatusOr<size_t> received = consumer_.Receive(
        64,
        [&](Bytes bytes) {
          right &= IsMessage(bytes, next++);
          return absl::OkStatus();
        },
        &want_bell_);
    right &= received.ok();
    if (received.value_or(0) == 0) std::this_thread::yield();
  }
  EXPECT_TRUE(right) << "message " << next - 1;
  if (!right) std::abort();  // the writer would wait for ever
  writer.join();
}

}  // namespace
}  // namespace troupe::channel
