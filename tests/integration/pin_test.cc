// Values that are kept in memory, and values that are given up, on real processes.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"

namespace {

using std::chrono_literals::operator""s;
using troupe::testing::BecomesTrue;
using Numbers = troupe::Array<double>;

constexpr size_t kNumbers = 1'000'000;  // 8 MB

troupe::ObjectRef<Numbers> Make(double value) {
  troupe::Builder<double> builder = troupe::Create<double>(kNumbers);
  for (double& x : builder.span()) x = value;
  return builder.Seal();
}

troupe::ObjectState StateOf(troupe::ObjectId id) {
  for (const troupe::StoredObject& object : troupe::Memory().objects) {
    if (object.id == id) return object.state;
  }
  return troupe::ObjectState::kPending;
}

uint64_t StoredBytes() { return troupe::Memory(0).object_bytes; }

double First(const Numbers& numbers) { return numbers[0]; }

class Holder {
 public:
  void Hold(troupe::ObjectRef<Numbers> ref) { held_ = std::move(ref); }
  double Look() const { return troupe::Get(held_)[0]; }

 private:
  troupe::ObjectRef<Numbers> held_;
};

TEST(PinTest, APinnedValueStaysInMemoryAndLeavesWhenItIsNot) {
  const std::string directory = testing::TempDir() + "/pin_test_spill";
  std::filesystem::create_directories(directory);
  troupe::Cluster cluster = troupe::Init(
      {.workers = 1, .object_store_memory = int64_t{48} << 20, .spill_directories = {directory}});
  const troupe::ObjectRef<Numbers> kept = Make(1);
  troupe::Pinned pinned = troupe::Pin(kept);
  EXPECT_EQ(pinned.id(), kept.id());
  std::vector<troupe::ObjectRef<Numbers>> others;
  const auto make_others = [&] {
    for (int i = 0; i < 10; ++i) others.push_back(Make(i));
  };
  make_others();
  EXPECT_EQ(StateOf(kept.id()), troupe::ObjectState::kInMemory);
  EXPECT_EQ(StateOf(others[0].id()), troupe::ObjectState::kSpilled);
  pinned = troupe::Pin(others[1]);  // reads it back; the first one is not pinned any more
  EXPECT_EQ(StateOf(others[1].id()), troupe::ObjectState::kInMemory);
  make_others();
  EXPECT_EQ(StateOf(kept.id()), troupe::ObjectState::kSpilled);
  EXPECT_EQ(StateOf(others[1].id()), troupe::ObjectState::kInMemory);
  EXPECT_EQ(troupe::Get(kept)[kNumbers - 1], 1);
}

TEST(PinTest, SmallValuesAndFailuresArePinnedAsTheyAreGot) {
  troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::Pinned small = troupe::Pin(troupe::Put(5));
  EXPECT_FALSE(small.id().is_null());
  const auto fail = troupe::Task([]() -> int { throw std::runtime_error("no value"); });
  EXPECT_THROW((void)troupe::Pin(fail.Remote()), troupe::TaskError);
  const troupe::Promise<int> never;
  EXPECT_THROW((void)troupe::Pin(never.ref(), absl::ZeroDuration()), troupe::DeadlineExceeded);
  EXPECT_THROW((void)troupe::Pin(troupe::ObjectRef<int>()), troupe::InvalidArgument);
}

TEST(FreeTest, TheMemoryComesBackThoughReferencesStay) {
  troupe::Cluster cluster = troupe::Init({.workers = 1});
  const std::vector<troupe::ObjectRef<Numbers>> refs = {Make(1), Make(2)};
  const auto holder = troupe::Actor<Holder>().Remote();
  troupe::Get(holder.Task(&Holder::Hold).Remote(refs[0]));
  EXPECT_EQ(troupe::Get(holder.Task(&Holder::Look).Remote()), 1) << "it knows the place";
  EXPECT_EQ(troupe::Get(troupe::Task(First).Remote(refs[1])), 2);
  troupe::Free(refs);
  EXPECT_THROW((void)troupe::Get(refs[0]), troupe::ObjectLost);
  EXPECT_TRUE(BecomesTrue([] { return StoredBytes() < 100'000; }, 30s)) << StoredBytes();
  try {
    (void)troupe::Get(holder.Task(&Holder::Look).Remote());
    FAIL() << "what was freed is there";
  } catch (const troupe::Error& error) {
    EXPECT_NE(std::string(error.what()).find("was freed by Free"), std::string::npos)
        << error.what();
  }
  EXPECT_THROW((void)troupe::Get(troupe::Task(First).Remote(refs[1])), troupe::ObjectLost);
}

TEST(FreeTest, WhoLooksKeepsTheValueAndNobodyElse) {
  troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ObjectRef<Numbers> ref = Make(7);
  {
    const Numbers view = troupe::Get(ref);
    troupe::Free(ref);
    troupe::Free(ref);
    (void)troupe::Get(troupe::Put(1));  // the node has come to both
    for (size_t i = 0; i < view.size(); i += 511) ASSERT_EQ(view[i], 7);
    EXPECT_GT(StoredBytes(), 8 * kNumbers - 1);
  }
  EXPECT_TRUE(BecomesTrue([] { return StoredBytes() < 100'000; }, 30s)) << StoredBytes();
  EXPECT_THROW((void)troupe::Get(ref), troupe::ObjectLost);
}

TEST(FreeTest, WhatIsNotThereYetIsLostWhenItIs) {
  troupe::Cluster cluster = troupe::Init({.workers = 1});
  troupe::Promise<int> promise;
  const auto after = troupe::Task([](int x) { return x; }).Remote(promise.ref());
  troupe::Free(promise.ref());
  EXPECT_THROW((void)troupe::Get(std::vector{after}, absl::ZeroDuration()),
               troupe::DeadlineExceeded);
  promise.Set(5);
  EXPECT_THROW((void)troupe::Get(after), troupe::ObjectLost);
}

TEST(FreeTest, ReferencesToNothingAreRefused) {
  troupe::Cluster cluster = troupe::Init({.workers = 1});
  EXPECT_THROW(troupe::Free(troupe::ObjectRef<int>()), troupe::InvalidArgument);
  troupe::Free(std::vector<troupe::ObjectRef<int>>());
}

}  // namespace
