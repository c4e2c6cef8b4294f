// Programs that send without end to a node that runs, or change what they have sent: each is held
// back by a limit, and cut off where it goes on; whoever works beside it is not disturbed.
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "core/base/limits.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/raw_client.h"

namespace troupe::testing {
namespace {

constexpr uint64_t kMaxObjects = 1'000;
constexpr auto kPatience = std::chrono::seconds(60);

int Square(int x) { return x * x; }

// Calls of an honest driver, one after the other, for as long as this lives.
class Neighbour {
 public:
  Neighbour()
      : thread_([this] {
          for (int i = 0; !stop_; ++i) {
            EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(i % 1000)), (i % 1000) * (i % 1000));
            ++calls_;
          }
        }) {}
  ~Neighbour() {
    stop_ = true;
    thread_.join();
  }
  int calls() const { return calls_; }

 private:
  std::atomic<int> calls_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class Floods : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(joined_) << liar_.why(); }
  // What the liar had made has gone with it, and everybody else is served.
  void TearDown() override {
    EXPECT_EQ(troupe::Get(honest_), std::vector<int>(100'000, 5)) << "an honest object is lost";
    EXPECT_TRUE(node_.Serves());
  }
  void ExpectCutOff(const std::string& reason) {
    EXPECT_TRUE(liar_.WaitForEnd());
    const std::string log = node_.Log();
    EXPECT_NE(log.find(reason), std::string::npos) << "nothing of '" << reason << "' in:\n" << log;
    EXPECT_TRUE(BecomesTrue([] { return troupe::Memory(0).object_count < 100; }, kPatience))
        << troupe::Memory(0).object_count << " objects are left";
  }
  ObjectId NextId() { return ObjectId::Make(liar_.id(), next_++); }
  wire::TaskSpec Spec() {
    wire::TaskSpec spec;
    spec.id = TaskId::Make(liar_.id(), next_++);
    spec.cpu_units = 10'000;
    return spec;
  }
  // What that object is, when it is there.
  static std::optional<wire::Value> Ask(RawClient& client, ObjectId id) {
    EXPECT_TRUE(client.Send(wire::Subscribe{{id}}));
    std::optional<wire::Value> value;
    while (!value.has_value() && client.Receive([&](const wire::NodeMessage& message) {
      const auto* ready = std::get_if<wire::Ready>(&message);
      if (ready == nullptr) return;
      for (const wire::ReadyValue& one : ready->values) {
        if (one.id == id) value = one.value;
      }
    })) {
    }
    return value;
  }

  static constexpr std::array<std::byte, 8> kWord{};
  StandingNode node_{{"--workers=2", "--object_store_memory=64MiB",
                      "--max_client_objects=" + std::to_string(kMaxObjects),
                      "--max_client_bytes=1MiB"}};
  const troupe::Cluster cluster_ = troupe::Init({.address = node_.address()});
  const troupe::ObjectRef<std::vector<int>> honest_ = troupe::Put(std::vector<int>(100'000, 5));
  RawClient liar_{node_.socket_path()};
  const bool joined_ = liar_.Join();
  uint64_t next_ = 1;
};

TEST_F(Floods, OfSubmissionsEndTheClient) {
  const Neighbour neighbour;
  const ObjectId never = NextId();
  ASSERT_TRUE(liar_.Send(wire::Promise{never}));
  wire::TaskSpec spec = Spec();
  spec.arguments.push_back({never});
  for (uint64_t i = 0; i < 3 * kMaxObjects && liar_.Send(spec); ++i)
    spec.id = TaskId::Make(liar_.id(), next_++);
  ExpectCutOff("objects that somebody needs, and may have 1000");
  const int calls = neighbour.calls();
  EXPECT_TRUE(BecomesTrue([&] { return neighbour.calls() > calls + 20; }, kPatience));
}

TEST_F(Floods, OfTinyPutsEndTheClient) {
  const Neighbour neighbour;
  for (uint64_t i = 0;
       i < 3 * kMaxObjects && liar_.Send(wire::Seal{NextId(), {wire::Bytes(kWord), {}}}); ++i) {
  }
  ExpectCutOff("objects that somebody needs, and may have 1000");
  const int calls = neighbour.calls();
  EXPECT_TRUE(BecomesTrue([&] { return neighbour.calls() > calls + 20; }, kPatience));
}

// Nothing that a limit counts: each is given back at once. Others get their turn all the same.
TEST_F(Floods, WithoutEndAndWithinEveryLimitHoldUpNobody) {
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> sent{0};
  std::thread flood([&] {
    while (!stop) {
      const ObjectId id = NextId();
      if (!liar_.Send(wire::Seal{id, {wire::Bytes(kWord), {}}}) ||
          !liar_.Send(wire::Release{{{id, 1}}})) {
        return;
      }
      ++sent;
    }
  });
  {
    const Neighbour neighbour;
    EXPECT_TRUE(
        BecomesTrue([&] { return neighbour.calls() > 200 && sent > 20 * kMaxObjects; }, kPatience))
        << neighbour.calls() << " calls beside " << sent << " puts";
  }
  stop = true;
  flood.join();
  EXPECT_EQ(node_.Log().find("was closed"), std::string::npos) << node_.Log();
}

// Judged by order: a question that comes behind all of it is answered before most of it.
TEST_F(Floods, OfOneClientAreServedInTurnsWithTheOthers) {
  constexpr uint64_t kPuts = kMaxObjects - 100;
  RawClient next(node_.socket_path());
  ASSERT_TRUE(next.Join()) << next.why();
  kill(node_.pid(), SIGSTOP);
  ASSERT_TRUE(BecomesTrue([&] { return IsStopped(node_.pid()); }, kPatience));
  for (uint64_t i = 0; i < kPuts; ++i)
    ASSERT_TRUE(liar_.Send(wire::Seal{NextId(), {wire::Bytes(kWord), {}}}));
  ASSERT_TRUE(next.Send(wire::MemoryRequest{.request = 1}));
  kill(node_.pid(), SIGCONT);
  std::optional<uint64_t> objects;
  while (!objects.has_value() && next.Receive([&](const wire::NodeMessage& message) {
    if (const auto* report = std::get_if<wire::MemoryReport>(&message))
      objects = report->object_count;
  })) {
  }
  ASSERT_TRUE(objects.has_value());
  EXPECT_LT(*objects, kPuts / 4);
  EXPECT_TRUE(BecomesTrue([] { return troupe::Memory(0).object_count > kPuts; }, kPatience));
}

TEST_F(Floods, OfBytesAreRefusedAndTakeNoMemory) {
  const std::vector<std::byte> large(Limits::kMaxInlineValueBytes);
  const ObjectId first = NextId();
  ASSERT_TRUE(liar_.Send(wire::Seal{first, {wire::Bytes(large), {}}}));
  ObjectId last;
  for (uint64_t i = 0; i < kMaxObjects / 2; ++i) {
    last = NextId();
    ASSERT_TRUE(liar_.Send(wire::Seal{last, {wire::Bytes(large), {}}}));
  }
  const std::optional<wire::Value> kept = Ask(liar_, first);
  ASSERT_TRUE(kept.has_value());
  EXPECT_TRUE(std::holds_alternative<wire::Bytes>(kept->content));
  const std::optional<wire::Value> refused = Ask(liar_, last);
  ASSERT_TRUE(refused.has_value());
  const auto* error = std::get_if<ErrorInfo>(&refused->content);
  ASSERT_NE(error, nullptr) << "8 MiB were kept";
  EXPECT_EQ(error->kind, ErrorKind::kResourceExhausted);
  EXPECT_NE(error->message.find("may take 1.0 MiB"), std::string::npos) << error->message;
  EXPECT_LE(troupe::Memory(0).inline_bytes, uint64_t{2} << 20);
}

// A task whose id is one word or another, which changes while the node reads it. The node must have
// seen one of the two: what it tells the worker is what it has written down, and so the worker
// completes the task that it has.
TEST_F(Floods, AFrameThatChangesAfterItWasPublishedIsReadOnce) {
  RawClient driver(node_.socket_path());
  wire::Hello hello;
  const std::string honest_worker = "TROUPE_LIE=none";
  hello.environment = {honest_worker};
  ASSERT_TRUE(driver.Join(hello, BuiltProgram("TROUPE_LYING_WORKER"))) << driver.why();
  channel::ChannelMemory& memory = driver.memory();
  channel::RingControl* control = memory.up_control();
  const auto words_of = [&](const wire::TaskSpec& spec) {
    wire::MessageBuffer buffer;
    const wire::Bytes bytes = wire::Encode(wire::ClientMessage(spec), buffer);
    std::vector<uint64_t> words(bytes.size() / 8);
    std::memcpy(words.data(), bytes.data(), bytes.size());
    return words;
  };
  wire::TaskSpec spec;
  spec.cpu_units = 10'000;
  constexpr uint64_t kTasks = 400;
  uint64_t changed = 0;
  for (uint64_t i = 0; i < kTasks; ++i) {
    spec.id = TaskId::Make(driver.id(), 2 * i + 1);
    const std::vector<uint64_t> one = words_of(spec);
    spec.id = TaskId::Make(driver.id(), 2 * i + 2);
    const std::vector<uint64_t> other = words_of(spec);
    ASSERT_EQ(one.size(), other.size());
    const uint64_t begin = control->head.load();
    ASSERT_TRUE(driver.WriteMessage(std::as_bytes(std::span(one))));
    // Where the frame did not fit before the end, it is at the beginning.
    const uint64_t end = control->head.load();
    const uint64_t frame = end - (one.size() + 1) * 8;
    ASSERT_GE(frame, begin);
    auto* const in_ring = reinterpret_cast<std::atomic<uint64_t>*>(
        memory.up_data() + (frame + 8) % memory.ring_bytes());
    for (bool to_other = true; control->tail.load() != end; to_other = !to_other) {
      const std::vector<uint64_t>& words = to_other ? other : one;
      for (size_t w = 0; w < words.size(); ++w) {
        if (one[w] != other[w]) in_ring[w].store(words[w], std::memory_order_relaxed);
      }
      ++changed;
    }
  }
  EXPECT_GT(changed, kTasks);
  spec.id = TaskId::Make(driver.id(), 2 * kTasks + 1);
  ASSERT_TRUE(driver.Send(spec));
  const std::optional<wire::Value> last = Ask(driver, spec.id.Result(0));
  EXPECT_TRUE(last.has_value() && std::holds_alternative<wire::Bytes>(last->content));
  EXPECT_EQ(node_.Log().find("which it does not have"), std::string::npos) << node_.Log();
}

}  // namespace
}  // namespace troupe::testing
