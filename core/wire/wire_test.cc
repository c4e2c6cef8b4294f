// Every message comes out as it went in, and no bytes make a decoder crash or allocate much.
#include <capnp/any.h>
#include <capnp/message.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "core/base/limits.h"
#include "core/serialize/fields.h"
#include "core/wire/handshake.h"
#include "core/wire/message_equal.h"
#include "core/wire/message_samples.h"
#include "core/wire/messages.h"
#include "core/wire/packing.h"
#include "core/wire/protocol.capnp.h"
#include "core/wire/roads.h"

namespace troupe::wire {
namespace {

// What the decoders allocate, and how much of it at most at a time, counted by operator new below.
thread_local size_t allocated_bytes = 0;

absl::StatusOr<ClientMessage> Decode(const ClientMessage*, Bytes bytes) {
  return DecodeClientMessage(bytes);
}
absl::StatusOr<NodeMessage> Decode(const NodeMessage*, Bytes bytes) {
  return DecodeNodeMessage(bytes);
}
absl::StatusOr<ControlMessage> Decode(const ControlMessage*, Bytes bytes) {
  return DecodeControlMessage(bytes);
}

// On the heap and of exactly this size: AddressSanitizer sees each step beyond it.
class ExactCopy {
 public:
  explicit ExactCopy(Bytes bytes) : size_(bytes.size()), memory_(new std::byte[bytes.size()]) {
    std::copy(bytes.begin(), bytes.end(), memory_.get());
  }
  Bytes bytes() const { return {memory_.get(), size_}; }
  std::byte& operator[](size_t i) { return memory_[i]; }

 private:
  size_t size_;
  std::unique_ptr<std::byte[]> memory_;
};

template <typename Message>
ExactCopy Encoded(const Message& message) {
  MessageBuffer buffer;
  return ExactCopy(Encode(message, buffer));
}

// Whatever the bytes are: an error, or a message that can be sent on.
template <typename Message>
void ExpectErrorOrMessage(Bytes bytes, const std::string& what) {
  const size_t before = allocated_bytes;
  const absl::StatusOr<Message> message = Decode(static_cast<const Message*>(nullptr), bytes);
  EXPECT_LE(allocated_bytes - before, 32 * bytes.size() + 16'384) << what;
  if (!message.ok()) {
    EXPECT_EQ(message.status().code(), absl::StatusCode::kInvalidArgument) << what;
    EXPECT_FALSE(message.status().message().empty()) << what;
    return;
  }
  const ExactCopy again = Encoded(*message);
  const auto copy = Decode(static_cast<const Message*>(nullptr), again.bytes());
  ASSERT_TRUE(copy.ok()) << what << ": " << copy.status();
  EXPECT_TRUE(Equal(*copy, *message)) << what;
}

template <typename Message>
class WireTest : public testing::Test {
 protected:
  static Samples<Message> AllSamples() {
    if constexpr (std::is_same_v<Message, ClientMessage>) return ClientMessageSamples();
    if constexpr (std::is_same_v<Message, NodeMessage>) return NodeMessageSamples();
    if constexpr (std::is_same_v<Message, ControlMessage>) return ControlMessageSamples();
  }
  static absl::StatusOr<Message> DecodeIt(Bytes bytes) {
    return Decode(static_cast<const Message*>(nullptr), bytes);
  }
};
using Messages = testing::Types<ClientMessage, NodeMessage, ControlMessage>;
TYPED_TEST_SUITE(WireTest, Messages);

TYPED_TEST(WireTest, SamplesCoverEveryAlternative) {
  std::set<size_t> seen;
  std::set<std::string> names;
  for (const auto& [name, message] : this->AllSamples()) {
    seen.insert(message.index());
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(seen.size(), std::variant_size_v<TypeParam>);
}

TYPED_TEST(WireTest, WhatGoesInComesOut) {
  for (const auto& [name, message] : this->AllSamples()) {
    const ExactCopy bytes = Encoded(message);
    EXPECT_EQ(bytes.bytes().size() % 8, 0u) << name;
    const auto decoded = this->DecodeIt(bytes.bytes());
    ASSERT_TRUE(decoded.ok()) << name << ": " << decoded.status();
    EXPECT_TRUE(Equal(*decoded, message)) << name;
  }
}

TYPED_TEST(WireTest, EqualTellsTheSamplesApart) {
  const Samples<TypeParam> samples = this->AllSamples();
  for (size_t i = 0; i < samples.size(); ++i) {
    for (size_t k = 0; k < samples.size(); ++k) {
      EXPECT_EQ(Equal(samples[i].second, samples[k].second), i == k)
          << samples[i].first << " and " << samples[k].first;
    }
  }
}

TYPED_TEST(WireTest, TruncatedBytesAreErrors) {
  for (const auto& [name, message] : this->AllSamples()) {
    const ExactCopy bytes = Encoded(message);
    for (size_t length = 0; length < bytes.bytes().size(); ++length) {
      const ExactCopy part(bytes.bytes().first(length));
      EXPECT_FALSE(this->DecodeIt(part.bytes()).ok()) << name << " cut to " << length;
    }
  }
}

TYPED_TEST(WireTest, FlippedBitsAreErrorsOrOtherMessages) {
  for (const auto& [name, message] : this->AllSamples()) {
    ExactCopy bytes = Encoded(message);
    for (size_t bit = 0; bit < 8 * bytes.bytes().size(); ++bit) {
      bytes[bit / 8] ^= std::byte(1 << bit % 8);
      ExpectErrorOrMessage<TypeParam>(bytes.bytes(), name + " bit " + std::to_string(bit));
      bytes[bit / 8] ^= std::byte(1 << bit % 8);
    }
  }
}

TYPED_TEST(WireTest, GarbageIsAnErrorOrAMessage) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::vector<uint64_t> words(random() % 64);
    for (uint64_t& word : words) {
      word = random();
      if (i % 3 == 1) word &= 0xff000000ff;  // small numbers look like pointers nearby
      if (i % 3 == 2) word = i % 2 == 0 ? 0 : ~uint64_t{0};
    }
    const ExactCopy bytes(std::as_bytes(std::span(words)));
    ExpectErrorOrMessage<TypeParam>(bytes.bytes(), "garbage " + std::to_string(i));
  }
}

TYPED_TEST(WireTest, ABufferMayBeUsedAgain) {
  MessageBuffer buffer;
  for (int round = 0; round < 2; ++round) {
    for (const auto& [name, message] : this->AllSamples()) {
      const auto decoded = this->DecodeIt(Encode(message, buffer));
      ASSERT_TRUE(decoded.ok()) << name << ": " << decoded.status();
      EXPECT_TRUE(Equal(*decoded, message)) << name << ": the message before shines through";
    }
  }
}

TEST(Wire, LargeMessages) {
  const std::vector<std::byte> large(Limits::kMaxMessageBytes / 4, std::byte{7});
  const std::vector<ObjectId> ids(100'000, ObjectId(1, 2));
  TaskSpec spec;
  spec.callable = large;
  spec.arguments.assign(10'000, {Argument::Inline{Bytes(large).first(100), {ObjectId(3, 4)}}});
  spec.arguments.push_back({ids});
  spec.resources.assign(1000, {"a resource", 1});
  Complete complete;
  complete.results.assign(10'000, {ErrorInfo{.message = std::string(100, 'x')}, {ObjectId(1, 2)}});
  for (const ClientMessage& message :
       {ClientMessage(spec), ClientMessage(complete), ClientMessage(Subscribe{ids}),
        ClientMessage(Seal{ObjectId(1, 2), {Bytes(large), ids}}),
        ClientMessage(Release{std::vector<GrantCount>(100'000, {ObjectId(1, 2), 3})})}) {
    const ExactCopy bytes = Encoded(message);
    const auto decoded = DecodeClientMessage(bytes.bytes());
    ASSERT_TRUE(decoded.ok()) << message.index() << ": " << decoded.status();
    EXPECT_TRUE(Equal(*decoded, message)) << message.index();
  }
  const std::vector<ReadyValue> values(10'000, {ObjectId(1, 2), {Bytes(large).first(9), {}}});
  const NodeMessage dispatch = Dispatch{1, 2, 3, values, ids, large};
  const ExactCopy bytes = Encoded(dispatch);
  const auto decoded = DecodeNodeMessage(bytes.bytes());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(Equal(*decoded, dispatch));
}

TEST(Wire, EachTextMayBeLong) {
  const std::string text(10'000, 'x');
  TaskSpec spec;
  spec.name = spec.type_name = spec.actor_name = spec.function = spec.concurrency_group = text;
  spec.resources = spec.concurrency_groups = {{text, 1}, {text + "y", 2}};
  MessageBuffer buffer;
  const auto decoded = DecodeClientMessage(Encode(ClientMessage(spec), buffer));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(Equal(*decoded, ClientMessage(spec)));
  const PlacementGroup group{ObjectId(1, 2),
                             {{1, {{text, 1}}}, {2, {{text, 2}, {text + "y", 3}}}},
                             PlacementStrategy::kSpread,
                             text,
                             {}};
  const auto again = DecodeClientMessage(Encode(ClientMessage(group), buffer));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(Equal(*again, ClientMessage(group)));
}

// The parts that few tasks have are left out of a message where they say nothing: each field alone
// says something, and so does each half of an id.
TEST(Wire, EachFieldOfATaskTravelsAlone) {
  const auto expect_travels = [](const TaskSpec& spec, const std::string& what) {
    MessageBuffer buffer;
    const auto decoded = DecodeClientMessage(Encode(spec, buffer));
    ASSERT_TRUE(decoded.ok()) << what << ": " << decoded.status();
    EXPECT_TRUE(Equal(*decoded, ClientMessage(spec))) << what;
  };
  for (const auto& sample : ClientMessageSamples()) {
    const TaskSpec* const full = std::get_if<TaskSpec>(&sample.second);
    if (full == nullptr) continue;
    [&]<size_t... I>(std::index_sequence<I...>) {
      (
          [&] {
            TaskSpec spec;
            std::get<I>(serialize::Fields(spec)) = std::get<I>(serialize::Fields(*full));
            expect_travels(spec, absl::StrCat(sample.first, ", field ", I));
          }(),
          ...);
    }
    (std::make_index_sequence<serialize::FieldCount<TaskSpec>()>());
  }
  for (const ObjectId id : {ObjectId(1, 0), ObjectId(0, 1)}) {
    TaskSpec placed, called, child;
    placed.placement.group = id;
    called.actor = ActorId(id.hi(), id.lo());
    child.caller.task = TaskId(id.hi(), id.lo());
    expect_travels(placed, "a placement");
    expect_travels(called, "an actor");
    expect_travels(child, "a parent");
  }
}

TYPED_TEST(WireTest, WhatIsPackedComesOut) {
  MessageBuffer buffer;
  for (const auto& [name, message] : this->AllSamples()) {
    const ExactCopy bytes = Encoded(message);
    const ExactCopy packed(Pack(bytes.bytes(), buffer));
    std::vector<uint64_t> words(bytes.bytes().size() / sizeof(uint64_t));
    Unpack(packed.bytes(), words);
    EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(words)), bytes.bytes())) << name;
  }
}

TEST(Wire, WhatHasNoZerosIsHardlyLargerPacked) {
  std::mt19937_64 random(1);
  MessageBuffer buffer;
  for (const size_t words : {1, 2, 255, 256, 257, 10'000}) {
    std::vector<uint64_t> message(words), unpacked(words);
    for (uint64_t& word : message) word = random() | 0x0101010101010101;
    const ExactCopy packed(Pack(std::as_bytes(std::span(message)), buffer));
    EXPECT_LE(packed.bytes().size(), words * sizeof(uint64_t) + words / 128 + 16);
    Unpack(packed.bytes(), unpacked);
    EXPECT_EQ(unpacked, message);
  }
}

// What most tasks are made of: such messages are read by the short road (plain_codec.cc).
TaskSpec PlainTask() {
  static const std::vector<std::byte> bytes(40, std::byte{7});
  TaskSpec task;
  task.id = TaskId(1, 2);
  task.entry = 3;
  task.cpu_units = -4;
  task.grace_nanos = -1;
  task.caller = {.task = TaskId(5, 6), .site_file = 0x89ABCDEF, .site_line = 0xFEDC};
  task.num_returns = 7;
  task.max_retries = -1;
  task.priority = std::numeric_limits<int32_t>::min();
  task.depth = 8;
  task.name = "Train";
  task.callable = Bytes(bytes).first(16);
  task.arguments = {{Argument::Inline{Bytes(bytes).first(33), {}}},
                    {ObjectId(9, 10)},
                    {Argument::Inline{}},
                    {Argument::Inline{Bytes(bytes).first(8), {}}},
                    {ObjectId(11, 12)},
                    {Argument::Inline{Bytes(bytes).first(9), {ObjectId(13, 14), ObjectId(15, 16)}}},
                    {Argument::Objects{ObjectId(17, 18), ObjectId(19, 20)}},
                    {Argument::Objects{}}};
  return task;
}
template <typename Message>
Samples<Message> PlainSamples() {
  static const std::vector<std::byte> bytes(40, std::byte{9});
  const absl::InlinedVector<Value, 1> results = {
      {Bytes(bytes), {}},
      {Location{ChunkId(1), 2, 3}, {}},
      {Pending(), {}},
      {Away(), {}},
      {Bytes(bytes), {ObjectId(4, 5)}},
      {Location{ChunkId(1), 2, 3}, {ObjectId(6, 7), ObjectId(8, 9)}}};
  if constexpr (std::is_same_v<Message, ClientMessage>) {
    TaskSpec call = PlainTask();
    call.kind = TaskKind::kActorCall;
    call.actor = ActorId(13, 14);
    call.sequence = 15;
    call.concurrency_group = "io";
    return {{"task", PlainTask()},
            {"call", call},
            {"seal", Seal{ObjectId(1, 2), {Bytes(bytes), {}}}},
            {"seal_stored", Seal{ObjectId(3, 4), {Location{ChunkId(5), 6, 7}, {}}}},
            {"complete", Complete{TaskId(1, 2), 3, 4, results, true}},
            {"release", Release{{{ObjectId(1, 2), 3}, {ObjectId(4, 5), 6, true}}}}};
  } else if constexpr (std::is_same_v<Message, NodeMessage>) {
    std::vector<ReadyValue> values;
    for (const Value& value : results) values.push_back({ObjectId(1, 2), value});
    return {{"dispatch", Dispatch{1, 2, 3, values, {}, bytes, -4, true, 5}},
            {"dispatch_with_refs", Dispatch{1, 2, 3, {}, {ObjectId(6, 7)}, bytes, -4, true, 5}},
            {"ready", Ready{values}}};
  } else {
    return {};
  }
}

TYPED_TEST(WireTest, BothRoadsSayTheSame) {
  if constexpr (!std::is_same_v<TypeParam, ControlMessage>) {
    // Bit by bit: what is another message on the short road is the same one on the long one.
    size_t taken = 0;
    const auto compare = [&](const std::string& name, const TypeParam& message) {
      ExactCopy bytes = Encoded(message);
      for (size_t bit = 0; bit < 8 * bytes.bytes().size(); ++bit) {
        bytes[bit / 8] ^= std::byte(1 << bit % 8);
        TypeParam by_plain, by_capnp;
        if (internal::GetPlain(bytes.bytes(), &by_plain)) {
          ++taken;
          ASSERT_TRUE(internal::GetAny(bytes.bytes(), &by_capnp).ok()) << name << ", bit " << bit;
          ASSERT_TRUE(Equal(by_plain, by_capnp)) << name << ", bit " << bit;
        }
        bytes[bit / 8] ^= std::byte(1 << bit % 8);
      }
    };
    for (const auto& [name, message] : this->AllSamples()) compare(name, message);
    for (const auto& [name, message] : PlainSamples<TypeParam>()) {
      const ExactCopy bytes = Encoded(message);
      TypeParam by_plain;
      EXPECT_TRUE(internal::GetPlain(bytes.bytes(), &by_plain)) << name;
      EXPECT_TRUE(Equal(by_plain, message)) << name;
      compare(name, message);
    }
    EXPECT_GT(taken, 1000u) << "hardly any of these went the short road";
  }
}

TYPED_TEST(WireTest, TheLongRoadKnowsEveryMessage) {
  if constexpr (!std::is_same_v<TypeParam, ControlMessage>) {
    Samples<TypeParam> samples = this->AllSamples();
    for (auto& sample : PlainSamples<TypeParam>()) samples.push_back(std::move(sample));
    for (const auto& [name, message] : samples) {
      const ExactCopy bytes = Encoded(message);
      MessageBuffer buffer;
      EXPECT_TRUE(std::ranges::equal(bytes.bytes(), internal::EncodeAny(message, buffer))) << name;
      TypeParam decoded;
      const absl::Status status = internal::GetAny(bytes.bytes(), &decoded);
      ASSERT_TRUE(status.ok()) << name << ": " << status;
      EXPECT_TRUE(Equal(decoded, message)) << name;
    }
  }
}

// The short road takes no memory where a task has few arguments.
TEST(Wire, ATaskIsReadWithoutMemoryOfItsOwn) {
  TaskSpec task = PlainTask();
  task.arguments.resize(4);
  const ExactCopy bytes = Encoded(ClientMessage(task));
  const size_t before = allocated_bytes;
  const auto decoded = DecodeClientMessage(bytes.bytes());
  EXPECT_EQ(allocated_bytes, before);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(Equal(*decoded, ClientMessage(task)));
}

TEST(Wire, UnknownNumbersAreErrors) {
  capnp::MallocMessageBuilder builder;
  builder.initRoot<schema::ClientMessage>().initSubmit().setKind(3);
  const auto bytes_of = [](capnp::MessageBuilder& message) {
    const auto segment = message.getSegmentsForOutput()[0].asBytes();
    return Bytes(reinterpret_cast<const std::byte*>(segment.begin()), segment.size());
  };
  const auto kind = DecodeClientMessage(bytes_of(builder));
  ASSERT_FALSE(kind.ok());
  EXPECT_NE(kind.status().message().find("kind of task 3"), absl::string_view::npos);

  capnp::MallocMessageBuilder group;
  group.initRoot<schema::ClientMessage>().initPlacementGroup().setStrategy(4);
  const auto strategy = DecodeClientMessage(bytes_of(group));
  ASSERT_FALSE(strategy.ok());
  EXPECT_NE(strategy.status().message().find("placement strategy 4"), absl::string_view::npos);

  capnp::MallocMessageBuilder hello;
  hello.initRoot<schema::ControlMessage>().initHello().setRole(3);
  const auto role = DecodeControlMessage(bytes_of(hello));
  ASSERT_FALSE(role.ok());
  EXPECT_NE(role.status().message().find("role 3"), absl::string_view::npos);

  // Of a newer peer: known to be an error, if not which.
  capnp::MallocMessageBuilder error;
  error.initRoot<schema::NodeMessage>().initLeaseRefused().initError().setKind(kErrorKinds);
  const auto refused = DecodeNodeMessage(bytes_of(error));
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(std::get<LeaseRefused>(*refused).error.kind, ErrorKind::kInternal);
}

// A list of elements without content takes a word, however many it has.
TEST(Wire, ListsOfNothingAreErrors) {
  constexpr unsigned kElements = 50'000;
  capnp::MallocMessageBuilder builder(2 * kElements);
  auto root = builder.initRoot<schema::ClientMessage>();
  root.initComplete();
  // Words that nothing looks at raise the bound on what may be read.
  builder.getOrphanage().newOrphan<capnp::Data>(8 * kElements);
  capnp::AnyStruct::Builder any{schema::ClientMessage::Builder(root)};
  for (unsigned i = 0; i < any.getPointerSection().size(); ++i) {
    any.getPointerSection()[i].initAsListOfAnyStruct(0, 0, kElements);
  }
  const auto segment = builder.getSegmentsForOutput()[0].asBytes();
  const Bytes bytes(reinterpret_cast<const std::byte*>(segment.begin()), segment.size());
  ASSERT_GT(bytes.size(), 8 * kElements);
  const size_t before = allocated_bytes;
  EXPECT_FALSE(DecodeClientMessage(bytes).ok());
  EXPECT_LT(allocated_bytes - before, 10'000u);
}

// After a change of the schema, run it with TROUPE_WRITE_CORPUS=DIRECTORY, which writes the corpora
// there (see README.md).
TYPED_TEST(WireTest, TheCorpusIsWhatTheSamplesAreEncodedTo) {
  const std::string kind = std::is_same_v<TypeParam, ClientMessage> ? "client"
                           : std::is_same_v<TypeParam, NodeMessage> ? "node"
                                                                    : "control";
  const char* write_to = std::getenv("TROUPE_WRITE_CORPUS");
  const std::filesystem::path directory =
      std::filesystem::path(write_to != nullptr ? write_to : "core/wire") /
      (kind + "_message_fuzz_corpus");
  if (write_to != nullptr) std::filesystem::create_directories(directory);
  Samples<TypeParam> samples = this->AllSamples();
  for (auto& [name, message] : PlainSamples<TypeParam>())
    samples.emplace_back("plain_" + name, std::move(message));
  for (const auto& [name, message] : samples) {
    const ExactCopy encoded = Encoded(message);
    const std::string bytes(reinterpret_cast<const char*>(encoded.bytes().data()),
                            encoded.bytes().size());
    if (write_to != nullptr) {
      std::ofstream(directory / name, std::ios::binary) << bytes;
    } else {
      std::ifstream file(directory / name, std::ios::binary);
      EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(file), {}) == bytes)
          << directory / name << " is not " << name << " as encoded today";
    }
  }
}

}  // namespace
}  // namespace troupe::wire

// Counted without being given back: the sum bounds the most that is held at a time.
void* operator new(size_t size) {
  troupe::wire::allocated_bytes += size;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
