// Map, StarMap, MapReduce and TreeReduce on real processes.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"

namespace {

int Square(int x) { return x * x; }
double Area(double width, double height) { return width * height; }
int FailsOnThirteen(int x) {
  if (x == 13) throw std::invalid_argument("13 brings no luck");
  return x;
}
int SpinForMilliseconds(int ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (std::chrono::steady_clock::now() < end) {
  }
  return ms;
}
std::string Joined(const std::string& a, const std::string& b) { return a + b; }

// The numbers from 1, without an end; how far it was read is seen from outside.
class Naturals {
 public:
  class Iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(int* read) : read_(read) {}
    int operator*() const { return *read_; }
    Iterator& operator++() {
      ++*read_;
      return *this;
    }
    void operator++(int) { ++*read_; }
    friend bool operator==(const Iterator&, std::default_sentinel_t) { return false; }

   private:
    int* read_;
  };
  Iterator begin() { return Iterator(&read_); }
  std::default_sentinel_t end() const { return {}; }
  int read() const { return read_; }

 private:
  int read_ = 1;
};

class MapTest : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

std::vector<int> UpTo(int n) {
  std::vector<int> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST_F(MapTest, ResultsComeInTheOrderOfTheInput) {
  const std::vector<int> numbers = UpTo(10'000);
  size_t next = 0;
  for (auto [i, y] : troupe::Map(Square, numbers)) {
    EXPECT_EQ(i, next++);
    EXPECT_EQ(y, static_cast<int>(i * i));
  }
  EXPECT_EQ(next, numbers.size());
  EXPECT_EQ(troupe::Map(Square, std::vector<int>()).ToVector(), std::vector<int>());
  EXPECT_EQ(troupe::Map(Square, std::vector{1, 2, 3}, {.chunk = 2}).ToVector(),
            (std::vector{1, 4, 9}));
}

TEST_F(MapTest, OrByCompletionWithTheirIndices) {
  std::set<size_t> seen;
  for (auto [i, y] : troupe::Map(Square, UpTo(5000), {.order = troupe::Order::kCompletion})) {
    EXPECT_EQ(y, static_cast<int>(i * i));
    EXPECT_TRUE(seen.insert(i).second);
  }
  EXPECT_EQ(seen.size(), 5000u);
}

TEST_F(MapTest, TheInputIsReadAsFarAsTheWindowReaches) {
  Naturals naturals;
  auto squares = troupe::Map(Square, naturals, {.chunk = 10, .window = 3});
  for (int i = 1; i <= 25; ++i) EXPECT_EQ(squares.Next()->value, i * i);
  EXPECT_LE(naturals.read(), 25 + 10 * 4 + 1);
}

TEST_F(MapTest, CallablesOfAllKinds) {
  const auto scaled = troupe::Bind([](int factor, int x) { return factor * x; }, 3);
  EXPECT_EQ(troupe::Map(scaled, UpTo(4)).ToVector(), (std::vector{0, 3, 6, 9}));
  const std::vector<double> table(100'000, 0.5);
  const auto looked_up =
      troupe::Bind([](std::span<const double> all, int i) { return all[i] + i; }, table);
  EXPECT_EQ(troupe::Map(looked_up, UpTo(3), {.chunk = 1}).ToVector(), (std::vector{0.5, 1.5, 2.5}));
  EXPECT_EQ(troupe::Map([](auto x) { return x + 1; }, UpTo(3)).ToVector(), (std::vector{1, 2, 3}));
  EXPECT_EQ(troupe::Map([](std::string_view s) { return s.size(); },
                        std::vector<std::string>{"a", "", "abc"})
                .ToVector(),
            (std::vector<size_t>{1, 0, 3}));
  EXPECT_EQ(troupe::Map([](bool b) { return !b; }, std::vector<bool>{true, false}).ToVector(),
            (std::vector<bool>{false, true}));
  EXPECT_EQ(troupe::Map([](int) {}, UpTo(7)).ToVector().size(), 7u);
  const std::map<std::string, int> ages = {{"Ada", 36}, {"Bob", 7}};
  EXPECT_EQ(
      troupe::Map([](const std::pair<const std::string, int>& age) { return age.second; }, ages)
          .ToVector(),
      (std::vector{36, 7}));
}

TEST_F(MapTest, ReferencesAreResolved) {
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 20; ++i) refs.push_back(troupe::Task(Square).Remote(i));
  EXPECT_EQ(troupe::Map([](int x) { return x + 1; }, refs).ToVector()[19], 362);
}

TEST_F(MapTest, StarMapUnpacksTuples) {
  const std::vector<std::tuple<double, double>> sides = {{1, 2}, {3, 4}};
  EXPECT_EQ(troupe::StarMap(Area, sides).ToVector(), (std::vector{2.0, 12.0}));
  EXPECT_EQ(troupe::StarMap(Area, std::vector<std::pair<double, double>>{{2, 5}}).ToVector(),
            (std::vector{10.0}));
}

TEST_F(MapTest, FailFastThrowsTheError) {
  auto range = troupe::Map(FailsOnThirteen, UpTo(100), {.chunk = 5});
  EXPECT_THROW((void)range.ToVector(), troupe::TaskError);
}

TEST_F(MapTest, CollectKeepsErrorsAndSkipDropsThem) {
  auto collect =
      troupe::Map(FailsOnThirteen, UpTo(100), {.on_error = troupe::OnError::kCollect, .chunk = 7});
  const std::vector<int> values = collect.ToVector();
  EXPECT_EQ(values.size(), 99u);
  EXPECT_EQ(values[13], 14);
  ASSERT_EQ(collect.errors().size(), 1u);
  EXPECT_EQ(collect.errors()[0].index, 13u);
  EXPECT_EQ(collect.errors()[0].error.exception_type, "std::invalid_argument");
  EXPECT_EQ(collect.errors()[0].error.message, "13 brings no luck");
  auto skip = troupe::Map(FailsOnThirteen, UpTo(100), {.on_error = troupe::OnError::kSkip});
  EXPECT_EQ(skip.ToVector().size(), 99u);
  EXPECT_TRUE(skip.errors().empty());
}

TEST_F(MapTest, TheTimeoutBoundsTheWallTime) {
  const std::vector<int> naps(20, 50);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(
      (void)troupe::Map(SpinForMilliseconds, naps, {.timeout = absl::Milliseconds(200)}).ToVector(),
      troupe::DeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  // The workers are free again.
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(3)), 9);
}

TEST_F(MapTest, MapReduceKeepsTheOrder) {
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

TEST_F(MapTest, TreeReduceFoldsReferences) {
  std::vector<troupe::ObjectRef<std::string>> letters;
  for (char c = 'a'; c <= 'g'; ++c) letters.push_back(troupe::Put(std::string(1, c)));
  EXPECT_EQ(troupe::Get(troupe::TreeReduce(Joined, letters)), "abcdefg");
  EXPECT_THROW((void)troupe::TreeReduce(Joined, std::vector<troupe::ObjectRef<std::string>>()),
               troupe::InvalidArgument);
}

TEST_F(MapTest, AMapInATask) {
  const auto outer = troupe::Task([](int n) {
    int total = 0;
    for (auto [i, y] : troupe::Map(Square, UpTo(n))) total += y;
    return total;
  });
  EXPECT_EQ(troupe::Get(outer.Remote(100)), 328'350);
}

// --- Without a cluster.

TEST(ChunkSizerTest, ShortCallsShareATask) {
  troupe::ChunkSizer sizer(0, 1'000'000, 2);
  EXPECT_EQ(sizer.Next(SIZE_MAX), 1u);
  sizer.Measured(1, 10);
  EXPECT_EQ(sizer.Next(SIZE_MAX), 8u) << "it grows step by step";
  for (int i = 0; i < 20; ++i) sizer.Measured(sizer.Next(SIZE_MAX), 10 * sizer.Next(SIZE_MAX));
  EXPECT_EQ(sizer.Next(SIZE_MAX), 400'000u);
  EXPECT_EQ(sizer.Next(1000), 250u) << "the end is shared by the workers";
  for (int i = 0; i < 20; ++i) sizer.Measured(1, 50'000'000);
  EXPECT_EQ(sizer.Next(SIZE_MAX), 1u) << "long calls go alone";
  EXPECT_EQ(troupe::ChunkSizer(17, 1'000'000, 2).Next(SIZE_MAX), 17u);
}

TEST(ProgressTest, TheLineSaysRateAndTimeLeft) {
  EXPECT_EQ(troupe::Progress::Line("squares", 4500, 10'000, 2.0),
            "squares  45 %  2,250/s  2 s left");
  EXPECT_EQ(troupe::Progress::Line("slow", 3, 10, 2.0), "slow  30 %  1.5/s  5 s left");
  EXPECT_EQ(troupe::Progress::Line("lines", 1'234'567, 0, 100),
            "lines  1,234,567  12,346/s  1 min 40 s");
  EXPECT_EQ(troupe::Progress::Line("all", 10, 10, 1.0), "all  100 %  10/s  1 s");
}

}  // namespace
