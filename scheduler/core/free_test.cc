// Objects that are freed though somebody has references, event by event.
#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>

#include "core/base/location.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

constexpr ClientId kOther = ClientId(2);

class FreeTest : public CoreTest {
 protected:
  FreeTest() { core_.DriverJoined(kOther, JobId(2)); }

  void Free(ObjectId id) {
    ASSERT_TRUE(core_.Free(kDriver, {{id}}).ok());
    Perform();
  }
  // In the store; its maker knows where.
  ObjectId Stored(uint64_t sequence) {
    EXPECT_TRUE(core_.RequestLease(kDriver, 100'000).ok());
    Perform();
    const Location lease = leases_.back().space;
    const ObjectId id = ObjectId::Make(kDriver, sequence);
    EXPECT_TRUE(core_.Seal(kDriver, {id, {Location{lease.chunk, lease.offset, 100'000}, {}}}).ok());
    return id;
  }
  bool IsLost(ObjectId id) {
    const ErrorInfo* error = ErrorOf(id);
    return error != nullptr && error->kind == ErrorKind::kObjectLost &&
           error->message.find("was freed by Free") != std::string::npos;
  }
};

TEST_F(FreeTest, ASmallValueIsLostAtOnce) {
  const ObjectId inner = ObjectId::Make(kDriver, 1), id = ObjectId::Make(kDriver, 2);
  ASSERT_TRUE(core_.Seal(kDriver, {inner, ValueOf("inside")}).ok());
  wire::Value value = ValueOf("a value");
  value.refs = {inner};
  ASSERT_TRUE(core_.Seal(kDriver, {id, value}).ok());
  const uint64_t before = core_.objects().bytes_inline();
  Free(id);
  EXPECT_TRUE(IsLost(id));
  EXPECT_LT(core_.objects().bytes_inline(), before);
  Free(id);  // twice is once
  // What was inside can still be claimed by who was told of it before.
  EXPECT_TRUE(core_.Claim(kDriver, {id, 0, 1}).ok());
  ASSERT_TRUE(core_.Release(kDriver, {{{id, 1}, {inner, 2}}}).ok());
  Perform();
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(FreeTest, AStoredValueGivesItsMemoryBackOnceItsReadersForgetThePlace) {
  const ObjectId id = Stored(1);
  ASSERT_GE(core_.space().sealed_bytes(), 100'000u);
  Free(id);  // who is asked for the place forgets it (core_fixture.h)
  EXPECT_TRUE(IsLost(id));
  EXPECT_EQ(core_.space().sealed_bytes(), 0u);
  EXPECT_EQ(core_.objects().bytes_stored(), 0u);
}

TEST_F(FreeTest, WhoLooksKeepsIt) {
  const ObjectId id = Stored(1);
  ASSERT_TRUE(core_.Free(kDriver, {{id}}).ok());
  const auto asked = [&] {
    wire::Pin pin;
    for (const Action& action : core_.TakeActions()) {
      if (const auto* unpin = std::get_if<SendUnpin>(&action)) pin = unpin->pins.at(0);
    }
    return pin;
  };
  const wire::Pin first = asked();
  ASSERT_EQ(first.id, id);
  ASSERT_TRUE(core_.Unpinned(kDriver, {{}, {first}}).ok());
  EXPECT_EQ(ErrorOf(id), nullptr) << "somebody looks at it";
  // It is told again before the last view goes, so that the agreement is to an old question.
  core_.LocationTold(id, kDriver);
  ASSERT_TRUE(core_.Unpinned(kDriver, {{first}, {}}).ok());
  EXPECT_EQ(ErrorOf(id), nullptr);
  const wire::Pin second = asked();
  ASSERT_EQ(second.id, id) << "nobody is asked again";
  ASSERT_TRUE(core_.Unpinned(kDriver, {{second}, {}}).ok());
  EXPECT_TRUE(IsLost(id));
  EXPECT_EQ(core_.space().sealed_bytes(), 0u);
  core_.CheckInvariants();
}

TEST_F(FreeTest, WhatIsNotThereYetIsLostWhenItIs) {
  const wire::TaskSpec maker = Spec(kDriver, 1);
  ASSERT_TRUE(Submit(kDriver, maker).ok());
  wire::TaskSpec taker = Spec(kDriver, 2);
  taker.arguments.push_back({maker.id.Result(0)});
  ASSERT_TRUE(Submit(kDriver, taker).ok());
  Perform();
  Free(maker.id.Result(0));
  EXPECT_EQ(ErrorOf(maker.id.Result(0)), nullptr) << "its task goes on";
  ASSERT_TRUE(Complete(maker.id, ValueOf("late")).ok());
  Perform();
  EXPECT_TRUE(IsLost(maker.id.Result(0)));
  EXPECT_TRUE(IsLost(taker.id.Result(0))) << "with the cause of its argument";
}

TEST_F(FreeTest, OnlyWhoHasAReferenceFrees) {
  const ObjectId id = ObjectId::Make(kDriver, 1);
  ASSERT_TRUE(core_.Seal(kDriver, {id, ValueOf("mine")}).ok());
  const absl::Status status = core_.Free(kOther, {{id}});
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrorOf(id), nullptr);
}

}  // namespace
}  // namespace troupe::scheduler
