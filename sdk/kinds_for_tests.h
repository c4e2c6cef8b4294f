// Each kind of value that travels and each kind of callable that can be called elsewhere, once:
// pack_test.cc walks them without a cluster, tests/integration/named_test.cc through workers.
//
//   kinds::ForEachValue([](const auto& value) { ... kinds::Same(value, copy) ... });
//   kinds::ForEachCallable([](std::string_view kind, const auto& expected, const auto& f,
//                             auto&&... arguments) { ... });
#ifndef TROUPE_SDK_KINDS_FOR_TESTS_H_
#define TROUPE_SDK_KINDS_FOR_TESTS_H_

#include <algorithm>
#include <array>
#include <bitset>
#include <cereal/cereal.hpp>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "sdk/troupe.h"

namespace kinds {

// --- Types of values.

enum class Colour : uint8_t { kRed, kGreen };
struct Marker {  // writes nothing
  template <class Archive>
  void serialize(Archive&) {}
  friend bool operator==(const Marker&, const Marker&) = default;
};
struct Picture {
  std::string title;
  troupe::Array<float> pixels;
  friend bool operator==(const Picture& a, const Picture& b) {
    return a.title == b.title &&
           std::equal(a.pixels.begin(), a.pixels.end(), b.pixels.begin(), b.pixels.end());
  }
};
inline troupe::Array<float> Pixels(size_t count) {
  const auto owner = std::make_shared<std::vector<float>>(count, 0.5f);
  return troupe::Array<float>(*owner, owner);
}
struct Empty {
  friend bool operator==(const Empty&, const Empty&) = default;
};
struct Point {
  double x = 0, y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
struct Tree {
  int value = 0;
  std::vector<Tree> children;
  friend bool operator==(const Tree&, const Tree&) = default;
};
struct Wide {  // as many fields as an aggregate may have
  int a = 0, b = 1, c = 2, d = 3, e = 4, f = 5, g = 6, h = 7;
  double i = 8, j = 9, k = 10, l = 11, m = 12, n = 13, o = 14, p = 15;
  std::string q, r, s, t, u, v, w, x;
  bool y = true, z = false, a1 = true, b1 = false, c1 = true, d1 = false, e1 = true, f1 = false;
  friend bool operator==(const Wide&, const Wide&) = default;
};
inline Wide WideWithText() {
  Wide wide;
  wide.q = "from";
  wide.x = "to";
  return wide;
}
struct Everything {
  Colour colour = Colour::kRed;
  std::map<std::string, std::vector<std::optional<Point>>> table;
  std::variant<std::monostate, int, std::string, Tree> either;
  std::array<Point, 2> ends;
  friend bool operator==(const Everything&, const Everything&) = default;
};
// A class that was written for cereal.
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
class Versioned {
 public:
  Versioned() = default;
  explicit Versioned(std::string text) : text_(std::move(text)) {}
  template <class Archive>
  void save(Archive& archive, const uint32_t) const {
    archive(text_);
  }
  template <class Archive>
  void load(Archive& archive, const uint32_t) {
    archive(text_);
  }
  friend bool operator==(const Versioned&, const Versioned&) = default;

 private:
  std::string text_;
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
inline const bool polygon = troupe::serialize::RegisterDerived<Shape, Polygon>("Polygon");
// Two nodes that own each other: a cycle, which its destructor breaks.
class Ring {
 public:
  Ring() = default;
  Ring(int first, int second) : entry_(std::make_shared<Node>(Node{first, nullptr})) {
    entry_->next = std::make_shared<Node>(Node{second, entry_});
  }
  Ring(Ring&&) = default;
  Ring& operator=(Ring&& other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~Ring() {
    if (entry_ != nullptr) entry_->next = nullptr;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(entry_);
  }
  friend bool operator==(const Ring& a, const Ring& b) {
    return a.Closed() && b.Closed() && a.entry_->value == b.entry_->value &&
           a.entry_->next->value == b.entry_->next->value;
  }

 private:
  struct Node {
    int value = 0;
    std::shared_ptr<Node> next;
  };
  bool Closed() const { return entry_ != nullptr && entry_->next->next == entry_; }

  std::shared_ptr<Node> entry_;
};

// --- Whether a copy is what it was made of: with its bits, and with what its pointers point to.

template <typename T>
bool Same(const T& a, const T& b) {
  return a == b;
}
inline bool Same(double a, double b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }
inline bool Same(const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}
inline bool Same(const std::unique_ptr<Shape>& a, const std::unique_ptr<Shape>& b) {
  return b != nullptr && a->Sides() == b->Sides();
}
// And which of them are one.
inline bool Same(const std::vector<std::shared_ptr<Shape>>& a,
                 const std::vector<std::shared_ptr<Shape>>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if ((a[i] == nullptr) != (b[i] == nullptr)) return false;
    if (a[i] != nullptr && a[i]->Sides() != b[i]->Sides()) return false;
    for (size_t j = 0; j < i; ++j) {
      if ((a[i] == a[j]) != (b[i] == b[j])) return false;
    }
  }
  return true;
}

// --- The values.

// f(value), for each.
template <typename F>
void ForEachValue(F f) {
  f(true);
  f('c');
  f(std::byte{7});
  f(std::numeric_limits<int64_t>::min());
  f(2.5f);
  f(std::nan("12345"));
  f(Colour::kGreen);
  f(std::string("with\0zero", 9));
  f(std::string(3'000'000, 'x'));
  f(std::wstring(L"wide"));
  f(std::vector<double>());
  f(std::vector<double>(1'000'000, 1.5));
  f(std::vector<bool>{true, false, true});
  f(std::vector<std::string>{"a", "", "c"});
  f(std::vector<Point>{{1, 2}, {3, 4}});
  f(std::array<short, 3>{1, 2, 3});
  f(std::deque<int>{1, 2});
  f(std::list<std::string>{"x"});
  f(std::map<int, std::string>{{1, "one"}});
  f(std::multimap<int, int>{{1, 2}, {1, 1}});
  f(std::unordered_map<std::string, int>{{"one", 1}});
  f(std::set<int>{3, 1});
  f(std::multiset<char>{'a', 'a'});
  f(std::unordered_set<int>{3, 1});
  f(std::pair<int, std::string>{1, "one"});
  f(std::tuple<std::set<int>, std::list<char>, std::deque<float>>{{1}, {'a'}, {2}});
  f(std::optional<int>());
  f(std::optional<Point>(Point{1, 2}));
  f(std::variant<std::monostate, int, std::string>("v"));
  f(std::complex<double>(1, 2));
  f(std::bitset<70>(5));
  f(std::chrono::nanoseconds(7));
  f(std::chrono::system_clock::now());
  f(Empty());
  f(std::vector<Marker>(3));
  f(Picture{"none", {}});
  f(std::vector<Picture>{{"small", Pixels(3)}, {"large", Pixels(100'000)}});
  f(Point{1, 2});
  f(Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  f(WideWithText());
  f(Everything{.colour = Colour::kGreen,
               .table = {{"a", {Point{1, 2}, std::nullopt}}, {"", {}}},
               .either = Tree{5, {}},
               .ends = {Point{6, 7}, Point{8, 9}}});
  f(Classic(7));
  f(Versioned("text"));
  f(Board{{1, 2, 3, 4}});
  using Deep = std::vector<std::vector<std::vector<std::vector<
      std::vector<std::vector<std::vector<std::vector<std::vector<std::vector<int>>>>>>>>>>;
  f(Deep{{{{{{{{{{1, 2}}}}}}}}}});
  f(std::make_unique<int>(5));
  f(Ring(1, 2));
  const auto square = std::make_shared<Polygon>();
  square->sides = 4;
  f(std::vector<std::shared_ptr<Shape>>{square, nullptr, square});
  f(std::unique_ptr<Shape>(std::make_unique<Polygon>(*square)));
}

// --- What is called.

inline int Add(int a, int b) { return a + b; }
inline int Digits(int a, int b, int c) { return 100 * a + 10 * b + c; }
inline int AddNoexcept(int a, int b) noexcept { return a + b; }
inline double Half(double x) { return x / 2; }
inline std::string Half(const std::string& x) { return x.substr(0, x.size() / 2); }
template <typename T>
T Twice(T x) {
  return x + x;
}
inline std::unique_ptr<int> Boxed(std::unique_ptr<int> box) {
  return std::make_unique<int>(*box + 1);
}
inline int Consumed(std::vector<int>&& xs) { return static_cast<int>(xs.size()); }
inline double Total(std::span<const double> xs) {
  return std::accumulate(xs.begin(), xs.end(), 0.0);
}
inline size_t Length(std::string_view text) { return text.size(); }
inline double First(const troupe::Array<double>& xs) { return xs[0]; }
struct Scaler {
  int factor = 1;
  int operator()(int x) const { return factor * x; }
};
struct Model {
  double weight = 0;
  static int Count(int n) { return n + 1; }
  double Score(double x) const { return weight * x; }
  double Train(double by) { return weight += by; }
  double Doubled() const noexcept { return 2 * weight; }
  double TrainNoexcept(double by) noexcept { return weight += by; }
  virtual int Kind() const { return 7; }
  virtual ~Model() = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(weight);
  }
};
inline Model HalfWeight() {
  Model model;
  model.weight = 0.5;
  return model;
}

// call(kind, what it must return, f, arguments...), for each.
template <typename F>
void ForEachCallable(F call) {
  call("a function", 3, Add, 1, 2);
  call("a pointer to a function", 3, &Add, 1, 2);
  call("a noexcept function", 3, AddNoexcept, 1, 2);
  call("an overload by its signature", 1.5, troupe::Overload<double(double)>(Half), 3.0);
  call("an overload by a cast", std::string("ab"),
       static_cast<std::string (*)(const std::string&)>(Half), "abcd");
  call("an instance of a template", 8, Twice<int>, 4);
  call("another instance", std::string("abab"), Twice<std::string>, std::string("ab"));
  call("what only moves, as argument and result", std::make_unique<int>(2), Boxed,
       std::make_unique<int>(1));
  call("a && parameter", 3, Consumed, std::vector<int>(3));
  call("a span", 3.0, Total, std::vector<double>{1, 2});
  call("a string_view", size_t{3}, Length, "abc");
  call("an Array", 4.0, First, std::vector<double>{4, 5});
  call(
      "a lambda", 2, [](int a) { return a + 1; }, 1);
  call(
      "a generic lambda", 12, [](auto a, auto b) { return a * b; }, 3, 4);
  call(
      "a noexcept lambda", -1, [](int a) noexcept { return -a; }, 1);
  call(
      "a lambda with a const& parameter", size_t{2},
      [](const std::vector<std::string>& all) { return all.size(); },
      std::vector<std::string>{"a", "b"});
  call("a function object with fields", 21, Scaler{3}, 7);
  call("a function object without fields", 7, std::plus<>(), 3, 4);
  call("a static member function", 2, &Model::Count, 1);
  call("a const member function", 1.5, &Model::Score, HalfWeight(), 3.0);
  call("a member function", 2.5, &Model::Train, HalfWeight(), 2.0);
  call("a const noexcept member function", 1.0, &Model::Doubled, HalfWeight());
  call("a noexcept member function", 2.5, &Model::TrainNoexcept, HalfWeight(), 2.0);
  call("a virtual member function", 7, &Model::Kind, HalfWeight());
  call("Bind", 15, troupe::Bind([](int factor, int x) { return factor * x; }, 3), 5);
  call("Bind of a Bind", 321, troupe::Bind(troupe::Bind(Digits, 3), 2), 1);
  call("Bind with a large value", 50'000.0, troupe::Bind(Total, std::vector<double>(100'000, 0.5)));
}

}  // namespace kinds

CEREAL_CLASS_VERSION(kinds::Versioned, 2)

#endif  // TROUPE_SDK_KINDS_FOR_TESTS_H_
