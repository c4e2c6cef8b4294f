// What is left of a message that was refused: nothing that outlives its sender. Found by
// core_fuzz_test, or beside what it found.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/limits.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class LiesTest : public CoreTest {
 protected:
  using CoreTest::CoreTest;
  Location LeaseOf(ClientId client) {
    EXPECT_TRUE(core_.RequestLease(client, 4096).ok());
    Perform();
    return leases_.back().space;
  }
  // An object of the driver's, of which the driver knows the place.
  ObjectId Stored(uint64_t sequence) {
    Location place = LeaseOf(kDriver);
    place.size = 64;
    const ObjectId id = ObjectId::Make(kDriver, sequence);
    EXPECT_TRUE(core_.Seal(kDriver, {id, {place, {}}}).ok());
    return id;
  }
};

TEST_F(LiesTest, AToolPromisesNothing) {
  constexpr ClientId kTool = ClientId(2);
  core_.ToolJoined(kTool);
  EXPECT_FALSE(core_.MakePromise(kTool, {ObjectId::Make(kTool, 1)}).ok());
  Perform();
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(LiesTest, ADetachedActorThatWasRefusedKeepsNoJob) {
  for (const bool groups : {false, true}) {
    wire::TaskSpec spec = Spec(kDriver, groups ? 1 : 2);
    spec.kind = wire::TaskKind::kActorCreation;
    spec.detached = true;
    if (groups) {
      spec.concurrency_groups = {{"io", 0}};
    } else {
      spec.num_returns = 2;
    }
    EXPECT_FALSE(Submit(kDriver, spec).ok());
  }
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.actor_count(), 0u);
  EXPECT_EQ(core_.job_count(), 0u);
}

// No lie, but found by the same means: the actor dies without ever having had a process.
TEST_F(LiesTest, ADetachedActorWhoseArgumentIsLostKeepsNoJob) {
  const ObjectId promise = ObjectId::Make(kDriver, 1);
  ASSERT_TRUE(core_.MakePromise(kDriver, {promise}).ok());
  wire::TaskSpec spec = Spec(kDriver, 2);
  spec.kind = wire::TaskKind::kActorCreation;
  spec.detached = true;
  spec.actor_name = "ann";
  spec.arguments.push_back({promise});
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.actor_count(), 0u);
  EXPECT_EQ(core_.job_count(), 0u);
}

TEST_F(LiesTest, ASealThatWasRefusedTakesNoMemory) {
  const Location place = LeaseOf(kDriver);
  const ObjectId never_granted = ObjectId::Make(ClientId(9), 1);
  EXPECT_FALSE(core_.Seal(kDriver, {ObjectId::Make(kDriver, 1), {place, {never_granted}}}).ok());
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.space().sealed_bytes(), 0u);
}

// The process that lied is killed, and the task runs again in another one.
TEST_F(LiesTest, AnItemThatWasRefusedMayBeYieldedByTheNextAttempt) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.stream_window = 4;
  ASSERT_TRUE(Submit(kDriver, spec).ok());
  Perform();
  const SendDispatch first = *FindDispatch(spec.id);
  Begin(first);
  const Location not_leased{ChunkId(7), 0, 64};
  EXPECT_FALSE(
      core_.StreamItem(first.worker, {spec.id, first.attempt, first.slot, 0, {not_leased, {}}})
          .ok());
  core_.CheckInvariants();
  core_.ProcessDied(ProcessOf(first.worker), "killed by signal 9", 7);
  Perform();
  const SendDispatch second = *FindDispatch(spec.id);
  Begin(second);
  EXPECT_TRUE(
      core_.StreamItem(second.worker, {spec.id, second.attempt, second.slot, 0, ValueOf("item")})
          .ok());
  EXPECT_TRUE(Complete(spec.id, ValueOf("the end ")).ok());
  Perform();
}

TEST_F(LiesTest, ATaskWhoseSecondResultExistsLeavesNothing) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.num_returns = 2;
  ASSERT_TRUE(core_.MakePromise(kDriver, {spec.id.Result(1)}).ok());
  EXPECT_FALSE(Submit(kDriver, spec).ok());
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(LiesTest, OneMessageMakesABoundedNumberOfObjects) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.num_returns = Limits::kMaxReturns + 1;
  EXPECT_TRUE(absl::IsInvalidArgument(Submit(kDriver, spec)));
  EXPECT_EQ(core_.objects().count(), 0u);
  spec.num_returns = Limits::kMaxReturns;
  EXPECT_TRUE(Submit(kDriver, spec).ok());
  EXPECT_EQ(core_.objects().count(), Limits::kMaxReturns);
}

TEST_F(LiesTest, AnAnswerToNoQuestionIsRefused) {
  const wire::Pin not_asked{Stored(1), 1};
  EXPECT_TRUE(absl::IsPermissionDenied(core_.Unpinned(kDriver, {{not_asked}, {}})));
  EXPECT_TRUE(absl::IsPermissionDenied(core_.Unpinned(kDriver, {{}, {not_asked}})));
}

// An honest client agrees to what has gone while the question was under way, once.
TEST_F(LiesTest, AnAnswerMayComeAfterItsObjectHasGone) {
  const wire::Pin asked{Stored(1), 1};
  silent_.insert(kDriver);
  ASSERT_TRUE(core_.Free(kDriver, {{asked.id}}).ok());
  Perform();
  ASSERT_TRUE(core_.Release(kDriver, {{{asked.id, 1}}}).ok());
  Perform();
  EXPECT_EQ(core_.objects().count(), 0u);
  EXPECT_TRUE(core_.Unpinned(kDriver, {{asked}, {}}).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(core_.Unpinned(kDriver, {{asked}, {}})));
}

// An error's text counts to no limit, and so is short.
TEST_F(LiesTest, AnErrorIsNotKeptWhateverItsLength) {
  const auto sealed = [&](uint64_t number, const ErrorInfo& error) {
    const ObjectId id = ObjectId::Make(kDriver, number);
    EXPECT_TRUE(core_.Seal(kDriver, {id, {error, {}}}).ok());
    return *std::get<std::shared_ptr<const ErrorInfo>>(core_.objects().Find(id)->content());
  };
  ErrorInfo error{.kind = ErrorKind::kTaskError, .message = std::string(50'000, 'm')};
  error.payload = std::string(10'000, 'p');
  EXPECT_EQ(sealed(1, error), error);
  error.message.append(50'000'000, 'n').append("the end");
  const ErrorInfo kept = sealed(2, error);
  EXPECT_EQ(kept.kind, ErrorKind::kTaskError);
  EXPECT_LT(kept.message.size(), 50'000u);
  EXPECT_EQ(kept.message.substr(0, 10), "mmmmmmmmmm");
  EXPECT_NE(kept.message.find("an error of 50060007 B"), std::string::npos);
  EXPECT_TRUE(kept.message.ends_with("nnnthe end"));
  EXPECT_TRUE(kept.payload.empty());
}

TEST_F(LiesTest, NobodyQueuesForMemoryWithoutEnd) {
  EXPECT_TRUE(core_.RequestLease(kDriver, kStoreBytes).ok());  // the others wait behind it
  for (size_t i = 0; i < Limits::kMaxClientLeaseRequests; ++i)
    ASSERT_TRUE(core_.RequestLease(kDriver, kStoreBytes).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(core_.RequestLease(kDriver, 1)));
}

// A client that goes on and on; another driver is there.
class FloodsTest : public LiesTest {
 protected:
  static constexpr ClientId kOther = ClientId(2);
  static constexpr uint64_t kMaxObjects = 10;
  static constexpr uint64_t kMaxBytes = 10'000;

  FloodsTest()
      : LiesTest({.total = ResourceSet::Cpus(2),
                  .store_bytes = kStoreBytes,
                  .max_client_objects = kMaxObjects,
                  .max_client_bytes = kMaxBytes}) {
    core_.DriverJoined(kOther, JobId(2));
  }
  ~FloodsTest() override {
    const ObjectId honest = ObjectId::Make(kOther, 1);
    EXPECT_TRUE(core_.Seal(kOther, {honest, ValueOf("12345678")}).ok());
    EXPECT_EQ(ErrorOf(honest), nullptr) << "another one is disturbed";
    core_.DriverLeft(kDriver);
    core_.DriverLeft(kOther);
    Perform();
    EXPECT_EQ(core_.objects().count(), 0u);
  }
  void ExpectExhausted(ObjectId id, const std::string& part) {
    const ErrorInfo* error = ErrorOf(id);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->kind, ErrorKind::kResourceExhausted);
    EXPECT_NE(error->message.find(part), std::string::npos) << error->message;
  }
};

TEST_F(FloodsTest, OfTinyPutsFailAndThenEndTheClient) {
  absl::Status status;
  uint64_t sealed = 0;
  for (; status.ok() && sealed < 100; ++sealed)
    status = core_.Seal(kDriver, {ObjectId::Make(kDriver, sealed + 1), ValueOf("12345678")});
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(sealed, 2 * kMaxObjects + 1);
  EXPECT_EQ(ErrorOf(ObjectId::Make(kDriver, kMaxObjects)), nullptr);
  ExpectExhausted(ObjectId::Make(kDriver, kMaxObjects + 1), "may have 10: drop references");
}

TEST_F(FloodsTest, OfPromisesEndTheClient) {
  absl::Status status;
  uint64_t made = 0;
  for (; status.ok() && made < 100; ++made)
    status = core_.MakePromise(kDriver, {ObjectId::Make(kDriver, made + 1)});
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(made, 2 * kMaxObjects + 1);
}

TEST_F(FloodsTest, OfSubmissionsFail) {
  for (uint64_t i = 1; i <= kMaxObjects + 1; ++i)
    ASSERT_TRUE(Submit(kDriver, Spec(kDriver, i)).ok());
  EXPECT_EQ(ErrorOf(TaskId::Make(kDriver, kMaxObjects).Result(0)), nullptr);
  ExpectExhausted(TaskId::Make(kDriver, kMaxObjects + 1).Result(0), "may have 10");
  // What is given back may be used again.
  for (const uint64_t i : {kMaxObjects, kMaxObjects + 1})
    ASSERT_TRUE(core_.Release(kDriver, {{{TaskId::Make(kDriver, i).Result(0), 1}}}).ok());
  core_.CheckInvariants();
}

TEST_F(FloodsTest, OfBytesFail) {
  const std::string large(6'000, 'x');
  const ObjectId first = ObjectId::Make(kDriver, 1);
  const ObjectId second = ObjectId::Make(kDriver, 2);
  ASSERT_TRUE(core_.Seal(kDriver, {first, ValueOf(large)}).ok());
  ASSERT_TRUE(core_.Seal(kDriver, {second, ValueOf(large)}).ok());
  EXPECT_EQ(ErrorOf(first), nullptr);
  ExpectExhausted(second, "take 11.7 KiB, and may take 9.8 KiB");
  ASSERT_TRUE(core_.Release(kDriver, {{{first, 1}}}).ok());
  const ObjectId third = ObjectId::Make(kDriver, 3);
  ASSERT_TRUE(core_.Seal(kDriver, {third, ValueOf(large)}).ok());
  EXPECT_EQ(ErrorOf(third), nullptr) << "what was given back may be used again";
}

// Ids inside values take memory, too.
TEST_F(FloodsTest, OfReferencesFail) {
  const ObjectId inner = ObjectId::Make(kDriver, 1);
  ASSERT_TRUE(core_.Seal(kDriver, {inner, ValueOf("12345678")}).ok());
  const std::vector<ObjectId> many(1'000, inner);
  const ObjectId outer = ObjectId::Make(kDriver, 2);
  ASSERT_TRUE(core_.Seal(kDriver, {outer, {wire::Bytes(), many}}).ok());
  ExpectExhausted(outer, "drop references");
}

// Who is told a place again and again, and is asked each time whether it may be forgotten.
TEST_F(FloodsTest, OfOpenQuestionsEndTheClient) {
  const ObjectId id = Stored(1);
  silent_.insert(kDriver);
  uint64_t asked = 0;
  for (; cut_off_.empty() && asked < 100; ++asked) {
    core_.LocationTold(id, kDriver);
    ASSERT_TRUE(core_.Free(kDriver, {{id}}).ok());
    Perform();
  }
  EXPECT_EQ(asked, 2 * kMaxObjects + 1);
  ASSERT_EQ(cut_off_.size(), 1u);
  EXPECT_EQ(cut_off_[0].client, kDriver);
}

// A worker makes the results, and they are kept for the driver that asked for them.
TEST_F(FloodsTest, OfResultsFail) {
  const std::string large(6'000, 'x');
  for (uint64_t i = 1; i <= 2; ++i) ASSERT_TRUE(Submit(kDriver, Spec(kDriver, i)).ok());
  Perform();
  for (uint64_t i = 1; i <= 2; ++i)
    ASSERT_TRUE(Complete(TaskId::Make(kDriver, i), ValueOf(large)).ok());
  EXPECT_EQ(ErrorOf(TaskId::Make(kDriver, 1).Result(0)), nullptr);
  ExpectExhausted(TaskId::Make(kDriver, 2).Result(0), "the small values and unfinished tasks of");
}

}  // namespace
}  // namespace troupe::scheduler
