// Round trips of what may travel, fingerprints of what must not be confused, and decoders that
// survive any bytes.
#include "core/serialize/serialize.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <forward_list>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <stack>
#include <unordered_map>
#include <unordered_set>

#include "core/serialize/encoded_for_tests.h"

namespace troupe::serialize {
namespace {

struct Point {
  double x = 0, y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
struct Tree {
  int value = 0;
  std::vector<Tree> children;
  friend bool operator==(const Tree&, const Tree&) = default;
};
struct Link {
  int value = 0;
  std::unique_ptr<Link> next;
};
enum class Colour : uint8_t { kRed, kGreen };
struct Everything {
  bool flag = false;
  Colour colour = Colour::kRed;
  std::string text;
  std::vector<Point> points;
  std::optional<Point> maybe;
  std::variant<std::monostate, int, std::string> either;
  std::map<std::string, std::vector<int>> table;
  std::tuple<int, std::string> tuple;
  std::array<short, 3> array{};
  std::vector<bool> bits;
  std::chrono::nanoseconds time{};
  std::vector<std::byte> raw;
  friend bool operator==(const Everything&, const Everything&) = default;
};
struct Empty {
  friend bool operator==(const Empty&, const Empty&) = default;
};
class Classic {
 public:
  Classic() = default;
  explicit Classic(int n) : n_(n) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n_);
  }
  friend bool operator==(const Classic&, const Classic&) = default;

 private:
  int n_ = 0;
};
// Their serialize has nothing to write.
struct Marker {
  template <class Archive>
  void serialize(Archive&) {}
  friend bool operator==(const Marker&, const Marker&) = default;
};
class Switch {
 public:
  template <class Archive>
  void save(Archive&) const {}
  template <class Archive>
  void load(Archive&) {}
  friend bool operator==(const Switch&, const Switch&) = default;
};
struct Marked {
  Marker before;
  int n = 0;
  Marker after;
  friend bool operator==(const Marked&, const Marked&) = default;
};
struct Thrower {
  template <class Archive>
  void serialize(Archive&) {
    throw std::runtime_error("not today");
  }
};

template <typename T>
void ExpectRoundTrip(const T& value) {
  const auto copy = Decode<T>(Encoded(value), {});
  ASSERT_TRUE(copy.ok()) << TypeName<T>() << ": " << copy.status();
  EXPECT_TRUE(*copy == value) << TypeName<T>();
}

Everything Sample() {
  return {.flag = true,
          .colour = Colour::kGreen,
          .text = std::string("with\0zero", 9),
          .points = {{1, 2}, {3, 4}},
          .maybe = Point{5, 6},
          .either = "or",
          .table = {{"a", {1, 2}}, {"", {}}},
          .tuple = {7, "eight"},
          .array = {9, 10, 11},
          .bits = {true, false, true},
          .time = std::chrono::nanoseconds(12),
          .raw = std::vector<std::byte>(200, std::byte{13})};
}

TEST(Serialize, WhatGoesInComesOut) {
  ExpectRoundTrip(true);
  ExpectRoundTrip(-42);
  ExpectRoundTrip(std::numeric_limits<uint64_t>::max());
  ExpectRoundTrip(2.5f);
  ExpectRoundTrip(Colour::kGreen);
  ExpectRoundTrip(std::string());
  ExpectRoundTrip(std::string(1000, 'x'));
  ExpectRoundTrip(std::vector<double>());
  ExpectRoundTrip(std::vector<double>(1000, 1.5));
  ExpectRoundTrip(std::vector<char>(3, 'c'));
  ExpectRoundTrip(std::vector<std::string>{"a", "", "c"});
  ExpectRoundTrip(std::vector<std::vector<std::vector<int>>>{{{1}, {}}, {}});
  ExpectRoundTrip(std::map<int, std::string>{{1, "one"}});
  ExpectRoundTrip(std::unordered_map<std::string, int>{{"one", 1}, {"two", 2}});
  ExpectRoundTrip(std::set<int>{1, 2, 3});
  ExpectRoundTrip(std::list<int>{1, 2});
  ExpectRoundTrip(std::deque<int>{1, 2});
  ExpectRoundTrip(std::array<int, 0>{});
  ExpectRoundTrip(std::vector<std::array<double, 0>>(3));
  ExpectRoundTrip(std::forward_list<std::string>{"a", "b", "c"});
  ExpectRoundTrip(std::queue<int>({1, 2, 3}));
  ExpectRoundTrip(std::stack<std::string>({"a", "b"}));
  ExpectRoundTrip(std::u16string(u"\u00e4\u4e2d"));
  ExpectRoundTrip(std::unordered_multimap<int, std::string>{{1, "a"}, {1, "b"}, {2, "c"}});
  ExpectRoundTrip(std::unordered_multiset<int>{1, 1, 2});
  ExpectRoundTrip(std::unordered_set<std::string>{"a", "b"});
  ExpectRoundTrip(std::pair<int, std::string>{1, "one"});
  ExpectRoundTrip(std::optional<int>());
  ExpectRoundTrip(std::variant<int, std::string>("v"));
  ExpectRoundTrip(std::complex<double>(1, 2));
  ExpectRoundTrip(std::bitset<70>(5));
  ExpectRoundTrip(std::chrono::system_clock::now());
  ExpectRoundTrip(Point{1, 2});
  ExpectRoundTrip(Empty{});
  ExpectRoundTrip(std::vector<Empty>(5));
  ExpectRoundTrip(Classic(7));
  ExpectRoundTrip(std::vector<Classic>{Classic(1), Classic(2)});
  ExpectRoundTrip(Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  ExpectRoundTrip(Sample());
}

TEST(Serialize, SoDoesWhatWritesNothing) {
  ExpectRoundTrip(Marker());
  ExpectRoundTrip(Marked{{}, 7, {}});
  ExpectRoundTrip(std::vector<Marker>(1000));
  ExpectRoundTrip(std::vector<Marked>{{{}, 1, {}}, {{}, 2, {}}});
  ExpectRoundTrip(std::list<Switch>(5));
  ExpectRoundTrip(std::array<Marker, 3>());
  ExpectRoundTrip(std::map<int, Marker>{{1, {}}, {2, {}}});
  ExpectRoundTrip(std::vector<std::optional<Marker>>{Marker(), std::nullopt});
  ExpectRoundTrip(std::vector<std::tuple<>>(5));
  ExpectRoundTrip(std::vector<std::monostate>(5));
  ExpectRoundTrip(std::vector<std::variant<std::monostate, Marker>>{{}, Marker()});
  EXPECT_EQ(**Decode<std::shared_ptr<Marker>>(Encoded(std::make_shared<Marker>()), {}), Marker());
  // A count of them is bounded by the bytes as any other.
  auto bytes = Encoded(std::vector<Marker>(1000));
  bytes.pop_back();
  EXPECT_FALSE(Decode<std::vector<Marker>>(bytes, {}).ok());
}

struct BySize {
  bool operator()(const std::string& a, const std::string& b) const { return a.size() < b.size(); }
};
TEST(Serialize, ElementsOfEqualKeysKeepTheirOrder) {
  ExpectRoundTrip(std::multimap<int, int>{{1, 1}, {1, 3}, {1, 2}, {0, 4}});
  ExpectRoundTrip(std::multiset<std::string, BySize>{"b", "a", "c", ""});
}

TEST(Serialize, APriorityQueueKeepsItsOrder) {
  using Queue = std::priority_queue<int, std::vector<int>, std::greater<int>>;
  auto copy = Decode<Queue>(Encoded(Queue({}, {3, 1, 2})), {});
  ASSERT_TRUE(copy.ok()) << copy.status();
  for (const int expected : {1, 2, 3}) {
    ASSERT_EQ(copy->size(), static_cast<size_t>(4 - expected));
    EXPECT_EQ(copy->top(), expected);
    copy->pop();
  }
}

TEST(Serialize, MoveOnlyAndSharedValues) {
  auto link = Decode<Link>(Encoded(Link{1, std::make_unique<Link>(Link{2, nullptr})}), {});
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->next->value, 2);
  const auto shared = std::make_shared<int>(5);
  const auto copy =
      Decode<std::vector<std::shared_ptr<int>>>(Encoded(std::vector{shared, shared}), {});
  ASSERT_TRUE(copy.ok());
  EXPECT_EQ((*copy)[0], (*copy)[1]) << "aliases within one value stay aliases";
}

TEST(Serialize, NanPayloadsSurvive) {
  const double nan = std::nan("12345");
  const auto copy = Decode<double>(Encoded(nan), {});
  EXPECT_EQ(std::memcmp(&nan, &*copy, sizeof(nan)), 0);
}

TEST(Serialize, LargeNumbersAreViewedInPlace) {
  const std::vector<float> numbers(100, 2.5f);
  alignas(64) std::array<std::byte, 4096> memory;
  const auto bytes = Encoded(numbers);
  std::memcpy(memory.data(), bytes.data(), bytes.size());
  const auto view = ViewArray<float>(std::span(memory).first(bytes.size()));
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(reinterpret_cast<const std::byte*>(view->data()), memory.data() + kArrayDataAt);
  EXPECT_TRUE(std::equal(view->begin(), view->end(), numbers.begin(), numbers.end()));
}

struct PointLike {
  double x = 0, y = 0;
};
struct PointAndMore {
  double x = 0, y = 0, z = 0;
};
struct IntPoint {
  double x = 0;
  int64_t y = 0;
};
struct Idle {};
struct Running {};
struct Failed {};
// Its first field is made of anything, which is no base class.
struct Box {
  Box() = default;
  template <class T>
  explicit(false) Box(T&&) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n);
  }
  int n = 0;
};
struct WithBox {
  Box box;
  int n = 0;
};
static_assert(kSerializable<WithBox>);

TEST(Fingerprint, EmptyTypesHaveAPartInIt) {
  const auto all_differ = [](std::initializer_list<uint64_t> fingerprints) {
    return std::set<uint64_t>(fingerprints).size() == fingerprints.size();
  };
  EXPECT_TRUE(all_differ({Fingerprint<std::variant<Idle, Running>>(),
                          Fingerprint<std::variant<Running, Idle>>(),
                          Fingerprint<std::variant<Running, Idle, Failed>>()}));
  EXPECT_TRUE(
      all_differ({Fingerprint<std::pair<Idle, int>>(), Fingerprint<std::pair<int, Idle>>()}));
  EXPECT_TRUE(all_differ({Fingerprint<std::chrono::system_clock::time_point>(),
                          Fingerprint<std::chrono::steady_clock::time_point>()}));
  // How a container works has none.
  EXPECT_EQ((Fingerprint<std::set<int, std::less<int>>>()),
            (Fingerprint<std::set<int, std::greater<int>>>()));
  EXPECT_EQ((Fingerprint<std::priority_queue<int, std::vector<int>, std::less<int>>>()),
            (Fingerprint<std::priority_queue<int, std::vector<int>, std::greater<int>>>()));
}

TEST(Fingerprint, TellsStructuresApart) {
  EXPECT_EQ(Fingerprint<Point>(), Fingerprint<PointLike>()) << "same fields, same bytes";
  EXPECT_NE(Fingerprint<Point>(), Fingerprint<PointAndMore>());
  EXPECT_NE(Fingerprint<Point>(), Fingerprint<IntPoint>());
  EXPECT_NE((Fingerprint<std::pair<int, double>>()), (Fingerprint<std::pair<double, int>>()));
  EXPECT_NE(Fingerprint<std::vector<Point>>(), Fingerprint<std::vector<PointAndMore>>());
  EXPECT_NE(Fingerprint<int32_t>(), Fingerprint<uint32_t>());
  EXPECT_NE(Fingerprint<Tree>(), Fingerprint<Link>());
  const auto wrong = Decode<IntPoint>(Encoded(Point{1, 2}), {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_TRUE(IsTypeMismatch(wrong.status()));
  const std::string message(wrong.status().message());
  EXPECT_NE(message.find("IntPoint"), std::string::npos) << message;
  EXPECT_NE(message.find("Point"), std::string::npos) << message;
}

struct Letter {
  std::string text;
  std::map<std::string, std::vector<std::string>> table;
};
TEST(Fingerprint, IsShownInWordsOfTheLanguage) {
  EXPECT_EQ(TypeText<std::string>(), "std::string");
  EXPECT_EQ(TypeText<std::vector<std::string>>(), "std::vector<std::string>");
  EXPECT_EQ(TypeText<std::vector<double>>(), "std::vector<double> std::vector<f64>");
  const std::string letter = TypeText<Letter>();
  EXPECT_NE(letter.find("Letter {std::string;std::map<std::string,std::vector<std::string>>;}"),
            std::string::npos)
      << letter;
  const absl::Status wrong = Decode<int>(Encoded(std::string("x")), {}).status();
  EXPECT_NE(wrong.message().find("a value of type std::string ("), std::string::npos) << wrong;
  const absl::Status cut = Decode<std::string>(std::span<const std::byte>(), {}).status();
  EXPECT_NE(cut.message().find("this is no std::string:"), std::string::npos) << cut;
}

TEST(Serialize, TruncatedAndFlippedBytesAreErrorsAndNothingWorse) {
  const auto bytes = Encoded(Sample());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(Decode<Everything>(std::span(bytes).first(length), {}).ok()) << length;
  }
  std::mt19937_64 random(1);
  for (size_t at = sizeof(ValueHeader); at < bytes.size(); ++at) {
    for (int n = 0; n < 8; ++n) {
      auto flipped = bytes;
      flipped[at] = std::byte(random());
      (void)Decode<Everything>(flipped, {}).ok();
    }
  }
  const auto array = Encoded(std::vector<double>(10, 1.0));
  for (size_t length = 0; length < array.size(); ++length) {
    EXPECT_FALSE(ViewArray<double>(std::span(array).first(length)).ok()) << length;
  }
}

TEST(Serialize, ANumberIsItsBytesAndNoMore) {
  const auto bytes = Encoded(int64_t{-7});
  ASSERT_EQ(bytes.size(), sizeof(ValueHeader) + sizeof(int64_t));
  EXPECT_EQ(*Decode<int64_t>(bytes, {}), -7);
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(Decode<int64_t>(std::span(bytes).first(length), {}).ok()) << length;
  auto longer = bytes;
  longer.emplace_back();
  const absl::Status status = Decode<int64_t>(longer, {}).status();
  EXPECT_NE(status.message().find("left over"), std::string::npos) << status;
  EXPECT_TRUE(IsTypeMismatch(Decode<uint64_t>(bytes, {}).status()));
}

TEST(Serialize, TextIsViewedInPlace) {
  for (const std::string& text : {std::string(), std::string("a\0b", 3), std::string(500, 'x')}) {
    const auto bytes = Encoded(text);
    const auto view = ViewString(bytes);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(*view, text);
    EXPECT_TRUE(text.empty() || (reinterpret_cast<const std::byte*>(view->data()) > bytes.data() &&
                                 reinterpret_cast<const std::byte*>(view->data() + text.size()) ==
                                     bytes.data() + bytes.size()));
    for (size_t length = 0; length < bytes.size(); ++length)
      EXPECT_FALSE(ViewString(std::span(bytes).first(length)).ok()) << length;
  }
  EXPECT_TRUE(IsTypeMismatch(ViewString(Encoded(std::vector<char>(3))).status()));
}

TEST(Serialize, DeepNestingIsAnErrorNotAStackOverflow) {
  Link first;
  Link* last = &first;
  for (int i = 0; i < 3000; ++i) {
    last->next = std::make_unique<Link>();
    last = last->next.get();
  }
  const auto size = Measure(first);
  ASSERT_FALSE(size.ok());
  EXPECT_NE(size.status().message().find("nested"), std::string::npos) << size.status();
}

// Each count alone is one that the bytes could hold: memory would be taken for both, and so on for
// as many levels as there may be.
TEST(Serialize, CountsWithinCountsTakeNoMoreThanTheBytes) {
  std::vector<std::byte> bytes = Encoded(Tree{0, {{0, {}}}});
  bytes.resize(1200);
  const uint64_t count = 900;
  for (const size_t at : {sizeof(ValueHeader) + 4, sizeof(ValueHeader) + 16})
    std::memcpy(bytes.data() + at, &count, sizeof(count));
  const auto tree = Decode<Tree>(bytes, {});
  ASSERT_FALSE(tree.ok());
  EXPECT_NE(tree.status().message().find("more elements than it has bytes"), std::string::npos)
      << tree.status();
}

struct NumberThrower {
  template <class Archive>
  void serialize(Archive&) {
    throw 42;
  }
};
TEST(Serialize, WhatTheUsersCodeThrowsIsAStatus) {
  const auto size = Measure(Thrower());
  ASSERT_FALSE(size.ok());
  EXPECT_NE(size.status().message().find("not today"), std::string::npos);
  const auto of_number = Measure(NumberThrower());
  ASSERT_FALSE(of_number.ok());
  EXPECT_NE(of_number.status().message().find("no std::exception"), std::string::npos)
      << of_number.status();
}

struct ThrowsWhenRead {
  int n = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(n);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(n);
    if (n == 1) throw std::runtime_error("not today");
    throw n;
  }
};
TEST(Serialize, AndSoIsWhatItThrowsWhileItReads) {
  for (const auto& [n, text] : {std::pair(1, "not today"), std::pair(2, "no std::exception")}) {
    const auto bytes = Encoded(std::vector<ThrowsWhenRead>{{n}});
    const absl::Status status = Decode<std::vector<ThrowsWhenRead>>(bytes, {}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_NE(status.message().find(text), std::string::npos) << status;
    EXPECT_NE(status.message().find("at [0]"), std::string::npos) << status;
    // One that is shared is read once more, from zeros, after the error.
    using Pointer = std::shared_ptr<ThrowsWhenRead>;
    const auto shared = Encoded(std::make_shared<ThrowsWhenRead>(ThrowsWhenRead{n}));
    EXPECT_TRUE(absl::IsInvalidArgument(Decode<Pointer>(shared, {}).status()));
  }
}

}  // namespace
}  // namespace troupe::serialize

// A reference type, as the SDK defines them.
struct FakeRef {
  troupe::ObjectId id;
};
template <>
struct troupe::serialize::RefTraits<FakeRef> {
  static constexpr std::string_view kName = "FakeRef";
  static ObjectId Id(const FakeRef& ref) { return ref.id; }
  static FakeRef Make(ObjectId id) { return {id}; }
};

namespace troupe::serialize {
namespace {

struct WithRefs {
  std::vector<FakeRef> refs;
  std::map<std::string, FakeRef> named;
};

struct Named {
  std::string label;
  std::optional<Thrower> thrower;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(label), CEREAL_NVP(thrower));
  }
};
struct Holder {
  int number = 0;
  std::map<std::string, std::vector<Named>> table;
};
TEST(Serialize, AnErrorNamesThePartOfTheValue) {
  Holder holder;
  holder.table["a"].resize(3);
  holder.table["b"].resize(3);
  EXPECT_TRUE(Measure(holder).ok());
  holder.table["b"][2].thrower.emplace();
  const auto size = Measure(holder);
  ASSERT_FALSE(size.ok());
  const std::string message(size.status().message());
  EXPECT_NE(message.find("Holder cannot be sent: at .2[1].value[2].thrower ("), std::string::npos)
      << message;
  EXPECT_NE(message.find("Thrower): not today"), std::string::npos) << message;

  // Of the value itself there is no path.
  EXPECT_NE(std::string(Measure(Thrower()).status().message()).find("sent: not today"),
            std::string::npos);

  // Of bytes that end too early.
  const std::vector<Named> names(5);
  std::vector<std::byte> bytes = Encoded(names);
  const size_t each = (bytes.size() - sizeof(ValueHeader) - 8) / names.size();
  bytes.resize(bytes.size() - 2 * each + 4);
  const auto copy = Decode<std::vector<Named>>(bytes, {});
  ASSERT_FALSE(copy.ok());
  EXPECT_NE(std::string(copy.status().message()).find("at [3].label (std::"), std::string::npos)
      << copy.status();

  // Of what lies deep, the outermost part.
  Tree tree;
  Tree* inner = &tree;
  for (int i = 0; i < 100; ++i) inner = &inner->children.emplace_back();
  bytes = Encoded(tree);
  bytes.resize(bytes.size() - 1);
  const auto cut = Decode<Tree>(bytes, {});
  ASSERT_FALSE(cut.ok());
  EXPECT_NE(std::string(cut.status().message()).find("at .2[0].2[0].2[0]"), std::string::npos)
      << cut.status();
  EXPECT_NE(std::string(cut.status().message()).find("[0]... ("), std::string::npos)
      << cut.status();
}

TEST(Serialize, ReferencesTravelBesideTheBytes) {
  const ObjectId a = ObjectId::Make(ClientId(1), 1), b = ObjectId::Make(ClientId(1), 2);
  std::vector<ObjectId> refs;
  const auto bytes = Encoded(WithRefs{{{a}, {b}}, {{"a", {a}}}}, &refs);
  EXPECT_EQ(refs, (std::vector{a, b, a}));
  const auto copy = Decode<WithRefs>(bytes, refs);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->refs[1].id, b);
  EXPECT_EQ(copy->named.at("a").id, a);
  EXPECT_FALSE(Decode<WithRefs>(bytes, std::span(refs).first(2)).ok());
}

// What must not travel is known while compiling; the sentences are compared by compile-fail tests.
struct HasMutex {
  int n;
  std::mutex mutex;
};
class NoDefault {
 public:
  explicit NoDefault(int n) : n_(n) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n_);
  }

 private:
  int n_;
};
struct HasNoDefault {
  int n = 0;
  NoDefault field;
};
struct HasConst {
  int n = 0;
  const double x = 0;
};
struct OneArray {
  double cells[9] = {};
};
struct ArrayOfOne {
  int n = 0;
  int one[1] = {};
};
struct ArrayAmid {
  Point origin;
  std::string name;
  Point corners[2][2] = {};
  int n = 0;
};
struct ArrayLast {
  std::vector<int> numbers;
  char name[16] = {};
};
struct Tag {};
struct Derived : Point {
  double z = 0;
};
struct DerivedFromTag : Tag {
  int n = 0;
};
struct Square : Point {};
struct BitField {
  int plain = 0;
  unsigned flag : 1;
};
struct BitFieldLast {
  std::vector<std::string> names;
  Colour colour : 4;
};
struct BitsAmid {
  std::vector<BitField> fields;
};
struct UnnamedBits {
  int n = 0;
  int : 4;
  std::unique_ptr<Tree> tree;
};
struct Tagged {
  Tag tag;
  Point point;
};
class Explicit {
 public:
  explicit Explicit(int n = 0) : n_(n) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n_);
  }

 private:
  int n_;
};
struct ExplicitDefault {
  int before = 0;
  Explicit field = Explicit(1);
  std::vector<int> after;
};
static_assert(kSerializable<Everything>);
static_assert(kSerializable<Tree>);
static_assert(kSerializable<Link>);
static_assert(kSerializable<Classic>);
static_assert(kProblem<int*> == Problem::kPointer);
static_assert(kProblem<std::vector<const char*>> == Problem::kPointer);
static_assert(kProblem<std::mutex> == Problem::kSynchronisation);
static_assert(kProblem<HasMutex> == Problem::kSynchronisation);
static_assert(kProblem<std::unique_ptr<HasMutex>> == Problem::kSynchronisation);
static_assert(kProblem<std::thread> == Problem::kThread);
static_assert(kProblem<std::ofstream> == Problem::kFile);
static_assert(kProblem<std::function<void()>> == Problem::kFunction);
static_assert(kProblem<std::string_view> == Problem::kView);
static_assert(kProblem<std::span<const int>> == Problem::kSpan);
static_assert(kProblem<std::atomic<int>> == Problem::kSynchronisation);
static_assert(kProblem<NoDefault> == Problem::kNoDefaultConstructor);
static_assert(kProblem<std::vector<NoDefault>> == Problem::kNoDefaultConstructor);
static_assert(kProblem<HasNoDefault> == Problem::kNoDefaultConstructor);
static_assert(kProblem<HasConst> == Problem::kConstField);
static_assert(kProblem<int[3]> == Problem::kCArray);
static_assert(kProblem<OneArray> == Problem::kCArray);
static_assert(kProblem<ArrayOfOne> == Problem::kCArray);
static_assert(kProblem<ArrayAmid> == Problem::kCArray);
static_assert(kProblem<ArrayLast> == Problem::kCArray);
static_assert(kProblem<Derived> == Problem::kBaseClass);
static_assert(kProblem<DerivedFromTag> == Problem::kBaseClass);
static_assert(kProblem<Square> == Problem::kBaseClass);
static_assert(kProblem<BitField> == Problem::kBitField);
static_assert(kProblem<BitFieldLast> == Problem::kBitField);
static_assert(kProblem<BitsAmid> == Problem::kBitField);
static_assert(kSerializable<UnnamedBits>, "which are no fields");
static_assert(kSerializable<Tagged>, "a base class as a field is a field");
static_assert(kSerializable<ExplicitDefault>, "a field without {} is no array");
static_assert(kSerializable<std::shared_ptr<const Point>>);

}  // namespace
}  // namespace troupe::serialize
