// Map and StarMap on real processes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
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
using troupe::testing::Lazy;
using troupe::testing::Naturals;
using troupe::testing::NewPath;
using troupe::testing::Square;
using troupe::testing::Touch;
using troupe::testing::UntilStopped;
using troupe::testing::UpTo;
using MapTest = troupe::testing::MappingTest;

double Area(double width, double height) { return width * height; }
int SpinForMilliseconds(int ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (std::chrono::steady_clock::now() < end) {
  }
  return ms;
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

// The first waits for a sign that is given when others have come.
TEST_F(MapTest, WhatIsDoneFirstComesFirst) {
  const std::string sign = NewPath("others_have_come");
  const auto wait = troupe::Bind(
      [](const std::string& path, int i) {
        if (i == 0) Eventually([&] { return Exists(path); });
        return i;
      },
      sign);
  std::vector<size_t> order;
  for (auto [i, y] :
       troupe::Map(wait, UpTo(5), {.order = troupe::Order::kCompletion, .chunk = 1})) {
    order.push_back(i);
    if (order.size() == 4) Touch(sign);
  }
  ASSERT_EQ(order.size(), 5u);
  EXPECT_EQ(order.back(), 0u);
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

TEST_F(MapTest, AnyInputRange) {
  const auto sum = [](auto&& range) {
    const std::vector<int> squares = troupe::Map(Square, range, {.chunk = 2}).ToVector();
    return std::accumulate(squares.begin(), squares.end(), 0);
  };
  EXPECT_EQ(sum(std::list<int>{1, 2, 3}), 14);
  EXPECT_EQ(sum(std::forward_list<int>{1, 2, 3}), 14);
  EXPECT_EQ(sum(std::set<int>{3, 2, 1, 1}), 14);
  EXPECT_EQ(sum(std::deque<int>{1, 2, 3}), 14);
  EXPECT_EQ(sum(std::array<int, 3>{1, 2, 3}), 14);
  EXPECT_EQ(sum(std::initializer_list<int>{1, 2, 3}), 14);
  const int array[] = {1, 2, 3};
  EXPECT_EQ(sum(std::span(array)), 14);
  EXPECT_EQ(sum(array), 14);
#ifndef __clang__  // clang 14 cannot read libstdc++'s views
  EXPECT_EQ(sum(std::views::iota(1, 4)), 14);
  const auto odd = [](int x) { return x % 2 == 1; };
  EXPECT_EQ(sum(std::views::iota(1, 6) | std::views::filter(odd)), 35);
  // Of single passes: what has been read is gone.
  std::istringstream words("1 2 3");
  EXPECT_EQ(sum(std::ranges::istream_view<int>(words)), 14);
#endif
  EXPECT_EQ(sum(std::vector<int>()), 0);
}

TEST_F(MapTest, ItemsThatCannotBeCopiedAreGivenAway) {
  std::vector<std::unique_ptr<int>> boxes;
  for (int i = 0; i < 5; ++i) boxes.push_back(std::make_unique<int>(i));
  const auto open = [](std::unique_ptr<int> box) { return *box; };
  EXPECT_EQ(troupe::Map(open, std::move(boxes), {.chunk = 2}).ToVector(), UpTo(5));
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

// What is thrown for an item says where it was, as the errors of tasks do.
TEST_F(MapTest, AFailureNamesItsTask) {
  const auto fails = [](int i) {
    if (i != 3 && i != 8) return i;
    const troupe::TaskInfo task = troupe::CurrentTask();
    throw std::runtime_error(task.id.ToString() + " attempt " + std::to_string(task.attempt) +
                             " of " + task.name + " in " + std::to_string(getpid()));
  };
  auto range = troupe::Map(fails, UpTo(10),
                           {.name = "Fails", .on_error = troupe::OnError::kCollect, .chunk = 5});
  EXPECT_EQ(range.ToVector().size(), 8u);
  ASSERT_EQ(range.errors().size(), 2u);
  EXPECT_EQ(range.errors()[0].index, 3u);
  EXPECT_EQ(range.errors()[1].index, 8u);
  for (const troupe::MapFailure& failure : range.errors()) {
    const troupe::ErrorInfo& error = failure.error;
    EXPECT_EQ(error.origin, "Fails");
    EXPECT_EQ(error.attempt, 1u);
    EXPECT_EQ(error.message,
              error.task.ToString() + " attempt 1 of Fails in " + std::to_string(error.pid));
  }
  EXPECT_NE(range.errors()[0].error.task, range.errors()[1].error.task);
}

// The range is still there in these: it is the error that frees the workers.
TEST_F(MapTest, AFailureCancelsTheRest) {
  const auto first_fails = troupe::Bind(FirstFails, NewPath("another_runs"));
  auto range = troupe::Map(first_fails, UpTo(20), {.chunk = 1});
  EXPECT_THROW((void)range.Next(), troupe::TaskError);
  ExpectFreeWorkers();
  EXPECT_FALSE(range.Next().has_value()) << "there is nothing behind an error";
}

TEST_F(MapTest, AnInputThatBreaksOffCancelsTheRest) {
  const auto wait = [](int) { return UntilStopped(); };
  auto range = troupe::Map(wait, Lazy(20, Breaking), {.chunk = 1});
  EXPECT_THROW((void)range.Next(), std::out_of_range);
  ExpectFreeWorkers();
  EXPECT_FALSE(range.Next().has_value());
}

TEST_F(MapTest, AConsumerThatThrowsCancelsTheRest) {
  const auto wait = [](int i) { return i == 0 ? 0 : UntilStopped(); };
  const auto consume = [&] {
    for (const troupe::MapItem<int>& item : troupe::Map(wait, UpTo(20), {.chunk = 1}))
      throw std::runtime_error("seen enough: " + std::to_string(item.value));
  };
  EXPECT_THROW(consume(), std::runtime_error);
  ExpectFreeWorkers();
}

TEST_F(MapTest, ACancelledTaskEndsAfterTheItemThatItIsAt) {
  const std::string begun = NewPath("begun");
  const std::string next = NewPath("next");
  const auto wait = troupe::Bind(
      [](const std::string& third, const std::string& fourth, int i) {
        if (i < 3) return i;
        Touch(i == 3 ? third : fourth);
        return UntilStopped();
      },
      begun, next);
  {
    auto range = troupe::Map(wait, UpTo(6), {.chunk = 3});
    EXPECT_EQ(range.Next()->value, 0);
    EXPECT_TRUE(Eventually([&] { return Exists(begun); }));
  }
  ExpectFreeWorkers();
  EXPECT_FALSE(Exists(next));
}

TEST_F(MapTest, TheTimeoutBoundsTheWallTime) {
  const std::vector<int> naps(20, 50);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(
      (void)troupe::Map(SpinForMilliseconds, naps, {.timeout = absl::Milliseconds(200)}).ToVector(),
      troupe::DeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  ExpectFreeWorkers();
}

// Results that are ready do not make it later, nor does who takes his time with each.
TEST_F(MapTest, TheTimeoutBoundsTheTimeOfASlowConsumer) {
  const auto start = std::chrono::steady_clock::now();
  size_t taken = 0;
  try {
    for ([[maybe_unused]] auto item :
         troupe::Map(Square, UpTo(100'000), {.timeout = absl::Milliseconds(200), .chunk = 10})) {
      ++taken;
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
      while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
    }
    FAIL() << "no error";
  } catch (const troupe::DeadlineExceeded& e) {
    EXPECT_NE(std::string(e.what()).find("Map: after 200ms"), std::string::npos) << e.what();
  }
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, 1'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  ExpectFreeWorkers();
}

TEST_F(MapTest, AReferenceThatHasFailedTakesNoOtherWithIt) {
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 50; ++i) refs.push_back(troupe::Task(FailsOnThirteen).Remote(i));
  auto skipping = troupe::Map(Square, refs, {.on_error = troupe::OnError::kSkip, .chunk = 10});
  EXPECT_EQ(skipping.ToVector().size(), 49u);
  auto collecting = troupe::Map(Square, refs, {.on_error = troupe::OnError::kCollect});
  EXPECT_EQ(collecting.ToVector().size(), 49u);
  ASSERT_EQ(collecting.errors().size(), 1u);
  EXPECT_EQ(collecting.errors()[0].index, 13u);
}

TEST_F(MapTest, AMapInATask) {
  const auto outer = troupe::Task([](int n) {
    int total = 0;
    for (auto [i, y] : troupe::Map(Square, UpTo(n))) total += y;
    return total;
  });
  EXPECT_EQ(troupe::Get(outer.Remote(100)), 328'350);
}

// --- More than the store holds, which nothing is spilled from.

TEST(MapMemory, LargeItemsGoFewToATask) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 2, .object_store_memory = int64_t{64} << 20});
  // Their sizes are known only when they are read.
  const auto make = [](int i) { return std::string(i < 500 ? 1 : 1'000'000, 'x'); };
  const auto size = [](const std::string& text) { return text.size(); };
  for (const size_t chunk : {0, 1000}) {
    size_t total = 0;
    for (auto [i, bytes] : troupe::Map(size, Lazy(700, make), {.chunk = chunk})) total += bytes;
    EXPECT_EQ(total, 500u + 200'000'000u);
  }
  EXPECT_EQ(troupe::MapReduce(size, std::plus<>(), Lazy(700, make)), 500u + 200'000'000u);
}

TEST(MapMemory, LargeResultsComeFewAtATime) {
  const troupe::Cluster cluster =
      troupe::Init({.workers = 2, .object_store_memory = int64_t{64} << 20});
  const auto make = [](int i) { return std::string(1'000'000, static_cast<char>('a' + i % 26)); };
  size_t next = 0;
  for (auto [i, text] : troupe::Map(make, UpTo(200))) {
    EXPECT_EQ(i, next++);
    EXPECT_EQ(text.size(), 1'000'000u);
    EXPECT_EQ(text.back(), static_cast<char>('a' + i % 26));
  }
  EXPECT_EQ(next, 200u);
}

// --- The progress bar.

// Standard error goes elsewhere for a while.
class StandardErrorTo {
 public:
  explicit StandardErrorTo(int file) : before_(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    EXPECT_EQ(dup2(file, STDERR_FILENO), STDERR_FILENO);
  }
  ~StandardErrorTo() {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }
  StandardErrorTo(const StandardErrorTo&) = delete;
  StandardErrorTo& operator=(const StandardErrorTo&) = delete;

 private:
  int before_;
};

void MapWithProgress() {
  auto range = troupe::Map(Square, UpTo(100), {.chunk = 1, .progress = "squares"});
  EXPECT_EQ(range.ToVector().size(), 100u);
}

TEST_F(MapTest, ProgressIsShownOnATerminal) {
  const int screen = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(screen, 0);
  ASSERT_EQ(grantpt(screen), 0);
  ASSERT_EQ(unlockpt(screen), 0);
  const int terminal = open(ptsname(screen), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  {
    const StandardErrorTo to(terminal);
    MapWithProgress();
  }
  std::string shown;
  pollfd readable = {screen, POLLIN, 0};
  while (shown.find('\n') == std::string::npos && poll(&readable, 1, 60'000) == 1) {
    char bytes[4096];
    const ssize_t size = read(screen, bytes, sizeof(bytes));
    ASSERT_GT(size, 0);
    shown.append(bytes, static_cast<size_t>(size));
  }
  close(terminal);
  close(screen);
  const std::regex under_way("squares  [0-9]+ %  [0-9,.]+/s  [0-9]+ [a-z 0-9]*left");
  EXPECT_TRUE(std::regex_search(shown, under_way)) << shown;
  EXPECT_TRUE(std::regex_search(shown, std::regex("\rsquares  100 %  [0-9,.]+/s  [0-9]+ s")))
      << shown;
}

TEST_F(MapTest, ProgressIsSilentElsewhere) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
  {
    const StandardErrorTo to(pipe_ends[1]);
    MapWithProgress();
  }
  close(pipe_ends[1]);
  char byte = 0;
  EXPECT_EQ(read(pipe_ends[0], &byte, 1), 0) << "the pipe's end, and nothing before it";
  close(pipe_ends[0]);
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
  troupe::ChunkSizer large(0, 1'000'000, 2, 4'000'000);
  for (int i = 0; i < 20; ++i) large.Measured(1, 10, 1'000'000);
  EXPECT_EQ(large.Next(SIZE_MAX), 4u) << "large results go few together";
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
