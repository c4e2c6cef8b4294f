// Functions by name, secrets, and the kinds of values and callables of sdk/kinds_for_tests.h, on
// real processes.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sdk/kinds_for_tests.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"

namespace {

using kinds::Add;
using kinds::Point;
using std::chrono_literals::operator""s;

class Counter {
 public:
  int Add(int by) { return n_ += by; }
  int Add(int by, int times) { return n_ += by * times; }
  int Get() const { return n_; }
  std::pair<int, std::string> GetBoth() const { return {n_, std::to_string(n_)}; }
  troupe::Async<int> AddWhenThere(troupe::ObjectRef<int> by) { co_return Add(co_await by); }

 private:
  int n_ = 0;
};

std::tuple<int, int> Divided(int a, int b) { return {a / b, a % b}; }
std::vector<int> UpTo(int n) {
  std::vector<int> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

[[maybe_unused]] const bool registered[] = {
    troupe::RegisterFunction("named.add", Add),
    troupe::RegisterFunction("named.scaled",
                             troupe::Bind([](int factor, int x) { return factor * x; }, 3)),
    troupe::RegisterFunction("Counter.Add", troupe::Overload<int(int)>(&Counter::Add)),
    troupe::RegisterFunction("Counter.Get", &Counter::Get),
    troupe::RegisterFunction("Counter.AddWhenThere", &Counter::AddWhenThere),
    troupe::RegisterFunction("Counter.GetBoth", &Counter::GetBoth),
    troupe::RegisterFunction("named.divided", Divided),
    troupe::RegisterFunction("named.up_to", UpTo),
};

class NamedTest : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

TEST_F(NamedTest, FunctionsAreCalledByName) {
  EXPECT_EQ(troupe::Get(troupe::CallNamed<int(int, int)>("named.add").Remote(1, troupe::Put(2))),
            3);
  EXPECT_EQ(troupe::Get(troupe::CallNamed<int(int)>("named.scaled").Remote(5)), 15);
  try {
    (void)troupe::Get(troupe::CallNamed<int(int, int)>("named.ad").Remote(1, 2));
    FAIL();
  } catch (const troupe::UnknownFunction& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean \"named.add\""), std::string::npos);
  }
  try {
    (void)troupe::Get(troupe::CallNamed<double(double)>("named.add").Remote(1));
    FAIL();
  } catch (const troupe::TypeMismatch& e) {
    EXPECT_NE(std::string(e.what()).find("int(int,int)"), std::string::npos) << e.what();
  }
}

TEST_F(NamedTest, MethodsAreCalledByTheActorsHandle) {
  const auto counter = troupe::Actor<Counter>().Remote();
  EXPECT_EQ(troupe::Get(counter.CallNamed<int(int)>("Counter.Add").Remote(4)), 4);
  EXPECT_EQ(troupe::Get(counter.Task(troupe::Overload<int(int, int)>(&Counter::Add)).Remote(2, 3)),
            10);
  EXPECT_EQ(troupe::Get(counter.CallNamed<int()>("Counter.Get").Remote()), 10);
  // A coroutine lets other calls go on while it waits, by its name, too.
  troupe::Promise<int> by;
  const auto sum =
      counter.CallNamed<troupe::Async<int>(troupe::ObjectRef<int>)>("Counter.AddWhenThere")
          .Remote(by.ref());
  EXPECT_EQ(troupe::Get(counter.CallNamed<int()>("Counter.Get").Remote()), 10);
  by.Set(5);
  EXPECT_EQ(troupe::Get(sum), 15);
  EXPECT_THROW((void)troupe::Get(counter.CallNamed<int(int, int)>("named.add").Remote(1, 2)),
               troupe::UnknownFunction);
  EXPECT_THROW((void)troupe::Get(troupe::CallNamed<int()>("Counter.Get").Remote()),
               troupe::UnknownFunction);
}

TEST_F(NamedTest, SeveralResultsOfWhatHasAName) {
  const auto divided = troupe::CallNamed<std::tuple<int, int>(int, int)>("named.divided");
  EXPECT_EQ(troupe::Get(divided.Remote(17, 5)), std::tuple(3, 2));
  auto [quotient, rest] = divided.Returns<int, int>().Remote(17, 5);
  EXPECT_EQ(troupe::Get(troupe::Task(Add).Remote(quotient, rest)), 5);
  const auto up_to = troupe::CallNamed<std::vector<int>(int)>("named.up_to");
  EXPECT_EQ(troupe::Get(up_to.Returns(3).Remote(3)), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(troupe::Get(up_to.Returns(1).Remote(1)), std::vector<int>{1});
  for (const auto& ref : up_to.Returns(2).Remote(3))
    EXPECT_THROW((void)troupe::Get(ref), troupe::InvalidArgument);

  const auto counter = troupe::Actor<Counter>().Remote();
  auto [n, text] = counter.CallNamed<std::pair<int, std::string>()>("Counter.GetBoth")
                       .Returns<int, std::string>()
                       .Remote();
  EXPECT_EQ(troupe::Get(n), 0);
  EXPECT_EQ(troupe::Get(text), "0");

  troupe::FunctionRegistry registry, other;
  registry.Register("divided", troupe::Bind(Divided, 23));
  auto [four, three] =
      registry.CallNamed<std::tuple<int, int>(int)>("divided").Returns<int, int>().Remote(5);
  EXPECT_EQ(troupe::Get(four), 4);
  EXPECT_EQ(troupe::Get(three), 3);
  other.Load(registry.PackFunction("divided"));
  const auto loaded = other.CallNamed<std::tuple<int, int>(int)>("divided");
  EXPECT_EQ(troupe::Get(loaded.Remote(5)), std::tuple(4, 3));
  EXPECT_THROW((void)(loaded.Returns<int, int>().Remote(5)), troupe::InvalidArgument);
}

TEST_F(NamedTest, ACallOfAnActorByNameHasATimeoutToo) {
  const auto counter = troupe::Actor<Counter>().Remote();
  troupe::Promise<int> by;
  const auto sum =
      counter.CallNamed<troupe::Async<int>(troupe::ObjectRef<int>)>("Counter.AddWhenThere")
          .Options({.timeout = absl::Milliseconds(20)})
          .Remote(by.ref());
  const auto [ready, pending] = troupe::Wait(std::vector{sum}, {.timeout = absl::Minutes(1)});
  ASSERT_EQ(ready.size(), 1u) << "its own time is over, not that of the wait";
  EXPECT_THROW((void)troupe::Get(sum), troupe::DeadlineExceeded);
}

// The workers run when they are registered.
TEST_F(NamedTest, FunctionsOfARegistryAreCalledAsTheyAreRegistered) {
  troupe::Get(troupe::Task([] {}).Remote());
  troupe::FunctionRegistry registry;
  registry.Register("add", Add);
  registry.Register("scaled", troupe::Bind([](int factor, int x) { return factor * x; }, 3));
  EXPECT_EQ(troupe::Get(registry.CallNamed<int(int, int)>("add").Remote(1, troupe::Put(2))), 3);
  const auto scaled = registry.CallNamed<int(int)>("scaled");
  EXPECT_EQ(troupe::Get(scaled.Remote(5)), 15);

  // Another one of that name; who has found the first goes on with it.
  registry.Register("scaled", troupe::Bind([](int factor, int x) { return factor * x; }, 7));
  EXPECT_EQ(troupe::Get(registry.CallNamed<int(int)>("scaled").Remote(5)), 35);
  EXPECT_EQ(troupe::Get(scaled.Remote(5)), 15);

  try {
    (void)registry.CallNamed<double(int)>("scaled");
    FAIL() << "no error";
  } catch (const troupe::TypeMismatch& e) {
    EXPECT_NE(std::string(e.what()).find("registered as int(int) and was called as double(int)"),
              std::string::npos)
        << e.what();
  }
  EXPECT_THROW((void)registry.CallNamed<int(int)>("scale"), troupe::UnknownFunction);
}

TEST_F(NamedTest, WhatIsBoundInARegistryIsStoredOnce) {
  troupe::FunctionRegistry registry;
  registry.Register("at", troupe::Bind([](const std::vector<double>& all,
                                          int i) { return all[static_cast<size_t>(i)]; },
                                       std::vector<double>(1'000'000, 0.5)));
  const auto at = registry.CallNamed<double(int)>("at");
  const auto stored = [] {
    std::vector<troupe::ObjectId> ids;
    for (const troupe::StoredObject& object : troupe::Memory().objects)
      if (object.size >= 8'000'000) ids.push_back(object.id);
    return ids;
  };
  EXPECT_EQ(troupe::Get(at.Remote(0)), 0.5);
  // Bind had stored it, too, for its own calls.
  ASSERT_TRUE(troupe::testing::BecomesTrue([&] { return stored().size() == 1; }, 30s));
  const std::vector<troupe::ObjectId> before = stored();
  std::vector<troupe::ObjectRef<double>> values;
  for (int i = 0; i < 20; ++i) values.push_back(at.Remote(i));
  values.push_back(registry.CallNamed<double(int)>("at").Remote(999'999));
  EXPECT_EQ(troupe::Get(values), std::vector<double>(21, 0.5));
  EXPECT_EQ(stored(), before);
}

TEST(NamedTestOfTwoSessions, WhatIsBoundInARegistryIsStoredInEach) {
  troupe::FunctionRegistry registry;
  registry.Register("size", troupe::Bind([](const std::vector<double>& all,
                                            size_t more) { return all.size() + more; },
                                         std::vector<double>(100'000)));
  const auto size = registry.CallNamed<size_t(size_t)>("size");
  for (int session = 0; session < 2; ++session) {
    const troupe::Cluster cluster = troupe::Init({.workers = 1});
    EXPECT_EQ(troupe::Get(size.Remote(1)), 100'001u);
  }
}

TEST_F(NamedTest, SecretsAreResolvedInTheWorker) {
  const auto length =
      troupe::Task([](const troupe::SecretRef& key) { return key.Resolve().Reveal().size(); });
  EXPECT_GT(troupe::Get(length.Remote(troupe::SecretRef("env:PATH"))), 0u);
  EXPECT_THROW((void)troupe::Get(length.Remote(troupe::SecretRef("env:TROUPE_NO_SUCH_KEY"))),
               troupe::TaskError);
}

TEST_F(NamedTest, TwentyKindsOfCallables) {
  std::set<std::string_view> callables;
  kinds::ForEachCallable([&]<typename R>(std::string_view kind, const R& expected, const auto& f,
                                         auto&&... arguments) {
    callables.insert(kind);
    const troupe::ObjectRef<R> result =
        troupe::Task(f).Remote(std::forward<decltype(arguments)>(arguments)...);
    EXPECT_TRUE(kinds::Same(expected, troupe::Get(result))) << kind;
  });
  EXPECT_GE(callables.size(), 20u);
}

// There and back, in the message where they are small, and by the store: what a worker gives back
// is what it got.
TEST_F(NamedTest, ThirtyKindsOfValues) {
  std::set<std::string_view> types;
  kinds::ForEachValue([&]<typename T>(const T& value) {
    constexpr std::string_view kType = troupe::serialize::TypeName<T>();
    types.insert(kType);
    const auto same = troupe::Task([](T got) { return got; });
    EXPECT_TRUE(kinds::Same(value, troupe::Get(same.Remote(value)))) << kType;
    EXPECT_TRUE(kinds::Same(value, troupe::Get(same.Remote(troupe::Put(value))))) << kType;
  });
  EXPECT_GE(types.size(), 30u);
}

TEST_F(NamedTest, LargeTextIsReadWhereItLies) {
  const auto in_chunk = troupe::Task(
      [](std::string_view text) { return troupe::testing::LiesInAChunk(text.data()); });
  EXPECT_TRUE(troupe::Get(in_chunk.Remote(std::string(300'000, 'x'))));
  EXPECT_TRUE(troupe::Get(in_chunk.Remote(troupe::Put(std::string(300'000, 'x')))));
}

struct Moved {
  double x = 0;
  int64_t y = 0;
};

TEST_F(NamedTest, AnotherTypeIsShownWithBothStructures) {
  const troupe::ObjectRef<Point> point = troupe::Put(Point{1, 2});
  const troupe::ObjectRef<Moved> lie{point.handle()};
  try {
    (void)troupe::Get(lie);
    FAIL() << "no error";
  } catch (const troupe::TypeMismatch& e) {
    const std::string& message = e.info().message;
    EXPECT_NE(message.find("Point {f64;f64;}"), std::string::npos) << message;
    EXPECT_NE(message.find("Moved {f64;i64;}"), std::string::npos) << message;
  }
}

}  // namespace
