// What the cloudpickle side promises, without a cluster: values and calls as bytes.
#include "sdk/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "sdk/troupe.h"

namespace {

// --- Values.

struct Point {
  double x = 0, y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
struct Moved {
  double x = 0;
  int64_t y = 0;
};
enum class Colour : uint8_t { kRed, kGreen };
struct Tree {
  int value = 0;
  std::vector<Tree> children;
  friend bool operator==(const Tree&, const Tree&) = default;
};
class Classic {
 public:
  Classic() = default;
  explicit Classic(int n) : n_(n) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(n_));
  }
  friend bool operator==(const Classic&, const Classic&) = default;

 private:
  int n_ = 0;
};
// By the hook beside the type: it has what an aggregate may not have.
struct Board {
  int cells[4] = {};
  friend bool operator==(const Board&, const Board&) = default;
};
template <class Archive>
void serialize(Archive& archive, Board& board) {
  for (int& cell : board.cells) archive(cell);
}
struct Shape {
  virtual ~Shape() = default;
  virtual int Sides() const = 0;
};
struct Polygon : Shape {
  int sides = 0;
  int Sides() const override { return sides; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(sides);
  }
};
struct Unregistered : Shape {
  int Sides() const override { return 1; }
};
[[maybe_unused]] const bool polygon = troupe::serialize::RegisterDerived<Shape, Polygon>("Polygon");
struct Node {
  int value = 0;
  std::shared_ptr<Node> next;
};
struct First {
  static constexpr int kTypeVersion = 1;
  int a = 0;
};
struct Second {
  static constexpr int kTypeVersion = 2;
  int a = 0;
};

template <typename T>
void ExpectRoundTrip(const T& value) {
  static_assert(troupe::CanPack<T>);
  const std::string bytes = troupe::Pack(value);
  EXPECT_EQ(bytes.size(), troupe::PackedSize(value)) << troupe::serialize::TypeName<T>();
  const auto copy = troupe::TryUnpack<T>(bytes);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_TRUE(*copy == value) << troupe::serialize::TypeName<T>();
}

TEST(PackTest, ThirtyKindsOfValues) {
  ExpectRoundTrip(true);
  ExpectRoundTrip('c');
  ExpectRoundTrip(std::numeric_limits<int64_t>::min());
  ExpectRoundTrip(2.5f);
  ExpectRoundTrip(Colour::kGreen);
  ExpectRoundTrip(std::string("with\0zero", 9));
  ExpectRoundTrip(std::string(3'000'000, 'x'));
  ExpectRoundTrip(std::wstring(L"wide"));
  ExpectRoundTrip(std::vector<double>());
  ExpectRoundTrip(std::vector<double>(1'000'000, 1.5));
  ExpectRoundTrip(std::vector<bool>{true, false, true});
  ExpectRoundTrip(std::vector<std::string>{"a", "", "c"});
  ExpectRoundTrip(std::array<short, 3>{1, 2, 3});
  ExpectRoundTrip(std::deque<int>{1, 2});
  ExpectRoundTrip(std::list<std::string>{"x"});
  ExpectRoundTrip(std::map<int, std::string>{{1, "one"}});
  ExpectRoundTrip(std::multimap<int, int>{{1, 2}, {1, 1}});
  ExpectRoundTrip(std::unordered_map<std::string, int>{{"one", 1}});
  ExpectRoundTrip(std::set<int>{3, 1});
  ExpectRoundTrip(std::unordered_set<int>{3, 1});
  ExpectRoundTrip(std::pair<int, std::string>{1, "one"});
  ExpectRoundTrip(std::tuple<int, double, std::string>{1, 2.5, "x"});
  ExpectRoundTrip(std::optional<int>());
  ExpectRoundTrip(std::optional<Point>(Point{1, 2}));
  ExpectRoundTrip(std::variant<std::monostate, int, std::string>("v"));
  ExpectRoundTrip(std::complex<double>(1, 2));
  ExpectRoundTrip(std::bitset<70>(5));
  ExpectRoundTrip(std::chrono::nanoseconds(7));
  ExpectRoundTrip(std::chrono::system_clock::now());
  ExpectRoundTrip(Point{1, 2});
  ExpectRoundTrip(Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  ExpectRoundTrip(Classic(7));
  ExpectRoundTrip(Board{{1, 2, 3, 4}});
  using Deep = std::vector<std::vector<std::vector<std::vector<
      std::vector<std::vector<std::vector<std::vector<std::vector<std::vector<int>>>>>>>>>>;
  ExpectRoundTrip(Deep{{{{{{{{{{1, 2}}}}}}}}}});
}

TEST(PackTest, PointersNanAndCycles) {
  const double nan = std::nan("12345");
  const double copy = troupe::Unpack<double>(troupe::Pack(nan));
  EXPECT_EQ(std::memcmp(&nan, &copy, sizeof(nan)), 0);
  EXPECT_EQ(*troupe::Unpack<std::unique_ptr<int>>(troupe::Pack(std::make_unique<int>(5))), 5);
  auto ring = std::make_shared<Node>();
  ring->value = 1;
  ring->next = std::make_shared<Node>(Node{2, ring});
  auto other = troupe::Unpack<std::shared_ptr<Node>>(troupe::Pack(ring));
  EXPECT_EQ(other->next->value, 2);
  EXPECT_EQ(other->next->next, other) << "a ring stays a ring";
  ring->next = other->next = nullptr;  // or neither is ever freed
  std::vector<std::shared_ptr<Shape>> shapes(3);
  auto square = std::make_shared<Polygon>();
  square->sides = 4;
  shapes[0] = shapes[2] = square;
  const auto copies = troupe::Unpack<std::vector<std::shared_ptr<Shape>>>(troupe::Pack(shapes));
  EXPECT_EQ(copies[0]->Sides(), 4);
  EXPECT_EQ(copies[1], nullptr);
  EXPECT_EQ(copies[0], copies[2]);
  try {
    (void)troupe::Pack(std::unique_ptr<Shape>(std::make_unique<Unregistered>()));
    FAIL();
  } catch (const troupe::NotSerializable& e) {
    EXPECT_NE(std::string(e.what()).find("RegisterDerived"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("Unregistered"), std::string::npos) << e.what();
  }
}

TEST(PackTest, AnotherTypeIsShownWithBothStructures) {
  const auto wrong = troupe::TryUnpack<Moved>(troupe::Pack(Point{1, 2})).status().ToString();
  EXPECT_NE(wrong.find("Point {f64;f64;}"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("Moved {f64;i64;}"), std::string::npos) << wrong;
  EXPECT_THROW((void)troupe::Unpack<Second>(troupe::Pack(First{1})), troupe::TypeMismatch);
  // What changes inside a container changes the container.
  EXPECT_THROW((void)troupe::Unpack<std::vector<Moved>>(troupe::Pack(std::vector<Point>(2))),
               troupe::TypeMismatch);
  EXPECT_THROW((void)troupe::Unpack<std::chrono::seconds>(troupe::Pack(std::chrono::minutes(1))),
               troupe::TypeMismatch);
}

TEST(PackTest, CutOrFlippedBytesAreErrors) {
  const std::string bytes = troupe::Pack(Tree{1, {{2, {}}, {3, {}}}});
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(troupe::TryUnpack<Tree>(bytes.substr(0, length)).ok()) << length;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      EXPECT_FALSE(troupe::TryUnpack<Tree>(flipped).ok()) << at;
    }
  }
  EXPECT_FALSE(troupe::TryUnpack<Tree>("anything else, longer than a header of 32 bytes").ok());
  EXPECT_FALSE(troupe::TryUnpackResult<int>(bytes).ok()) << "a value is no result";
}

// --- Secrets.

static_assert(!troupe::CanPack<troupe::Secret<std::string>>);
static_assert(!troupe::CanPack<std::vector<troupe::Secret<int>>>);
static_assert(troupe::CanPack<troupe::SecretRef>);
static_assert(!troupe::CanPack<std::mutex>);
static_assert(!troupe::CanPack<int*>);

TEST(SecretTest, ResolvesWhereItIs) {
  setenv("TROUPE_TEST_KEY", "abc", 1);
  const auto ref =
      troupe::Unpack<troupe::SecretRef>(troupe::Pack(troupe::SecretRef("env:TROUPE_TEST_KEY")));
  const troupe::Secret<std::string> secret = ref.Resolve();
  EXPECT_EQ(secret.Reveal(), "abc");
  std::stringstream printed;
  printed << secret;
  EXPECT_EQ(printed.str(), "***");
  EXPECT_THROW((void)troupe::SecretRef("env:TROUPE_NO_SUCH_KEY").Resolve(),
               troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::SecretRef("file:/no/such/file").Resolve(), troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::SecretRef("abc").Resolve(), troupe::InvalidArgument);
}

// --- Calls.

int Add(int a, int b) { return a + b; }
int AddNoexcept(int a, int b) noexcept { return a + b; }
double Half(double x) { return x / 2; }
std::string Half(const std::string& x) { return x.substr(0, x.size() / 2); }
template <typename T>
T Twice(T x) {
  return x + x;
}
std::unique_ptr<int> Boxed(std::unique_ptr<int> box) { return std::make_unique<int>(*box + 1); }
int Consumed(std::vector<int>&& xs) { return static_cast<int>(xs.size()); }
double Total(std::span<const double> xs) { return std::accumulate(xs.begin(), xs.end(), 0.0); }
size_t Length(std::string_view text) { return text.size(); }
int Fails(int x) { throw std::invalid_argument("no " + std::to_string(x)); }
void Nothing() {}
struct Scaler {
  int factor = 1;
  int operator()(int x) const { return factor * x; }
};
struct Model {
  double weight = 0;
  static int Count(int n) { return n + 1; }
  double Score(double x) const { return weight * x; }
  double Doubled() const noexcept { return 2 * weight; }
  virtual int Kind() const { return 7; }
  virtual ~Model() = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(weight);
  }
};
Model HalfWeight() {
  Model model;
  model.weight = 0.5;
  return model;
}

template <typename R, typename F, typename... A>
R RunPacked(const F& f, A&&... arguments) {
  return troupe::UnpackResult<R>(
      troupe::ExecutePacked(troupe::PackTask(f, std::forward<A>(arguments)...)));
}

TEST(PackTaskTest, TwentyKindsOfCallables) {
  EXPECT_EQ(RunPacked<int>(Add, 1, 2), 3);
  EXPECT_EQ(RunPacked<int>(&Add, 1, 2), 3);
  EXPECT_EQ(RunPacked<int>(AddNoexcept, 1, 2), 3);
  EXPECT_EQ(RunPacked<double>(troupe::Overload<double(double)>(Half), 3.0), 1.5);
  EXPECT_EQ(RunPacked<std::string>(static_cast<std::string (*)(const std::string&)>(Half), "abcd"),
            "ab");
  EXPECT_EQ(RunPacked<int>(Twice<int>, 4), 8);
  EXPECT_EQ(RunPacked<std::string>(Twice<std::string>, std::string("ab")), "abab");
  EXPECT_EQ(*RunPacked<std::unique_ptr<int>>(Boxed, std::make_unique<int>(1)), 2);
  EXPECT_EQ(RunPacked<int>(Consumed, std::vector<int>(3)), 3);
  EXPECT_EQ(RunPacked<double>(Total, std::vector<double>{1, 2}), 3);
  EXPECT_EQ(RunPacked<size_t>(Length, "abc"), 3u);
  EXPECT_EQ(RunPacked<int>([](int a) { return a + 1; }, 1), 2);
  EXPECT_EQ(RunPacked<int>([](auto a, auto b) { return a * b; }, 3, 4), 12);
  EXPECT_EQ(RunPacked<int>([](int a) noexcept { return -a; }, 1), -1);
  EXPECT_EQ(RunPacked<int>(Scaler{3}, 7), 21);
  EXPECT_EQ(RunPacked<int>(std::plus<>(), 3, 4), 7);
  EXPECT_EQ(RunPacked<int>(&Model::Count, 1), 2);
  EXPECT_EQ(RunPacked<double>(&Model::Score, HalfWeight(), 3.0), 1.5);
  EXPECT_EQ(RunPacked<double>(&Model::Doubled, HalfWeight()), 1.0);
  EXPECT_EQ(RunPacked<int>(&Model::Kind, HalfWeight()), 7);
  EXPECT_EQ(RunPacked<int>(troupe::Bind([](int factor, int x) { return factor * x; }, 3), 5), 15);
  EXPECT_EQ(RunPacked<double>(troupe::Bind(Total, std::vector<double>(100'000, 0.5))), 50'000);
  troupe::UnpackResult<void>(troupe::ExecutePacked(troupe::PackTask(Nothing)));
}

TEST(PackTaskTest, ErrorsAreOutcomes) {
  const std::string outcome = troupe::ExecutePacked(troupe::PackTask(Fails, 3));
  try {
    (void)troupe::UnpackResult<int>(outcome);
    FAIL();
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.info().message, "no 3");
    EXPECT_EQ(e.info().exception_type, "std::invalid_argument");
  }
  EXPECT_FALSE(troupe::TryUnpackResult<int>(outcome).ok());
  EXPECT_EQ(troupe::UnpackResult<int>(troupe::PackResult(5)), 5);
  EXPECT_THROW((void)troupe::UnpackResult<std::string>(troupe::PackResult(5)),
               troupe::TypeMismatch);
  const std::string task = troupe::PackTask(Add, 1, 2);
  EXPECT_THROW((void)troupe::ExecutePacked(task.substr(1)), troupe::InvalidArgument);
  EXPECT_THROW((void)troupe::ExecutePacked("nonsense"), troupe::InvalidArgument);
}

TEST(PackTaskTest, ATaskOfAnotherBuildIsRefused) {
  troupe::internal::PackedCall call;
  call.build_id = "another build id....";
  call.entry = 4711;
  try {
    (void)troupe::ExecutePacked(troupe::internal::PackCall(call));
    FAIL();
  } catch (const troupe::BuildMismatch& e) {
    EXPECT_NE(std::string(e.what()).find("616e6f74686572"), std::string::npos) << e.what();
  }
}

TEST(FunctionRegistryTest, BoundValuesArePackedOnce) {
  troupe::FunctionRegistry registry, other;
  registry.Register("total",
                    troupe::Bind([](const std::vector<double>& all, int i) { return all[i]; },
                                 std::vector<double>(250'000, 0.5)));
  const std::string once = registry.PackFunction("total");
  EXPECT_EQ(other.Load(once), "total");
  size_t bytes = once.size();
  for (int i = 0; i < 1000; ++i) {
    const std::string task = registry.PackTask("total", i);
    bytes += task.size();
    if (i % 100 == 0) {
      EXPECT_EQ(troupe::UnpackResult<double>(other.ExecutePacked(task)), 0.5);
    }
  }
  EXPECT_LT(bytes, 2'300'000u);
  EXPECT_EQ(registry.names(), std::vector<std::string>{"total"});
  EXPECT_GE(registry.size("total"), 2'000'000u);
  EXPECT_EQ(registry.signature("total"), "double(int)");
}

TEST(FunctionRegistryTest, UnknownNamesAndOtherSignatures) {
  troupe::FunctionRegistry registry;
  registry.Register("geometry.area", Add);
  try {
    (void)registry.PackTask("geometry.aera", 1, 2);
    FAIL();
  } catch (const troupe::UnknownFunction& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean \"geometry.area\""), std::string::npos)
        << e.what();
  }
  try {
    (void)registry.PackTask("geometry.area", 1, 2.5);
    FAIL();
  } catch (const troupe::TypeMismatch& e) {
    EXPECT_NE(std::string(e.what()).find("int(int,int)"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("(int,double)"), std::string::npos) << e.what();
  }
  EXPECT_EQ(
      troupe::UnpackResult<int>(registry.ExecutePacked(registry.PackTask("geometry.area", 1, 2))),
      3);
}

TEST(DescribeTest, SaysWhatTravelsAndHow) {
  const auto bound = troupe::Bind([](const std::vector<double>& xs, int i) { return xs[i]; },
                                  std::vector<double>(1'000'000));
  const troupe::TaskDescription description = troupe::Describe(bound, 3);
  ASSERT_EQ(description.parts.size(), 3u);
  EXPECT_EQ(description.parts[1].way, troupe::TaskPart::Way::kStored);
  EXPECT_GE(description.parts[1].bytes, 8'000'000u);
  EXPECT_EQ(description.parts[2].way, troupe::TaskPart::Way::kInMessage);
  EXPECT_LT(description.message_bytes(), 200u);
  EXPECT_NE(description.ToString().find("bound value 1: std::vector<double>"), std::string::npos)
      << description.ToString();
}

}  // namespace
