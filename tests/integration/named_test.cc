// Functions by name, secrets, and the kinds of values and callables of sdk/pack_test.cc, on real
// processes.
#include <gtest/gtest.h>

#include <bitset>
#include <chrono>
#include <complex>
#include <cstdlib>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "sdk/troupe.h"

namespace {

int Add(int a, int b) { return a + b; }
int AddNoexcept(int a, int b) noexcept { return a + b; }
double Half(double x) { return x / 2; }
std::string Half(const std::string& x) { return x.substr(0, x.size() / 2); }
int Consumed(std::vector<int>&& xs) { return static_cast<int>(xs.size()); }

class Counter {
 public:
  int Add(int by) { return n_ += by; }
  int Add(int by, int times) { return n_ += by * times; }
  int Get() const { return n_; }
  troupe::Async<int> AddWhenThere(troupe::ObjectRef<int> by) { co_return Add(co_await by); }

 private:
  int n_ = 0;
};

[[maybe_unused]] const bool registered[] = {
    troupe::RegisterFunction("named.add", Add),
    troupe::RegisterFunction("named.scaled",
                             troupe::Bind([](int factor, int x) { return factor * x; }, 3)),
    troupe::RegisterFunction("Counter.Add", troupe::Overload<int(int)>(&Counter::Add)),
    troupe::RegisterFunction("Counter.Get", &Counter::Get),
    troupe::RegisterFunction("Counter.AddWhenThere", &Counter::AddWhenThere),
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

TEST_F(NamedTest, SecretsAreResolvedInTheWorker) {
  const auto length =
      troupe::Task([](const troupe::SecretRef& key) { return key.Resolve().Reveal().size(); });
  EXPECT_GT(troupe::Get(length.Remote(troupe::SecretRef("env:PATH"))), 0u);
  EXPECT_THROW((void)troupe::Get(length.Remote(troupe::SecretRef("env:TROUPE_NO_SUCH_KEY"))),
               troupe::TaskError);
}

TEST_F(NamedTest, CallablesOfAllKinds) {
  EXPECT_EQ(troupe::Get(troupe::Task(AddNoexcept).Remote(1, 2)), 3);
  EXPECT_EQ(troupe::Get(troupe::Task(troupe::Overload<double(double)>(Half)).Remote(3.0)), 1.5);
  EXPECT_EQ(
      troupe::Get(
          troupe::Task(static_cast<std::string (*)(const std::string&)>(Half)).Remote("abcd")),
      "ab");
  EXPECT_EQ(troupe::Get(troupe::Task(Consumed).Remote(std::vector<int>(3))), 3);
  EXPECT_EQ(troupe::Get(troupe::Task([](int a) noexcept { return -a; }).Remote(1)), -1);
  EXPECT_EQ(troupe::Get(troupe::Task(std::plus<>()).Remote(3, 4)), 7);
}

struct Point {
  double x = 0, y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
struct Shape {
  virtual ~Shape() = default;
  virtual int Sides() const = 0;
};
struct Polygon : Shape {
  int sides = 5;
  int Sides() const override { return sides; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(sides);
  }
};
[[maybe_unused]] const bool polygon = troupe::serialize::RegisterDerived<Shape, Polygon>("Polygon");
struct Node {
  int value = 0;
  std::shared_ptr<Node> next;
};

// There and back: what a worker gives back is what it got.
template <typename T>
void ExpectRoundTrip(const T& value) {
  const auto same = troupe::Task([](T got) { return got; });
  EXPECT_TRUE(troupe::Get(same.Remote(value)) == value) << troupe::serialize::TypeName<T>();
  EXPECT_TRUE(troupe::Get(same.Remote(troupe::Put(value))) == value);
}

TEST_F(NamedTest, ValuesOfManyKinds) {
  ExpectRoundTrip(std::string("with\0zero", 9));
  ExpectRoundTrip(std::string(300'000, 'x'));
  ExpectRoundTrip(std::vector<bool>{true, false, true});
  ExpectRoundTrip(std::vector<double>(100'000, 1.5));
  ExpectRoundTrip(std::map<int, std::vector<std::string>>{{1, {"one", ""}}});
  ExpectRoundTrip(std::unordered_map<std::string, int>{{"one", 1}});
  ExpectRoundTrip(std::multimap<int, int>{{1, 2}, {1, 1}});
  ExpectRoundTrip(std::tuple<std::set<int>, std::list<char>, std::deque<float>>{{1}, {'a'}, {2}});
  ExpectRoundTrip(std::optional<std::variant<int, std::string>>("v"));
  ExpectRoundTrip(std::complex<double>(1, 2));
  ExpectRoundTrip(std::bitset<70>(5));
  ExpectRoundTrip(std::chrono::system_clock::now());
  ExpectRoundTrip(std::vector<Point>{{1, 2}, {3, 4}});
  const auto sides =
      troupe::Task([](const std::shared_ptr<Shape>& shape) { return shape->Sides(); });
  EXPECT_EQ(troupe::Get(sides.Remote(std::shared_ptr<Shape>(std::make_shared<Polygon>()))), 5);
  auto ring = std::make_shared<Node>();
  ring->next = std::make_shared<Node>(Node{2, ring});
  const auto closed = troupe::Task([](const std::shared_ptr<Node>& node) {
    const bool is = node->next->next == node;
    node->next->next = nullptr;
    return is;
  });
  EXPECT_TRUE(troupe::Get(closed.Remote(ring)));
  ring->next = nullptr;
}

}  // namespace
