// What a worker is given with a task: copies of what is small, grants on the rest.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/limits.h"
#include "core/base/location.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class ArgumentsTest : public CoreTest {
 protected:
  void Put(uint64_t sequence, const wire::Value& value) {
    ASSERT_TRUE(core_.Seal(kDriver, {ObjectId::Make(kDriver, sequence), value}).ok());
  }
  // A task that takes those objects of the driver.
  SendDispatch Dispatch(const std::vector<uint64_t>& arguments) {
    wire::TaskSpec spec = Spec(kDriver, 100);
    for (const uint64_t sequence : arguments)
      spec.arguments.push_back({ObjectId::Make(kDriver, sequence)});
    EXPECT_TRUE(Submit(kDriver, spec).ok());
    Perform();
    return *FindDispatch(spec.id);
  }
  bool IsGranted(const SendDispatch& dispatch, size_t argument) {
    return core_.objects().HasGrant(dispatch.values[argument].id, dispatch.worker);
  }
};

TEST_F(ArgumentsTest, WhatIsSmallIsCopiedAndTheRestGranted) {
  ASSERT_TRUE(core_.RequestLease(kDriver, 100'000).ok());
  Perform();
  const Location lease = leases_.back().space;
  Put(1, ValueOf("small"));
  Put(2, {Location{lease.chunk, lease.offset, 100'000}, {}});
  wire::Value container = ValueOf("a reference");
  container.refs = {ObjectId::Make(kDriver, 1)};
  Put(3, container);
  const SendDispatch dispatch = Dispatch({1, 2, 3, 1});
  ASSERT_EQ(dispatch.values.size(), 4u);
  for (const size_t small : {0, 3}) {
    EXPECT_TRUE(dispatch.values[small].copied);
    EXPECT_FALSE(IsGranted(dispatch, small));
  }
  for (const size_t other : {1, 2}) {
    EXPECT_FALSE(dispatch.values[other].copied) << other;
    EXPECT_TRUE(IsGranted(dispatch, other)) << other;
  }
}

TEST_F(ArgumentsTest, CopiesFitIntoAMessage) {
  const std::string bytes(Limits::kMaxInlineValueBytes, 'x');
  constexpr uint64_t kFit = Limits::kMaxInlineBytesPerMessage / Limits::kMaxInlineValueBytes;
  std::vector<uint64_t> all;
  for (uint64_t i = 1; i <= kFit + 1; ++i) {
    Put(i, ValueOf(bytes));
    all.push_back(i);
  }
  const SendDispatch dispatch = Dispatch(all);
  for (size_t i = 0; i < kFit; ++i) EXPECT_TRUE(dispatch.values[i].copied) << i;
  EXPECT_FALSE(dispatch.values[kFit].copied);
  EXPECT_TRUE(IsGranted(dispatch, kFit));
}

}  // namespace
}  // namespace troupe::scheduler
