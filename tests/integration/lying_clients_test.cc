// Programs that break the protocol on purpose: the liar is cut off, a line of the log says why, and
// everybody else goes on.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/limits.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"
#include "tests/integration/raw_client.h"

namespace troupe::testing {
namespace {

int Square(int x) { return x * x; }

class LyingClients : public ::testing::Test {
 protected:
  // Everybody else: a driver that was there before the liar.
  void TearDown() override {
    EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(7)), 49) << "an honest driver is disturbed";
    EXPECT_EQ(troupe::Get(honest_), std::vector<int>(100'000, 5)) << "an honest object is lost";
  }
  void ExpectCutOff(RawClient& client, const std::string& reason) {
    EXPECT_TRUE(client.WaitForEnd());
    const std::string log = node_.Log();
    EXPECT_NE(log.find(reason), std::string::npos) << "nothing of '" << reason << "' in:\n" << log;
  }
  // An object of the client's own, of one word, inline.
  ObjectId Put(RawClient& client, const std::vector<ObjectId>& inside = {}) {
    const ObjectId id = ObjectId::Make(client.id(), next_++);
    EXPECT_TRUE(client.Send(wire::Seal{id, {wire::Bytes(kWord), inside}}));
    return id;
  }
  wire::TaskSpec Spec(RawClient& client) {
    wire::TaskSpec spec;
    spec.id = TaskId::Make(client.id(), next_++);
    spec.cpu_units = 10'000'000;  // more than there is: it never runs, and fails as infeasible
    return spec;
  }
  // The node leases memory.
  std::optional<Location> Lease(RawClient& client, uint64_t bytes) {
    EXPECT_TRUE(client.Send(wire::LeaseRequest{bytes}));
    std::optional<Location> space;
    bool refused = false;
    while (!space.has_value() && !refused) {
      if (!client.Receive([&](const wire::NodeMessage& message) {
            if (const auto* lease = std::get_if<wire::LeaseGranted>(&message)) space = lease->space;
            refused |= std::holds_alternative<wire::LeaseRefused>(message);
          })) {
        break;
      }
    }
    return space;
  }

  // The first message of that kind.
  template <typename Message>
  std::optional<Message> Await(RawClient& client) {
    std::optional<Message> found;
    while (!found.has_value() && client.Receive([&](const wire::NodeMessage& message) {
      if (const auto* wanted = std::get_if<Message>(&message)) found = *wanted;
    })) {
    }
    return found;
  }
  // A task that a lying worker answers; what its result becomes. Its driver stays: with it would go
  // the worker, whose further lies would come too late.
  wire::Value LieOfAWorker(std::string_view lie) {
    RawClient& driver = driver_of_liars_.emplace(node_.socket_path());
    const std::string variable = "TROUPE_LIE=" + std::string(lie);
    wire::Hello hello;
    hello.environment = {variable};
    EXPECT_TRUE(driver.Join(hello, BuiltProgram("TROUPE_LYING_WORKER")));
    wire::TaskSpec spec = Spec(driver);
    spec.cpu_units = 10'000;
    EXPECT_TRUE(driver.Send(spec) && driver.Send(wire::Subscribe{{spec.id.Result(0)}}));
    wire::Value result{wire::Pending{}, {}};
    while (std::holds_alternative<wire::Pending>(result.content)) {
      const std::optional<wire::Ready> ready = Await<wire::Ready>(driver);
      if (!ready.has_value()) break;
      for (const wire::ReadyValue& value : ready->values) {
        if (value.id == spec.id.Result(0)) result = value.value;
      }
    }
    return result;
  }
  void ExpectRefusedCompletion(std::string_view lie, const std::string& reason) {
    const wire::Value result = LieOfAWorker(lie);
    const auto* error = std::get_if<ErrorInfo>(&result.content);
    ASSERT_NE(error, nullptr) << "the lie was taken for a result";
    EXPECT_EQ(error->kind, ErrorKind::kWorkerCrashed) << error->ToString();
    ExpectLogged(reason);
  }
  void ExpectLogged(const std::string& reason) {
    EXPECT_TRUE(BecomesTrue([&] { return node_.Log().find(reason) != std::string::npos; },
                            std::chrono::seconds(60)))
        << "nothing of '" << reason << "' in:\n"
        << node_.Log();
  }
  // An object of the liar's in memory, of which it has been told the place.
  Location Pin(uint64_t bytes) {
    const std::optional<Location> lease = Lease(liar_, bytes);
    EXPECT_TRUE(lease.has_value());
    Location place = lease.value_or(Location{});
    place.size = bytes;
    const ObjectId id = ObjectId::Make(liar_.id(), next_++);
    EXPECT_TRUE(liar_.Send(wire::Seal{id, {place, {}}}) && liar_.Send(wire::Subscribe{{id}}));
    EXPECT_TRUE(Await<wire::Ready>(liar_).has_value());
    return place;
  }
  // What others do meanwhile: more than fits beside it goes to disk and comes back.
  void ExpectRoomForOthers() {
    std::vector<troupe::ObjectRef<std::vector<uint64_t>>> refs;
    for (uint64_t i = 0; i < 20; ++i)
      refs.push_back(troupe::Put(std::vector<uint64_t>(kQuarter / 4 / 8, i)));
    for (uint64_t i = 0; i < 20; ++i)
      EXPECT_EQ(troupe::Get(refs[i]), std::vector<uint64_t>(kQuarter / 4 / 8, i));
  }

  static constexpr uint64_t kQuarter = uint64_t{16} << 20;
  static constexpr std::array<std::byte, 8> kWord{};
  StandingNode node_{{"--workers=2", "--object_store_memory=64MiB",
                      "--spill_dir=" + std::string(std::getenv("TEST_TMPDIR"))}};
  const troupe::Cluster cluster_ = troupe::Init({.address = node_.address()});
  const troupe::ObjectRef<std::vector<int>> honest_ = troupe::Put(std::vector<int>(100'000, 5));
  RawClient liar_{node_.socket_path()};
  std::optional<RawClient> driver_of_liars_;
  const bool joined_ = liar_.Join();
  uint64_t next_ = 1;
};

TEST_F(LyingClients, UsesAnIdItWasNeverGranted) {
  wire::TaskSpec spec = Spec(liar_);
  spec.arguments.push_back({honest_.id()});
  ASSERT_TRUE(liar_.Send(spec));
  ExpectCutOff(liar_, "was never granted it");
}

TEST_F(LyingClients, PutsAnIdIntoAValueItWasNeverGranted) {
  Put(liar_, {honest_.id()});
  ExpectCutOff(liar_, "was never granted it");
}

TEST_F(LyingClients, AsksForWhatItWasNeverGranted) {
  ASSERT_TRUE(liar_.Send(wire::Subscribe{{honest_.id()}}));
  ExpectCutOff(liar_, "was never granted it");
}

TEST_F(LyingClients, MakesAnIdOfAnotherOne) {
  ASSERT_TRUE(liar_.Send(
      wire::Seal{ObjectId::Make(honest_.id().client(), 1'000'000), {wire::Bytes(kWord), {}}}));
  ExpectCutOff(liar_, "an id of another one");
}

TEST_F(LyingClients, ReleasesMoreThanItWasGranted) {
  const ObjectId mine = Put(liar_);
  ASSERT_TRUE(liar_.Send(wire::Release{{{mine, 2}}}));
  ExpectCutOff(liar_, "that it does not have");
}

TEST_F(LyingClients, ReleasesTwice) {
  const ObjectId mine = Put(liar_);
  ASSERT_TRUE(liar_.Send(wire::Release{{{mine, 1}}}));
  ASSERT_TRUE(liar_.Send(wire::Release{{{mine, 1}}}));
  ExpectCutOff(liar_, "that it does not have");
}

TEST_F(LyingClients, ReleasesAnothers) {
  ASSERT_TRUE(liar_.Send(wire::Release{{{honest_.id(), 1}}}));
  ExpectCutOff(liar_, "that it does not have");
}

TEST_F(LyingClients, SealsTwice) {
  const ObjectId mine = Put(liar_);
  ASSERT_TRUE(liar_.Send(wire::Seal{mine, {wire::Bytes(kWord), {}}}));
  ExpectCutOff(liar_, "makes " + mine.ToString() + " twice");
}

TEST_F(LyingClients, KeepsAPromiseTwice) {
  const ObjectId mine = ObjectId::Make(liar_.id(), next_++);
  ASSERT_TRUE(liar_.Send(wire::Promise{mine}));
  ASSERT_TRUE(liar_.Send(wire::Seal{mine, {wire::Bytes(kWord), {}}}));
  ASSERT_TRUE(liar_.Send(wire::Seal{mine, {wire::Bytes(kWord), {}}}));
  ExpectCutOff(liar_, "makes " + mine.ToString() + " twice");
}

TEST_F(LyingClients, KeepsAPromiseOfAnother) {
  const troupe::Promise<int> promise;
  ASSERT_TRUE(liar_.Send(wire::Seal{promise.ref().id(), {wire::Bytes(kWord), {}}}));
  ExpectCutOff(liar_, "an id of another one");
}

TEST_F(LyingClients, PromisesWhatAnotherMakes) {
  ASSERT_TRUE(liar_.Send(wire::Promise{ObjectId::Make(honest_.id().client(), 1'000'000)}));
  ExpectCutOff(liar_, "an id of another one");
}

TEST_F(LyingClients, SealsOutsideItsLease) {
  const std::optional<Location> lease = Lease(liar_, 1000);
  ASSERT_TRUE(lease.has_value());
  Location outside = *lease;
  outside.offset += lease->size - 64;
  outside.size = 128;
  ASSERT_TRUE(liar_.Send(wire::Seal{ObjectId::Make(liar_.id(), next_++), {outside, {}}}));
  ExpectCutOff(liar_, "which it has not leased");
}

TEST_F(LyingClients, SealsAnOverlappingRange) {
  const std::optional<Location> lease = Lease(liar_, 1000);
  ASSERT_TRUE(lease.has_value());
  Location first = *lease;
  first.size = 256;
  Location second = first;
  second.offset += 128;
  ASSERT_TRUE(liar_.Send(wire::Seal{ObjectId::Make(liar_.id(), next_++), {first, {}}}));
  ASSERT_TRUE(liar_.Send(wire::Seal{ObjectId::Make(liar_.id(), next_++), {second, {}}}));
  ExpectCutOff(liar_, "which it has not leased");
}

TEST_F(LyingClients, SealsAnUnalignedRange) {
  const std::optional<Location> lease = Lease(liar_, 1000);
  ASSERT_TRUE(lease.has_value());
  Location range = *lease;
  range.offset += 8;
  range.size = 64;
  ASSERT_TRUE(liar_.Send(wire::Seal{ObjectId::Make(liar_.id(), next_++), {range, {}}}));
  ExpectCutOff(liar_, "which it has not leased");
}

TEST_F(LyingClients, NamesAnUnknownChunk) {
  const Location nowhere{ChunkId(4'000'000), 0, 64};
  ASSERT_TRUE(liar_.Send(wire::Seal{ObjectId::Make(liar_.id(), next_++), {nowhere, {}}}));
  ExpectCutOff(liar_, "of chunk 4000000, which it has not leased");
}

TEST_F(LyingClients, GivesBackWhatItHasNotLeased) {
  ASSERT_TRUE(liar_.Send(wire::ReturnLease{{ChunkId(1), 0, 64}}));
  ExpectCutOff(liar_, "which it has not leased");
}

// No lie, but more than there can be: refused, and the connection goes on.
TEST_F(LyingClients, WantsMoreThanTheCap) {
  EXPECT_FALSE(Lease(liar_, uint64_t{1} << 62).has_value());
  EXPECT_FALSE(Lease(liar_, UINT64_MAX).has_value());
  EXPECT_TRUE(Lease(liar_, 1000).has_value());
}

TEST_F(LyingClients, AsksForALeaseOfNothing) {
  ASSERT_TRUE(liar_.Send(wire::LeaseRequest{0}));
  ExpectCutOff(liar_, "a lease of 0 bytes");
}

TEST_F(LyingClients, CompletesATaskAndIsNoWorker) {
  ASSERT_TRUE(liar_.Send(wire::Complete{TaskId::Make(liar_.id(), 1), 1, 0, {}}));
  ExpectCutOff(liar_, "completes a task and is no worker");
}

TEST_F(LyingClients, CompletesATaskThatItDoesNotHave) {
  ExpectRefusedCompletion("another task", "attempt 1, which it does not have");
}

TEST_F(LyingClients, CompletesATaskWithAStaleAttempt) {
  ExpectRefusedCompletion("a stale attempt", "attempt 0, which it does not have");
}

TEST_F(LyingClients, CompletesATaskInAnotherSlot) {
  ExpectRefusedCompletion("another slot", "attempt 1, which it does not have");
}

TEST_F(LyingClients, CompletesATaskWithTooManyResults) {
  ExpectRefusedCompletion("two results", "with 2 results instead of 1");
}

// The first one is no lie.
TEST_F(LyingClients, CompletesATaskTwice) {
  const wire::Value result = LieOfAWorker("twice");
  EXPECT_TRUE(std::holds_alternative<wire::Bytes>(result.content));
  ExpectLogged("attempt 1, which it does not have");
}

TEST_F(LyingClients, AnswersUnpinAndWasNeverAsked) {
  ASSERT_TRUE(liar_.Send(wire::Unpinned{{{honest_.id(), 1}}, {}}));
  ExpectCutOff(liar_, "agrees to forget where " + honest_.id().ToString() + " lies");
}

TEST_F(LyingClients, RefusesUnpinAndWasNeverAsked) {
  ASSERT_TRUE(liar_.Send(wire::Unpinned{{}, {{Put(liar_), 0}}}));
  ExpectCutOff(liar_, "refuses to forget where");
}

TEST_F(LyingClients, NeverAnswersUnpinWhileOthersWaitForMemory) {
  Pin(kQuarter);
  ExpectRoomForOthers();
  EXPECT_TRUE(Await<wire::Unpin>(liar_).has_value()) << "it was not asked";
}

// It has nearly all of the memory; whoever waits for some gets it when nobody has been heard of for
// half a minute.
TEST_F(LyingClients, NeverAnswersUnpinAndHasAllOfTheMemory) {
  for (int i = 0; i < 3; ++i) Pin(kQuarter);
  for (int i = 0; i < 10; ++i) Pin(kQuarter / 16);
  const std::vector<uint64_t> large(kQuarter / 8, 7);
  const troupe::ObjectRef<std::vector<uint64_t>> mine = troupe::Put(large);
  ExpectCutOff(liar_, "s whether its objects may leave memory, for which others wait");
  EXPECT_EQ(troupe::Get(mine), large);
}

// That it reads there cannot be seen: it reads what others have put there since, whom that does not
// harm. Readers' descriptors are for reading alone. To use the address in a message is a lie.
TEST_F(LyingClients, AgreesToUnpinAndGoesOnUsingTheAddress) {
  const Location place = Pin(kQuarter);
  const int chunk = liar_.Chunk(place.chunk);
  ASSERT_GE(chunk, 0);
  std::thread others([this] { ExpectRoomForOthers(); });
  const std::optional<wire::Unpin> unpin = Await<wire::Unpin>(liar_);
  EXPECT_TRUE(unpin.has_value() && liar_.Send(wire::Unpinned{unpin->pins, {}}));
  others.join();
  std::vector<char> bytes(place.size);
  const auto offset = static_cast<off_t>(place.offset);
  EXPECT_EQ(pread(chunk, bytes.data(), bytes.size(), offset), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(pwrite(chunk, bytes.data(), bytes.size(), offset), -1);
  ASSERT_TRUE(liar_.Send(wire::Seal{ObjectId::Make(liar_.id(), next_++), {place, {}}}));
  ExpectCutOff(liar_, "which it has not leased");
}

TEST_F(LyingClients, AgreesToUnpinTwice) {
  Pin(kQuarter);
  std::thread others([this] { ExpectRoomForOthers(); });
  const std::optional<wire::Unpin> unpin = Await<wire::Unpin>(liar_);
  EXPECT_TRUE(unpin.has_value() && liar_.Send(wire::Unpinned{unpin->pins, {}}) &&
              liar_.Send(wire::Unpinned{unpin->pins, {}}));
  others.join();
  ExpectCutOff(liar_, "or has said so before");
}

TEST_F(LyingClients, SuspendsACallAndIsNoActor) {
  ASSERT_TRUE(liar_.Send(wire::Suspend{TaskId::Make(liar_.id(), 1), 1, 0, Put(liar_), 0}));
  ExpectCutOff(liar_, "suspends t-");
}

TEST_F(LyingClients, ResumesACallAndIsNoActor) {
  ASSERT_TRUE(liar_.Send(wire::Resume{TaskId::Make(liar_.id(), 1), 1, 0}));
  ExpectCutOff(liar_, "resumes t-");
}

TEST_F(LyingClients, ClaimsFromAContainerThatItDoesNotHold) {
  ASSERT_TRUE(liar_.Send(wire::Claim{honest_.id(), 0, 1}));
  ExpectCutOff(liar_, "which it does not hold");
}

TEST_F(LyingClients, ClaimsMoreThanIsInside) {
  const ObjectId inner = Put(liar_);
  const ObjectId container = Put(liar_, {inner});
  ASSERT_TRUE(liar_.Send(wire::Claim{container, 0, 0xffffffff}));
  ExpectCutOff(liar_, "of the 1 in");
}

TEST_F(LyingClients, SubmitsATaskTwice) {
  const wire::TaskSpec spec = Spec(liar_);
  ASSERT_TRUE(liar_.Send(spec));
  ASSERT_TRUE(liar_.Send(spec));
  ExpectCutOff(liar_, "twice");
}

TEST_F(LyingClients, AsksForNoResultsOrTooMany) {
  wire::TaskSpec spec = Spec(liar_);
  spec.num_returns = 0;
  ASSERT_TRUE(liar_.Send(spec));
  ExpectCutOff(liar_, "asks for 0 results");
  RawClient second(node_.socket_path());
  ASSERT_TRUE(second.Join());
  spec = Spec(second);
  spec.num_returns = 0xffffffff;
  ASSERT_TRUE(second.Send(spec));
  ExpectCutOff(second, "asks for 4294967295 results");
}

TEST_F(LyingClients, AsksForANegativeCpu) {
  wire::TaskSpec spec = Spec(liar_);
  spec.cpu_units = -1;
  ASSERT_TRUE(liar_.Send(spec));
  ExpectCutOff(liar_, "a negative number of CPUs");
}

TEST_F(LyingClients, CallsWhatIsNoActor) {
  wire::TaskSpec spec = Spec(liar_);
  spec.kind = wire::TaskKind::kActorCall;
  spec.actor = Put(liar_);
  spec.sequence = 1;
  ASSERT_TRUE(liar_.Send(spec));
  ExpectCutOff(liar_, "is called and is no actor");
}

// Numbers that it has not reached, and the same one again.
TEST_F(LyingClients, ForgesASequenceNumber) {
  for (const std::vector<uint64_t>& numbers :
       {std::vector<uint64_t>{5}, std::vector<uint64_t>{1, 1}, std::vector<uint64_t>{1, 2, 1}}) {
    RawClient client(node_.socket_path());
    ASSERT_TRUE(client.Join());
    wire::TaskSpec creation = Spec(client);
    creation.kind = wire::TaskKind::kActorCreation;
    ASSERT_TRUE(client.Send(creation));
    for (const uint64_t number : numbers) {
      wire::TaskSpec call = Spec(client);
      call.kind = wire::TaskKind::kActorCall;
      call.actor = creation.id.Result(0);
      call.sequence = number;
      ASSERT_TRUE(client.Send(call));
    }
    ExpectCutOff(client, "a call with sequence number " + std::to_string(numbers.back()));
  }
}

TEST_F(LyingClients, StopsTheNodeAndIsNoTool) {
  ASSERT_TRUE(liar_.Send(wire::Stop{}));
  ExpectCutOff(liar_, "only a tool stops the node");
}

// The node keeps what a client does not read, up to a limit.
TEST_F(LyingClients, NeverReadsItsRing) {
  const ObjectId id = ObjectId::Make(liar_.id(), next_++);
  const std::vector<std::byte> value(Limits::kMaxInlineValueBytes);
  ASSERT_TRUE(liar_.Send(wire::Seal{id, {wire::Bytes(value), {}}}));
  const wire::Subscribe ask{std::vector<ObjectId>(1000, id)};
  const size_t rounds = 2 * Limits::kMaxOutboxBytes / value.size() / ask.ids.size();
  for (size_t i = 0; i < rounds && liar_.Send(ask); ++i) {
  }
  ExpectCutOff(liar_, "the peer does not read");
}

// Each is closed again, with whatever it brought.
TEST_F(LyingClients, SendsDescriptorsThatNobodyAskedFor) {
  const auto descriptors = [&] {
    int count = 0;
    DIR* directory = opendir(("/proc/" + std::to_string(node_.pid()) + "/fd").c_str());
    while (readdir(directory) != nullptr) ++count;
    closedir(directory);
    return count;
  };
  ASSERT_TRUE(joined_);
  const int before = descriptors();
  for (int i = 0; i < 20; ++i) {
    RawClient client(node_.socket_path());
    wire::Hello hello;
    hello.role = wire::Role::kDriver;
    const int many[] = {0, 0, 0, 0, 0, 0, 0, 0};
    ASSERT_TRUE(client.SendControl(hello, many));
    ExpectCutOff(client, "a driver brings 5 descriptors, not 8");
    // A tool brings none.
    RawClient tool(node_.socket_path());
    hello.role = wire::Role::kTool;
    ASSERT_TRUE(tool.SendControl(hello, many));
  }
  // Once is enough: the node opens files of its own, too, and for a moment.
  EXPECT_TRUE(BecomesTrue([&] { return descriptors() <= before; }, std::chrono::seconds(60)));
}

TEST_F(LyingClients, SpeaksAnotherVersionInMidStream) {
  wire::Hello hello;
  hello.version = wire::kVersion + 1;
  ASSERT_TRUE(liar_.SendControl(hello));
  ExpectCutOff(liar_, "a message on the socket after the handshake");
}

TEST_F(LyingClients, SaysThatItIsAWorker) {
  RawClient client(node_.socket_path());
  wire::Hello hello;
  hello.role = wire::Role::kWorker;
  hello.nonce = 1;
  ASSERT_TRUE(client.SendControl(hello));
  ExpectCutOff(client, "does not know its nonce");
}

// Those beyond the most that there may be are told so; whoever never says Hello is closed after a
// while, and then others may come again.
TEST_F(LyingClients, Opens10000Connections) {
  // Those that stay are more than the node takes; the others come and go.
  std::vector<std::unique_ptr<RawClient>> open;
  for (int i = 0; i < 10'000 || open.size() < 2'000; ++i) {
    auto client = std::make_unique<RawClient>(node_.socket_path());
    // Where the queue of the listener is full, the next one is tried.
    if (client->connected() && open.size() < 2'000) open.push_back(std::move(client));
  }
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(3)), 9);
  for (const auto& client : open) EXPECT_TRUE(client->WaitForEnd());
  EXPECT_NE(node_.Log().find("programs are connected"), std::string::npos);
  EXPECT_TRUE(node_.Serves());
}

}  // namespace
}  // namespace troupe::testing
