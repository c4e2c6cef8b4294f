// What is lost is made again by running its task again, event by event.
#include "scheduler/core/lineage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/small_bytes.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

using objectstore::Residency;

constexpr uint64_t kBig = 1 << 20;  // of each stored result

class LineageTest : public CoreTest {
 protected:
  explicit LineageTest(uint64_t max_lineage_bytes = Limits::kMaxLineageBytes)
      : CoreTest(Core::Config{.total = ResourceSet::Cpus(2),
                              .store_bytes = uint64_t{16} << 20,
                              .spill = {{"/disk", uint64_t{1} << 40}},
                              .max_lineage_bytes = max_lineage_bytes}) {}

  static TaskId IdOf(uint64_t sequence) { return TaskId::Make(kDriver, sequence); }
  static ObjectId ResultOf(uint64_t sequence, uint32_t index = 0) {
    return ObjectId::Make(kDriver, sequence, index);
  }
  static wire::TaskSpec Taking(wire::TaskSpec spec, const std::vector<ObjectId>& arguments) {
    for (const ObjectId id : arguments) spec.arguments.push_back({id});
    return spec;
  }

  void Enter(const wire::TaskSpec& spec) {
    ASSERT_TRUE(Submit(spec.id.client(), spec).ok());
    Perform();
  }
  // Memory of `client`, of which an object is to be made.
  Location Lease(ClientId client) {
    leases_.clear();
    EXPECT_TRUE(core_.RequestLease(client, kBig).ok());
    Perform();
    EXPECT_EQ(leases_.size(), 1u);
    return {leases_.at(0).space.chunk, leases_.at(0).space.offset, kBig};
  }
  wire::Value Stored(TaskId task, std::vector<ObjectId> refs = {}) {
    return {Lease(FindDispatch(task)->worker), std::move(refs)};
  }
  void End(TaskId task, const decltype(wire::Complete::results)& values) {
    const SendDispatch dispatch = *FindDispatch(task);
    Begin(dispatch);
    ASSERT_TRUE(
        core_.Complete(dispatch.worker, {task, dispatch.attempt, dispatch.slot, values}).ok());
    Perform();
  }
  void EndStored(uint64_t sequence) { End(IdOf(sequence), {Stored(IdOf(sequence))}); }
  // Task `sequence` runs, with a result in the store.
  void RunStored(uint64_t sequence, const std::vector<ObjectId>& arguments = {}) {
    Enter(Taking(Spec(kDriver, sequence), arguments));
    EndStored(sequence);
  }
  void PutStored(uint64_t sequence) {
    ASSERT_TRUE(core_.Seal(kDriver, {ResultOf(sequence), {Lease(kDriver), {}}}).ok());
    Perform();
  }
  void Release(ObjectId id, ClientId client = kDriver) {
    ASSERT_TRUE(core_.Release(client, {{{id, 1}}}).ok());
    Perform();
  }

  // It goes to the disk, since others need the memory, and comes back damaged when it is fetched.
  void Lose(ObjectId id) {
    for (uint64_t filler = 900'000; !core_.objects().Find(id)->away(); ++filler) {
      ASSERT_LT(filler, 900'100u) << "it stays in memory";
      PutStored(filler);
      fillers_.push_back(ResultOf(filler));
    }
    for (const ObjectId filler : std::exchange(fillers_, {})) Release(filler);
    ready_.clear();
    ASSERT_TRUE(core_.Fetch(kDriver, {{id}}).ok());
    for (const Action& action : core_.TakeActions()) {
      if (const auto* restore = std::get_if<Restore>(&action))
        core_.RestoreEnded(restore->object, restore->place, Residency::Reading::kLost, "damaged");
    }
    Perform();
  }

  bool IsPending(ObjectId id) {
    const objectstore::Entry* entry = core_.objects().Find(id);
    return entry != nullptr && entry->pending();
  }
  bool IsStored(ObjectId id) {
    const objectstore::Entry* entry = core_.objects().Find(id);
    return entry != nullptr && entry->stored();
  }
  size_t DispatchesOf(uint64_t sequence) {
    size_t count = 0;
    for (const SendDispatch& dispatch : dispatches_) {
      const auto message = wire::DecodeClientMessage(dispatch.spec.bytes());
      count += std::get<wire::TaskSpec>(*message).id == IdOf(sequence);
    }
    return count;
  }
  // What is said of an object that stays lost.
  std::string LossOf(ObjectId id) {
    const ErrorInfo* error = ErrorOf(id);
    if (error == nullptr) return "it is not lost";
    EXPECT_EQ(error->kind, ErrorKind::kObjectLost);
    return error->message;
  }
  bool WasTold(ObjectId id) {
    return std::find(ready_.begin(), ready_.end(), std::pair(kDriver, id)) != ready_.end();
  }

  std::vector<ObjectId> fillers_;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(LineageTest, ALostResultIsMadeAgainAndWhoWaitsIsTold) {
  RunStored(1);
  EXPECT_EQ(core_.lineage().record_count(), 1u);
  Lose(ResultOf(1));
  EXPECT_TRUE(IsPending(ResultOf(1)));
  EXPECT_FALSE(WasTold(ResultOf(1))) << "before it is there";
  EXPECT_EQ(core_.rerun_count(), 1u);
  EXPECT_EQ(FindDispatch(IdOf(1))->attempt, 2u);
  EXPECT_SAYS(core_.Why(ResultOf(1)), "t-1.1 Work runs on");
  EXPECT_SAYS(core_.Story(ResultOf(1)), "to run again: 1 result of it must be made once more");
  EndStored(1);
  EXPECT_TRUE(IsStored(ResultOf(1)));
  EXPECT_TRUE(WasTold(ResultOf(1)));
  EXPECT_EQ(core_.rerun_count(), 0u);
  Release(ResultOf(1));
  EXPECT_TRUE(core_.lineage().empty());
}

TEST_F(LineageTest, AValueThatWasPutStaysLost) {
  PutStored(1);
  EXPECT_TRUE(core_.lineage().empty());
  Lose(ResultOf(1));
  EXPECT_TRUE(WasTold(ResultOf(1)));
  EXPECT_EQ(
      LossOf(ResultOf(1)),
      "o-1.1, made by Put, is lost: damaged; no task has made it: a value that was Put cannot "
      "be made again");
}

TEST_F(LineageTest, EachRunTakesARetryAndThenItStaysLost) {
  RunStored(1);  // max_retries is 1
  Lose(ResultOf(1));
  EndStored(1);
  EXPECT_EQ(core_.lineage().record_count(), 0u);
  Lose(ResultOf(1));
  EXPECT_SAYS(LossOf(ResultOf(1)), "made by Work, is lost");
  EXPECT_SAYS(LossOf(ResultOf(1)), "none of its max_retries is left");
  Release(ResultOf(1));
  EXPECT_TRUE(core_.lineage().empty());
}

TEST_F(LineageTest, WithRetriesWithoutEndItIsMadeAgainAndAgain) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_retries = -1;
  Enter(spec);
  EndStored(1);
  for (uint32_t attempt = 2; attempt < 6; ++attempt) {
    Lose(ResultOf(1));
    EXPECT_EQ(FindDispatch(IdOf(1))->attempt, attempt);
    EndStored(1);
  }
}

TEST_F(LineageTest, SmallResultsLeaveNothing) {
  Enter(Spec(kDriver, 1));
  End(IdOf(1), {ValueOf("12345678")});
  EXPECT_TRUE(core_.lineage().empty());
}

TEST_F(LineageTest, FreedArgumentsAreMadeAgainFirstToAnyDepth) {
  RunStored(1);
  for (uint64_t i = 2; i <= 5; ++i) {
    RunStored(i, {ResultOf(i - 1)});
    Release(ResultOf(i - 1));
    ASSERT_TRUE(core_.Release(FindDispatch(IdOf(i))->worker, {{{ResultOf(i - 1), 1}}}).ok());
    Perform();
    EXPECT_EQ(core_.objects().Find(ResultOf(i - 1)), nullptr) << "lineage keeps data alive";
  }
  EXPECT_EQ(core_.lineage().record_count(), 5u);
  Lose(ResultOf(5));
  EXPECT_EQ(core_.rerun_count(), 5u);
  EXPECT_EQ(DispatchesOf(2), 1u) << "it has its argument not yet";
  EXPECT_SAYS(core_.Why(ResultOf(5)), "waits for 1 of its 1 arguments");
  for (uint64_t i = 1; i <= 5; ++i) {
    ASSERT_EQ(DispatchesOf(i), 2u) << i;
    EndStored(i);
    if (i > 1) {
      ASSERT_TRUE(core_.Release(FindDispatch(IdOf(i))->worker, {{{ResultOf(i - 1), 1}}}).ok());
      Perform();
      EXPECT_EQ(core_.objects().Find(ResultOf(i - 1)), nullptr) << "what was made for it alone";
    }
  }
  EXPECT_TRUE(IsStored(ResultOf(5)));
  Release(ResultOf(5));
  EXPECT_TRUE(core_.lineage().empty());
}

TEST_F(LineageTest, AFreedPutEndsTheRecursionAndNothingBegins) {
  PutStored(1);
  RunStored(2, {ResultOf(1)});
  Release(ResultOf(1));
  ASSERT_TRUE(core_.Release(FindDispatch(IdOf(2))->worker, {{{ResultOf(1), 1}}}).ok());
  Perform();
  Lose(ResultOf(2));
  EXPECT_SAYS(LossOf(ResultOf(2)),
              "o-1.2, made by Work, is lost: damaged; o-1.1, which is needed "
              "to make it again, was freed, and no task has made it");
  EXPECT_EQ(core_.rerun_count(), 0u);
  EXPECT_EQ(DispatchesOf(2), 1u);
}

TEST_F(LineageTest, SmallArgumentsAreKept) {
  ASSERT_TRUE(core_.Seal(kDriver, {ResultOf(1), ValueOf("argument")}).ok());
  Enter(Spec(kDriver, 2));
  End(IdOf(2), {ValueOf("12345678")});
  RunStored(3, {ResultOf(1), ResultOf(2)});
  RunStored(4, {ResultOf(1)});
  for (const uint64_t i : {1, 2}) Release(ResultOf(i));
  EXPECT_NE(core_.objects().Find(ResultOf(1)), nullptr);
  Release(ResultOf(4));
  Lose(ResultOf(3));
  EXPECT_EQ(FindDispatch(IdOf(3))->attempt, 2u);
  EndStored(3);
  Release(ResultOf(3));
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(LineageTest, OfSeveralResultsOnlyTheLostOneIsMadeAgain) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.num_returns = 3;
  Enter(spec);
  End(IdOf(1), {Stored(IdOf(1)), Stored(IdOf(1)), ValueOf("12345678")});
  Release(ResultOf(1, 1));
  Lose(ResultOf(1));
  EXPECT_FALSE(IsPending(ResultOf(1, 2)));
  End(IdOf(1), {Stored(IdOf(1)), Stored(IdOf(1)), ValueOf("different")});
  EXPECT_TRUE(IsStored(ResultOf(1)));
  EXPECT_EQ(core_.objects().Find(ResultOf(1, 1)), nullptr) << "nobody wants it";
  const auto& again = std::get<SmallBytes>(core_.objects().Find(ResultOf(1, 2))->content());
  EXPECT_TRUE(std::ranges::equal(again.bytes(), SmallBytes("12345678").bytes()));
  EXPECT_EQ(core_.objects().bytes_stored() + core_.objects().bytes_away(), kBig);
}

TEST_F(LineageTest, ASecondLossJoinsTheRunThatIsUnderWay) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.num_returns = 2;
  Enter(spec);
  End(IdOf(1), {Stored(IdOf(1)), Stored(IdOf(1))});
  Lose(ResultOf(1));
  Lose(ResultOf(1, 1));
  EXPECT_EQ(core_.rerun_count(), 1u);
  EXPECT_EQ(FindDispatch(IdOf(1))->attempt, 2u);
  End(IdOf(1), {Stored(IdOf(1)), Stored(IdOf(1))});
  EXPECT_TRUE(IsStored(ResultOf(1)));
  EXPECT_TRUE(IsStored(ResultOf(1, 1)));
}

TEST_F(LineageTest, WhoWasToRunWithItWaits) {
  RunStored(1);
  Lose(ResultOf(1));
  Enter(Taking(Spec(kDriver, 2), {ResultOf(1)}));
  EXPECT_EQ(DispatchesOf(2), 0u);
  EndStored(1);
  EXPECT_EQ(DispatchesOf(2), 1u);
  EndStored(2);
}

TEST_F(LineageTest, ReadyTasksDoNotBlockWorkersUntilItIsThere) {
  RunStored(1);
  wire::TaskSpec all = Spec(kDriver, 2);  // of the machine: nothing else is dispatched
  all.cpu_units = 2 * kResourceUnit;
  Enter(all);
  ASSERT_EQ(DispatchesOf(2), 1u);
  Enter(Taking(Spec(kDriver, 3), {ResultOf(1)}));
  ASSERT_EQ(DispatchesOf(3), 0u);
  Lose(ResultOf(1));
  End(IdOf(2), {ValueOf("12345678")});
  EXPECT_EQ(DispatchesOf(1), 2u);
  EXPECT_EQ(DispatchesOf(3), 0u) << "it would only wait there";
  EndStored(1);
  EXPECT_EQ(DispatchesOf(3), 1u);
}

TEST_F(LineageTest, AValueMadeAgainHoldsWhatIsInsideItNow) {
  Enter(Spec(kDriver, 1));
  const ClientId first = FindDispatch(IdOf(1))->worker;
  const ObjectId before = ObjectId::Make(first, 1);
  ASSERT_TRUE(core_.Seal(first, {before, ValueOf("inside 1")}).ok());
  End(IdOf(1), {Stored(IdOf(1), {before})});
  Release(before, first);
  EXPECT_NE(core_.objects().Find(before), nullptr);
  Lose(ResultOf(1));
  EXPECT_EQ(core_.objects().Find(before), nullptr) << "the lost value has nothing any more";
  const ClientId second = FindDispatch(IdOf(1))->worker;
  const ObjectId after = ObjectId::Make(second, 7);
  ASSERT_TRUE(core_.Seal(second, {after, ValueOf("inside 2")}).ok());
  End(IdOf(1), {Stored(IdOf(1), {after})});
  Release(after, second);
  EXPECT_NE(core_.objects().Find(after), nullptr);
  ASSERT_TRUE(core_.Claim(kDriver, {ResultOf(1), 0, 1}).ok());
  Release(after);
  Release(ResultOf(1));
  EXPECT_EQ(core_.objects().count(), 0u);
}

// The argument is there only because the lost value had a reference to it.
TEST_F(LineageTest, WhatOnlyTheLostValueHeldIsThereForItsTask) {
  RunStored(1);
  Enter(Taking(Spec(kDriver, 2), {ResultOf(1)}));
  const ClientId worker = FindDispatch(IdOf(2))->worker;
  End(IdOf(2), {Stored(IdOf(2), {ResultOf(1)})});
  Release(ResultOf(1));
  Release(ResultOf(1), worker);
  Lose(ResultOf(2));
  EXPECT_TRUE(IsStored(ResultOf(1)));
  EXPECT_EQ(FindDispatch(IdOf(2))->attempt, 2u);
  End(IdOf(2), {ValueOf("12345678")});
}

TEST_F(LineageTest, ADeathInTheRunTakesTheRetriesThatAreLeft) {
  RunStored(1);
  Lose(ResultOf(1));
  const SendDispatch dispatch = *FindDispatch(IdOf(1));
  Begin(dispatch);
  core_.ProcessDied(ProcessOf(dispatch.worker), "killed", 1);
  Perform();
  ASSERT_NE(ErrorOf(ResultOf(1)), nullptr);
  EXPECT_EQ(ErrorOf(ResultOf(1))->kind, ErrorKind::kWorkerCrashed);
  EXPECT_TRUE(WasTold(ResultOf(1)));
}

TEST_F(LineageTest, ItCanBeCancelledAndThenItsOtherResultsAreNotMadeAgain) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.num_returns = 2;
  spec.max_retries = -1;
  Enter(spec);
  End(IdOf(1), {Stored(IdOf(1)), Stored(IdOf(1))});
  Lose(ResultOf(1));
  Begin(*FindDispatch(IdOf(1)));
  ASSERT_TRUE(core_.Cancel(kDriver, {ResultOf(1), false, true}).ok());
  Perform();
  EXPECT_EQ(ErrorOf(ResultOf(1))->kind, ErrorKind::kCancelled);
  EXPECT_TRUE(WasTold(ResultOf(1)));
  Lose(ResultOf(1, 1));
  EXPECT_SAYS(LossOf(ResultOf(1, 1)), "its task has run again, and did not end well");
  End(IdOf(1), {Stored(IdOf(1)), Stored(IdOf(1))});
  EXPECT_EQ(core_.objects().bytes_stored(), 0u);
}

TEST_F(LineageTest, ItsTimeoutCountsAnew) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.timeout_nanos = kSecond;
  Enter(spec);
  EndStored(1);
  core_.AdvanceTo(10 * kSecond);
  Lose(ResultOf(1));
  EXPECT_EQ(core_.Why(ResultOf(1)).find("DeadlineExceeded"), std::string::npos);
  EXPECT_EQ(FindDispatch(IdOf(1))->time_left_nanos, kSecond);
  core_.AdvanceTo(12 * kSecond);
  Perform();
  ASSERT_NE(ErrorOf(ResultOf(1)), nullptr);
  EXPECT_EQ(ErrorOf(ResultOf(1))->kind, ErrorKind::kDeadlineExceeded);
}

TEST_F(LineageTest, ATaskWithoutRetriesIsNotRunAgain) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.max_retries = 0;
  Enter(spec);
  EndStored(1);
  Lose(ResultOf(1));
  EXPECT_SAYS(LossOf(ResultOf(1)), "none of its max_retries is left");
}

TEST_F(LineageTest, ACallOfAnActorIsNotRunAgain) {
  wire::TaskSpec creation = Spec(kDriver, 1);
  creation.kind = wire::TaskKind::kActorCreation;
  creation.cpu_units = 0;
  Enter(creation);
  End(IdOf(1), {ValueOf("12345678")});
  wire::TaskSpec call = Spec(kDriver, 2);
  call.kind = wire::TaskKind::kActorCall;
  call.cpu_units = 0;
  call.actor = ResultOf(1);
  call.sequence = 1;
  Enter(call);
  EndStored(2);
  Lose(ResultOf(2));
  EXPECT_SAYS(LossOf(ResultOf(2)), "a call of an actor made it");
}

TEST_F(LineageTest, AnItemOfAStreamIsNotMadeAgain) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.stream_window = 4;
  Enter(spec);
  const SendDispatch dispatch = *FindDispatch(IdOf(1));
  Begin(dispatch);
  const wire::Value item = Stored(IdOf(1));
  ASSERT_TRUE(core_.StreamItem(dispatch.worker, {IdOf(1), 1, dispatch.slot, 0, item}).ok());
  Perform();
  End(IdOf(1), {ValueOf("12345678")});
  Lose(ResultOf(1, 1));
  EXPECT_SAYS(LossOf(ResultOf(1, 1)), "an item of a stream cannot be made again");
}

TEST_F(LineageTest, ItGoesWithItsJob) {
  RunStored(1);
  EXPECT_EQ(core_.lineage().record_count(), 1u);
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_TRUE(core_.lineage().empty());
}

TEST_F(LineageTest, NobodyMayMakeWhatMayBeMadeAgain) {
  wire::TaskSpec spec = Spec(kDriver, 1);
  spec.num_returns = 2;
  Enter(spec);
  End(IdOf(1), {Stored(IdOf(1)), Stored(IdOf(1))});
  Release(ResultOf(1, 1));
  EXPECT_EQ(core_.Seal(kDriver, {ResultOf(1, 1), ValueOf("12345678")}).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(core_.MakePromise(kDriver, {ResultOf(1, 5)}).code(), absl::StatusCode::kAlreadyExists);
  Release(ResultOf(1));
  EXPECT_TRUE(core_.Seal(kDriver, {ResultOf(1, 1), ValueOf("12345678")}).ok());
}

class BoundedLineageTest : public LineageTest {
 protected:
  BoundedLineageTest() : LineageTest(/*max_lineage_bytes=*/2'000) {}
};

TEST_F(BoundedLineageTest, TheOldestIsDroppedAndTheChainEndsThere) {
  RunStored(1);
  const uint64_t one = core_.lineage().bytes();
  ASSERT_GT(one, 0u);
  ASSERT_LT(one, 1'000u);
  for (uint64_t i = 2; i <= 50; ++i) {
    RunStored(i, {ResultOf(i - 1)});
    Release(ResultOf(i - 1));
    ASSERT_TRUE(core_.Release(FindDispatch(IdOf(i))->worker, {{{ResultOf(i - 1), 1}}}).ok());
    Perform();
    EXPECT_LE(core_.lineage().bytes(), 2'000u);
  }
  EXPECT_GT(core_.lineage().record_count(), 1u);
  EXPECT_LT(core_.lineage().record_count(), 20u);
  Lose(ResultOf(50));
  EXPECT_SAYS(LossOf(ResultOf(50)),
              "which is needed to make it again, was freed, and how it was "
              "made was forgotten: the node remembers at most 2.0 KiB");
  Release(ResultOf(50));
  EXPECT_TRUE(core_.lineage().empty());
}

}  // namespace
}  // namespace troupe::scheduler
