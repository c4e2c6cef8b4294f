// What fails in a Map, and what it takes with it: its own item.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"

namespace {

class TooHot : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
[[maybe_unused]] const bool registered = troupe::RegisterException<TooHot>();

int FailsOnThirteen(int x) {
  if (x == 13) throw std::invalid_argument("no luck");
  return x;
}
int Sum(const std::vector<int>& values) { return std::accumulate(values.begin(), values.end(), 0); }

class MapFailures : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

std::vector<int> UpTo(int n) {
  std::vector<int> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}
constexpr int kSumUpTo100 = 99 * 100 / 2;

// A result that can be saved unless its number is among those that cannot.
struct Fragile {
  int n = 0;
  template <class Archive>
  void save(Archive& archive) const {
    if (n == 13 || n == 57) throw std::runtime_error("it cannot be saved");
    archive(n);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(n);
  }
};

template <typename Range>
std::vector<size_t> FailedItems(const Range& range) {
  std::vector<size_t> indices;
  for (const troupe::MapFailure& failure : range.errors()) indices.push_back(failure.index);
  return indices;
}

TEST_F(MapFailures, AResultThatCannotBeSavedFailsAlone) {
  for (const troupe::Order order : {troupe::Order::kInput, troupe::Order::kCompletion}) {
    auto range = troupe::Map([](int n) { return Fragile{n}; }, UpTo(100),
                             {.order = order, .on_error = troupe::OnError::kCollect, .chunk = 20});
    std::vector<int> values;
    size_t last = 0;
    for (auto [index, value] : range) {
      if (order == troupe::Order::kInput) {
        EXPECT_GE(index, last) << "in order";
        last = index;
      }
      EXPECT_EQ(value.n, static_cast<int>(index));
      values.push_back(value.n);
    }
    EXPECT_EQ(values.size(), 98u);
    EXPECT_EQ(Sum(values), kSumUpTo100 - 13 - 57);
    std::vector<size_t> failed = FailedItems(range);
    std::sort(failed.begin(), failed.end());
    EXPECT_EQ(failed, (std::vector<size_t>{13, 57}));
    for (const troupe::MapFailure& failure : range.errors())
      EXPECT_EQ(failure.error.kind, troupe::ErrorKind::kNotSerializable);
  }
}

// It fails here, where it would be sent.
TEST_F(MapFailures, AnItemThatCannotBeSavedFailsAlone) {
  std::vector<Fragile> items;
  for (int n = 0; n < 100; ++n) items.push_back({n});
  const auto number = [](const Fragile& item) { return item.n; };
  for (const troupe::Order order : {troupe::Order::kInput, troupe::Order::kCompletion}) {
    for (const size_t chunk : {1, 7, 58, 1000}) {
      auto range = troupe::Map(
          number, items, {.order = order, .on_error = troupe::OnError::kCollect, .chunk = chunk});
      std::vector<size_t> indices;
      for (auto [index, value] : range) {
        EXPECT_EQ(value, static_cast<int>(index));
        indices.push_back(index);
      }
      EXPECT_EQ(indices.size(), 98u);
      EXPECT_TRUE(order == troupe::Order::kCompletion ||
                  std::is_sorted(indices.begin(), indices.end()));
      EXPECT_EQ(FailedItems(range), (std::vector<size_t>{13, 57}));
      for (const troupe::MapFailure& failure : range.errors()) {
        EXPECT_EQ(failure.error.kind, troupe::ErrorKind::kNotSerializable);
        EXPECT_NE(failure.error.message.find("it cannot be saved"), std::string::npos)
            << failure.error.message;
      }
    }
  }
  auto skipping = troupe::Map(number, items, {.on_error = troupe::OnError::kSkip});
  EXPECT_EQ(Sum(skipping.ToVector()), kSumUpTo100 - 13 - 57);
  EXPECT_TRUE(skipping.errors().empty());
}

// None is left, or the first or the last one is not; they do not fill the window.
TEST_F(MapFailures, ItemsThatCannotBeSavedMayBeAnyOfThem) {
  const auto number = [](const Fragile& item) { return item.n; };
  const std::vector<std::vector<Fragile>> cases = {
      {{13}}, {{13}, {57}, {13}}, {{13}, {1}}, {{1}, {57}}, std::vector<Fragile>(100, {13})};
  for (const std::vector<Fragile>& items : cases) {
    const auto can_be_saved = [](const Fragile& item) { return item.n == 1; };
    const auto good = static_cast<size_t>(std::count_if(items.begin(), items.end(), can_be_saved));
    for (const troupe::Order order : {troupe::Order::kInput, troupe::Order::kCompletion}) {
      auto range = troupe::Map(
          number, items, {.order = order, .on_error = troupe::OnError::kCollect, .window = 1});
      EXPECT_EQ(range.ToVector().size(), good);
      EXPECT_EQ(range.errors().size(), items.size() - good);
    }
  }
}

struct ThrowsItsNumber {
  int n = 0;
  template <class Archive>
  void save(Archive& archive) const {
    if (n == 2) throw n;
    archive(n);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(n);
  }
};
TEST_F(MapFailures, WhatAnItemThrowsNeedBeNoException) {
  auto range = troupe::Map([](const ThrowsItsNumber& item) { return item.n; },
                           std::vector<ThrowsItsNumber>{{1}, {2}, {3}},
                           {.on_error = troupe::OnError::kCollect});
  EXPECT_EQ(Sum(range.ToVector()), 4);
  EXPECT_EQ(FailedItems(range), std::vector<size_t>{1});
  EXPECT_THROW((void)troupe::Put(ThrowsItsNumber{2}), troupe::NotSerializable);
}

std::string MessageOf(const std::function<void()>& f) {
  try {
    f();
  } catch (const troupe::InvalidArgument& e) {
    return e.info().message;
  }
  return "no InvalidArgument";
}

TEST_F(MapFailures, AReferenceToNothingFailsAlone) {
  std::vector<troupe::ObjectRef<int>> refs;
  for (int n = 0; n < 5; ++n) refs.push_back(troupe::Put(n));
  refs[3] = {};
  const auto number = [](int n) { return n; };
  for (const troupe::Order order : {troupe::Order::kInput, troupe::Order::kCompletion}) {
    auto range = troupe::Map(number, refs, {.order = order, .on_error = troupe::OnError::kCollect});
    EXPECT_EQ(Sum(range.ToVector()), 7);
    EXPECT_EQ(FailedItems(range), std::vector<size_t>{3});
    ASSERT_EQ(range.errors().size(), 1u);
    EXPECT_EQ(range.errors()[0].error.kind, troupe::ErrorKind::kInvalidArgument);
    EXPECT_EQ(range.errors()[0].error.message.substr(0, 36),
              "Map: this ObjectRef refers to nothin");
  }
  EXPECT_EQ(Sum(troupe::Map(number, refs, {.on_error = troupe::OnError::kSkip}).ToVector()), 7);

  const std::string text = ": this ObjectRef refers to nothing";
  const auto begins = [&](const std::string& begin, const std::function<void()>& f) {
    const std::string message = MessageOf(f);
    EXPECT_EQ(message.substr(0, begin.size() + text.size()), begin + text);
  };
  begins("item 3: Map", [&] { (void)troupe::Map(number, refs).ToVector(); });
  begins("item 3: MapReduce", [&] { (void)troupe::MapReduce(number, std::plus<>(), refs); });
  begins("item 3: TreeReduce", [&] { (void)troupe::TreeReduce(std::plus<>(), refs); });
  const std::vector<troupe::ObjectRef<int>> nothing(1);
  begins("item 0: TreeReduce", [&] { (void)troupe::TreeReduce(std::plus<>(), nothing); });
}

TEST(MapFailuresAfterShutdown, AReferenceOfTheClusterBeforeFailsAlone) {
  troupe::ObjectRef<int> old;
  {
    const troupe::Cluster before = troupe::Init({.workers = 1});
    old = troupe::Put(1);
  }
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  auto range = troupe::Map([](int n) { return n; }, std::vector{old, troupe::Put(2)},
                           {.on_error = troupe::OnError::kCollect});
  EXPECT_EQ(range.ToVector(), std::vector<int>{2});
  ASSERT_EQ(range.errors().size(), 1u);
  EXPECT_EQ(range.errors()[0].index, 0u);
  EXPECT_EQ(range.errors()[0].error.message.substr(0, 48),
            "Map: this reference belongs to a cluster that wa");
}

// Two levels of nesting each.
struct Nested {
  std::vector<Nested> inner;
};
Nested Nest(int times) {
  Nested nested;
  for (int i = 1; i < times; ++i) {
    Nested outer;
    outer.inner.push_back(std::move(nested));
    nested = std::move(outer);
  }
  return nested;
}
int Times(const Nested& nested) {
  int times = 1;
  for (const Nested* at = &nested; !at->inner.empty(); at = &at->inner[0]) ++times;
  return times;
}

// What travels by itself does so as an item and as a result of a Map; what is deeper fails alone.
TEST_F(MapFailures, ALevelOfAChunkIsNoneOfItsItems) {
  const int most = troupe::serialize::kMaxDepth / 2;
  EXPECT_EQ(troupe::Get(troupe::Task(Times).Remote(Nest(most))), most);
  EXPECT_THROW((void)troupe::Task(Times).Remote(Nest(most + 1)), troupe::NotSerializable);
  for (const size_t chunk : {1, 3}) {
    const std::vector<int> times = {most, 1, most + 1};
    std::vector<Nested> items;
    for (const int n : times) items.push_back(Nest(n));
    auto in = troupe::Map(Times, items, {.on_error = troupe::OnError::kCollect, .chunk = chunk});
    EXPECT_EQ(in.ToVector(), (std::vector<int>{most, 1}));
    EXPECT_EQ(FailedItems(in), std::vector<size_t>{2});

    auto out = troupe::Map(Nest, times, {.on_error = troupe::OnError::kCollect, .chunk = chunk});
    std::vector<int> came;
    for (const auto& item : out) came.push_back(Times(item.value));
    EXPECT_EQ(came, (std::vector<int>{most, 1}));
    EXPECT_EQ(FailedItems(out), std::vector<size_t>{2});
    for (const troupe::MapFailure& failure : out.errors())
      EXPECT_EQ(failure.error.kind, troupe::ErrorKind::kNotSerializable);
  }
}

// Neither of them can be read where it arrives.
struct CannotBeRead {
  int n = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(n);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(n);
    if (n == 2) throw std::runtime_error("it cannot be read");
    if (n == 4) throw n;
  }
};
TEST_F(MapFailures, WhatCannotBeReadFailsAlone) {
  std::vector<CannotBeRead> items;
  for (int n = 0; n < 6; ++n) items.push_back({n});
  auto in = troupe::Map([](const CannotBeRead& item) { return item.n; }, items,
                        {.on_error = troupe::OnError::kCollect, .chunk = 6});
  EXPECT_EQ(in.ToVector(), (std::vector<int>{0, 1, 3, 5}));
  EXPECT_EQ(FailedItems(in), (std::vector<size_t>{2, 4}));
  auto out = troupe::Map([](int n) { return CannotBeRead{n}; }, UpTo(6),
                         {.on_error = troupe::OnError::kCollect, .chunk = 6});
  std::vector<int> came;
  for (const auto& item : out) came.push_back(item.value.n);
  EXPECT_EQ(came, (std::vector<int>{0, 1, 3, 5}));
  EXPECT_EQ(FailedItems(out), (std::vector<size_t>{2, 4}));
}

TEST_F(MapFailures, FailFastSaysWhichItemCannotBeSaved) {
  std::vector<Fragile> items;
  for (int n = 0; n < 40; ++n) items.push_back({n});
  const auto number = [](const Fragile& item) { return item.n; };
  for (const size_t chunk : {1, 10}) {
    try {
      (void)troupe::Map(number, items, {.chunk = chunk}).ToVector();
      FAIL() << "no error";
    } catch (const troupe::NotSerializable& e) {
      EXPECT_EQ(e.info().message.substr(0, 9), "item 13: ") << e.what();
    }
    try {
      (void)troupe::MapReduce(number, std::plus<>(), items, {.chunk = chunk});
      FAIL() << "no error";
    } catch (const troupe::NotSerializable& e) {
      EXPECT_EQ(e.info().message.substr(0, 9), "item 13: ") << e.what();
    }
  }
}

// In steps where there are many.
TEST_F(MapFailures, OneOfThousandsInATaskFailsAlone) {
  auto range = troupe::Map([](int n) { return Fragile{n}; }, UpTo(10'000),
                           {.on_error = troupe::OnError::kSkip, .chunk = 10'000});
  EXPECT_EQ(range.ToVector().size(), 9'998u);
  EXPECT_TRUE(range.errors().empty());
}

TEST_F(MapFailures, ACallThatEndsItsProcessFailsAlone) {
  const auto dies = [](int n) {
    if (n == 42) _exit(7);
    return n;
  };
  auto range = troupe::Map(dies, UpTo(100), {.on_error = troupe::OnError::kCollect, .chunk = 25});
  EXPECT_EQ(Sum(range.ToVector()), kSumUpTo100 - 42);
  EXPECT_EQ(FailedItems(range), std::vector<size_t>{42});
  ASSERT_EQ(range.errors().size(), 1u);
  EXPECT_EQ(range.errors()[0].error.kind, troupe::ErrorKind::kWorkerCrashed);
}

TEST_F(MapFailures, FailFastSaysWhichItem) {
  for (const size_t chunk : {1, 10}) {
    try {
      (void)troupe::Map(FailsOnThirteen, UpTo(100), {.chunk = chunk}).ToVector();
      FAIL() << "no error";
    } catch (const troupe::TaskError& e) {
      EXPECT_EQ(e.info().message, "item 13: no luck");
      EXPECT_EQ(e.info().exception_type, "std::invalid_argument");
      EXPECT_NE(e.info().origin.find("FailsOnThirteen"), std::string::npos) << e.info().origin;
      EXPECT_GT(e.info().pid, 0);
    }
  }
  try {
    (void)troupe::MapReduce(FailsOnThirteen, std::plus<>(), UpTo(100), {.chunk = 10});
    FAIL() << "no error";
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.info().message, "item 13: no luck");
  }
  try {
    (void)troupe::Map([](int n) { return Fragile{n}; }, UpTo(40), {.chunk = 10}).ToVector();
    FAIL() << "no error";
  } catch (const troupe::NotSerializable& e) {
    EXPECT_EQ(e.info().message.substr(0, 16), "items 10 to 19: ") << e.what();
  }
}

TEST_F(MapFailures, AreThrownAgainAsWhatTheyWere) {
  const auto heat = [](int n) {
    if (n == 1) throw TooHot("90 degrees");
    if (n == 2) throw std::logic_error("of no registered type");
    return n;
  };
  auto range = troupe::Map(heat, UpTo(5), {.on_error = troupe::OnError::kCollect});
  EXPECT_EQ(Sum(range.ToVector()), 7);
  ASSERT_EQ(range.errors().size(), 2u);
  try {
    range.errors()[0].Rethrow();
  } catch (const TooHot& e) {
    EXPECT_STREQ(e.what(), "90 degrees");
  }
  EXPECT_THROW(range.errors()[1].Rethrow(), troupe::TaskError);
}

// --- Options reach the tasks.

TEST_F(MapFailures, AWindowOfOneIsEnough) {
  EXPECT_EQ(Sum(troupe::Map(FailsOnThirteen, UpTo(13), {.chunk = 2, .window = 1}).ToVector()), 78);
  auto range = troupe::Map([](int n) { return Fragile{n}; }, UpTo(20),
                           {.on_error = troupe::OnError::kSkip, .chunk = 5, .window = 1});
  EXPECT_EQ(range.ToVector().size(), 19u);
}

TEST_F(MapFailures, ATimeoutOfNothingIsOver) {
  auto range = troupe::Map(FailsOnThirteen, UpTo(10), {.timeout = absl::ZeroDuration()});
  EXPECT_THROW((void)range.Next(), troupe::DeadlineExceeded);
  EXPECT_FALSE(range.Next().has_value());
  EXPECT_THROW((void)troupe::MapReduce(FailsOnThirteen, std::plus<>(), UpTo(10),
                                       {.timeout = absl::ZeroDuration()}),
               troupe::DeadlineExceeded);
}

// As what is left of a deadline that has passed.
TEST_F(MapFailures, ATimeoutBelowZeroIsNone) {
  const absl::Duration below = -absl::Seconds(1);
  const auto never = troupe::Task([] {
                       const std::stop_token stop = troupe::CurrentTask().stop_token();
                       while (!stop.stop_requested()) std::this_thread::yield();
                       return 1;
                     }).Remote();
  const auto message = [](const auto& wait) -> std::string {
    try {
      wait();
    } catch (const troupe::DeadlineExceeded& e) {
      return e.info().message;
    }
    return "no DeadlineExceeded";
  };
  const std::string of_map =
      message([&] { (void)troupe::Map(FailsOnThirteen, UpTo(10), {.timeout = below}).ToVector(); });
  EXPECT_EQ(of_map.substr(0, 14), "Map: after 0 0") << of_map;
  const std::string of_get = message([&] { (void)troupe::Get(never, below); });
  EXPECT_EQ(of_get.substr(0, 9), "after 0 1") << of_get;
  const std::string of_order = message([&] {
    for (const auto& [index, ref] : troupe::AsCompleted(std::vector{never}, below)) (void)ref;
  });
  EXPECT_EQ(of_order.substr(0, 20), "AsCompleted: after 0") << of_order;
  troupe::Cancel(never);
}

TEST_F(MapFailures, CpusReachTheTasks) {
  EXPECT_THROW((void)troupe::Map(FailsOnThirteen, UpTo(3), {.cpus = 1000}).ToVector(),
               troupe::Infeasible);
  EXPECT_THROW((void)troupe::MapReduce(FailsOnThirteen, std::plus<>(), UpTo(3), {.cpus = 1000}),
               troupe::Infeasible);
}

// They go before all that was queued earlier, because they are more urgent.
TEST(MapOptions, PriorityReachesTheTasks) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto first = troupe::Task([] {
                       const std::stop_token stop = troupe::CurrentTask().stop_token();
                       while (!stop.stop_requested()) std::this_thread::yield();
                     }).Remote();
  std::vector<troupe::ObjectRef<int64_t>> low;
  for (int i = 0; i < 100; ++i) low.push_back(troupe::Task(troupe::MonotonicNanos).Remote());
  // The CPU becomes free when the third item is read: the tasks of two have been sent.
  const auto items = [&]() -> troupe::Generator<int> {
    co_yield 0;
    co_yield 1;
    troupe::Cancel(first);
    co_yield 2;
  };
  const auto begins_at = [](int) { return troupe::MonotonicNanos(); };
  const std::vector<int64_t> at =
      troupe::Map(begins_at, items(), {.chunk = 1, .window = 3, .priority = 1}).ToVector();
  for (const int64_t other : troupe::Get(low)) {
    EXPECT_GT(other, at[0]);
    EXPECT_GT(other, at[1]);
  }
}

}  // namespace
