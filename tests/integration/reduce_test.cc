// MapReduce and TreeReduce on real processes.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/conditions.h"
#include "tests/integration/mapping.h"

namespace {

using troupe::testing::Breaking;
using troupe::testing::Eventually;
using troupe::testing::Exists;
using troupe::testing::FailsOnThirteen;
using troupe::testing::FirstFails;
using troupe::testing::Joined;
using troupe::testing::Lazy;
using troupe::testing::Naturals;
using troupe::testing::NewPath;
using troupe::testing::Square;
using troupe::testing::Touch;
using troupe::testing::UntilStopped;
using troupe::testing::UpTo;
using ReduceTest = troupe::testing::MappingTest;

std::vector<int> AddedUp(std::vector<int> a, const std::vector<int>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

TEST_F(ReduceTest, MapReduceKeepsTheOrder) {
  EXPECT_EQ(troupe::MapReduce(Square, std::plus<>(), UpTo(1000)), 332'833'500);
  const auto text = [](int i) { return std::to_string(i) + " "; };
  std::string expected;
  for (int i = 0; i < 300; ++i) expected += text(i);
  EXPECT_EQ(troupe::MapReduce(text, Joined, UpTo(300), {.chunk = 7}), expected);
  const auto scaled = troupe::Bind([](int factor, int x) { return factor * x; }, 2);
  EXPECT_EQ(troupe::MapReduce(scaled, std::plus<int>(), UpTo(10)), 90);
  EXPECT_THROW((void)troupe::MapReduce(Square, std::plus<>(), std::vector<int>()),
               troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::MapReduce(FailsOnThirteen, std::plus<>(), UpTo(100)),
               troupe::TaskError);
}

TEST_F(ReduceTest, WhatEndsAMapReduceEarlyCancelsTheRest) {
  const auto first_fails = troupe::Bind(FirstFails, NewPath("another_runs"));
  const auto wait = [](int) { return UntilStopped(); };
  const auto itself = [](int i) { return i; };
  EXPECT_THROW((void)troupe::MapReduce(first_fails, std::plus<int>(), UpTo(20), {.chunk = 1}),
               troupe::TaskError);
  ExpectFreeWorkers();
  EXPECT_THROW((void)troupe::MapReduce(wait, std::plus<int>(), Lazy(20, Breaking), {.chunk = 1}),
               std::out_of_range);
  ExpectFreeWorkers();
  const troupe::MapOptions brief = {.timeout = absl::Milliseconds(100), .chunk = 1};
  EXPECT_THROW((void)troupe::MapReduce(wait, std::plus<int>(), UpTo(20), brief),
               troupe::DeadlineExceeded);
  ExpectFreeWorkers();
  // The folds that are under way, too.
  const auto fold_waits = [](int, int) { return UntilStopped(); };
  EXPECT_THROW((void)troupe::MapReduce(itself, fold_waits, UpTo(4), brief),
               troupe::DeadlineExceeded);
  ExpectFreeWorkers();
  const auto some_fold_fails = [](int a, int b) {
    if (a == 0) throw std::invalid_argument("a fold");
    return a + b > 0 ? UntilStopped() : 0;
  };
  EXPECT_THROW((void)troupe::MapReduce(itself, some_fold_fails, UpTo(4), {.chunk = 1}),
               troupe::TaskError);
  ExpectFreeWorkers();
  EXPECT_THROW((void)troupe::MapReduce(itself, fold_waits, Lazy(20, Breaking), {.chunk = 1}),
               std::out_of_range);
  ExpectFreeWorkers();
}

TEST_F(ReduceTest, TreeReduceFoldsReferences) {
  std::vector<troupe::ObjectRef<std::string>> letters;
  for (char c = 'a'; c <= 'g'; ++c) letters.push_back(troupe::Put(std::string(1, c)));
  EXPECT_EQ(troupe::Get(troupe::TreeReduce(Joined, letters)), "abcdefg");
  EXPECT_THROW((void)troupe::TreeReduce(Joined, std::vector<troupe::ObjectRef<std::string>>()),
               troupe::InvalidArgument);
}

TEST_F(ReduceTest, TreeReduceFoldsValues) {
  EXPECT_EQ(troupe::Get(troupe::TreeReduce(std::plus<>(), UpTo(1000))), 499'500);
  EXPECT_EQ(troupe::Get(troupe::TreeReduce(std::plus<>(), std::vector{7})), 7);
  const auto text = [](int i) { return std::to_string(i) + " "; };
  std::string expected;
  for (int i = 0; i < 10'000; ++i) expected += text(i);
  EXPECT_EQ(troupe::Get(troupe::TreeReduce(Joined, Lazy(10'000, text))), expected);
  EXPECT_THROW((void)troupe::TreeReduce(Joined, std::vector<std::string>()),
               troupe::InvalidArgument);
}

// As what is mapped may.
TEST_F(ReduceTest, TheReductionMayBeBound) {
  const auto with_text =
      troupe::Bind([](std::string_view between, const std::string& a,
                      const std::string& b) { return a + std::string(between) + b; },
                   "-");
  const auto text = troupe::Bind(
      [](const std::string& before, int i) { return before + std::to_string(i); }, "n");
  std::string expected = "n0";
  for (int i = 1; i < 100; ++i) expected += "-n" + std::to_string(i);
  EXPECT_EQ(troupe::MapReduce(text, with_text, UpTo(100), {.chunk = 7}), expected);
  const std::vector<std::string> letters = {"a", "b", "c"};
  EXPECT_EQ(troupe::Get(troupe::TreeReduce(with_text, letters)), "a-b-c");
  std::vector<troupe::ObjectRef<std::string>> refs;
  for (const std::string& letter : letters) refs.push_back(troupe::Put(letter));
  EXPECT_EQ(troupe::Get(troupe::TreeReduce(with_text, refs)), "a-b-c");
}

TEST_F(ReduceTest, WhatEndsATreeReduceEarlyCancelsTheRest) {
  const auto fold_waits = [](int, int) { return UntilStopped(); };
  EXPECT_THROW((void)troupe::TreeReduce(fold_waits, Lazy(20, Breaking)), std::out_of_range);
  ExpectFreeWorkers();
  const auto put = [](int i) { return troupe::Put(Breaking(i)); };
  EXPECT_THROW((void)troupe::TreeReduce(fold_waits, Lazy(20, put)), std::out_of_range);
  ExpectFreeWorkers();
  // A failure ends the reading of a range that has no end, and is the result.
  const auto refuses = [](int, int) -> int { throw std::invalid_argument("a fold"); };
  Naturals naturals;
  EXPECT_THROW((void)troupe::Get(troupe::TreeReduce(refuses, naturals)), troupe::TaskError);
  ExpectFreeWorkers();
  const auto some = [](int i) { return troupe::Put(i); };
  EXPECT_THROW((void)troupe::Get(troupe::TreeReduce(refuses, Lazy(1'000'000'000, some))),
               troupe::TaskError);
  ExpectFreeWorkers();
}

// References that are made as they are read: no more of them than there is room for.
TEST_F(ReduceTest, TreeReduceWaitsForWhatItHasRead) {
  const std::string gate = NewPath("gate");
  const auto wait = [](const std::string& path) {
    return Eventually([&] { return Exists(path); }) ? 1 : 0;
  };
  const troupe::ObjectRef<int> opened = troupe::Task(wait).Remote(gate);
  std::atomic<int> read = 0;
  std::atomic<int> read_before = 0;
  std::atomic<bool> open = false;
  const auto make = [&](int) {
    ++read;
    if (!open) read_before = read.load();
    return troupe::Task(Square).Remote(opened);
  };
  troupe::ObjectRef<int> sum;
  std::thread reducer([&] { sum = troupe::TreeReduce(std::plus<>(), Lazy(500, make)); });
  constexpr int kWindow = 4 * 2;  // folds
  EXPECT_TRUE(Eventually([&] { return read >= kWindow; }));
  open = true;
  Touch(gate);
  reducer.join();
  EXPECT_EQ(troupe::Get(sum), 500);
  EXPECT_LE(read_before, 2 * kWindow + 2);
}

// More than the store holds, which nothing is spilled from.
TEST(ReduceMemory, TreeReduceFoldsMoreThanTheStoreHolds) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 2, .object_store_memory = int64_t{16} << 20});
  constexpr int kValues = 10'000;
  const auto make = [](int i) { return std::vector<int>(2'500, i); };  // 100 MB in all
  const std::vector<int> sums = troupe::Get(troupe::TreeReduce(AddedUp, Lazy(kValues, make)));
  EXPECT_EQ(sums, std::vector<int>(2'500, kValues / 2 * (kValues - 1)));
}

}  // namespace
