// The types that decode_fuzz.cc decodes, and one value of each from which its corpus is made.
#ifndef TROUPE_CORE_SERIALIZE_FUZZ_VALUES_H_
#define TROUPE_CORE_SERIALIZE_FUZZ_VALUES_H_

#include <array>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/serialize/serialize.h"

namespace troupe::serialize {
namespace fuzz {

struct Ref {
  ObjectId id;
};

}  // namespace fuzz

template <>
struct RefTraits<fuzz::Ref> {
  static constexpr std::string_view kName = "Ref";
  static ObjectId Id(const fuzz::Ref& ref) { return ref.id; }
  static fuzz::Ref Make(ObjectId id) { return {id}; }
};

namespace fuzz {

enum class Colour : uint8_t { kRed, kGreen };
struct Nothing {};
struct Tree {
  int value = 0;
  std::vector<Tree> children;
};
struct Link {
  std::string name;
  std::unique_ptr<Link> next;
  std::shared_ptr<int> shared;
  std::shared_ptr<int> other;
};
class Classic {
 public:
  Classic() = default;
  explicit Classic(std::string text) : number_(1), text_(std::move(text)) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number_, text_);
  }

 private:
  short number_ = 0;
  std::string text_;
};
// Its second field came with version 2.
class Versioned {
 public:
  Versioned() = default;
  Versioned(int number, std::string text) : number_(number), text_(std::move(text)) {}
  template <class Archive>
  void serialize(Archive& archive, uint32_t version) {
    archive(number_);
    if (version >= 2) archive(text_);
  }

 private:
  int number_ = 0;
  std::string text_;
};
class Shape {
 public:
  virtual ~Shape() = default;
  virtual size_t corners() const = 0;
};
class Circle : public Shape {
 public:
  explicit Circle(double radius = 0) : radius_(radius) {}
  size_t corners() const override { return 0; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(radius_);
  }

 private:
  double radius_;
};
class Polygon : public Shape {
 public:
  Polygon() = default;
  explicit Polygon(std::vector<double> corners) : corners_(std::move(corners)) {}
  size_t corners() const override { return corners_.size(); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(corners_);
  }

 private:
  std::vector<double> corners_;
};
inline const bool registered_shapes =
    RegisterDerived<Shape, Circle>("Circle") && RegisterDerived<Shape, Polygon>("Polygon");
struct Drawing {
  std::vector<std::unique_ptr<Shape>> shapes;
  std::shared_ptr<Shape> frame;
  std::shared_ptr<Shape> same_frame;
  std::vector<Versioned> notes;
};
// Points to others, in circles too.
struct Knot {
  std::string name;
  std::vector<std::shared_ptr<Knot>> others;
  std::shared_ptr<int> number;
  std::shared_ptr<Shape> shape;
  std::shared_ptr<Polygon> polygon;  // what `shape` points to, now and then
};
// Takes its circles apart in the end.
class Net {
 public:
  Net() = default;
  explicit Net(std::vector<std::shared_ptr<Knot>> knots) : knots_(std::move(knots)) {}
  Net(Net&&) = default;
  Net& operator=(Net&&) = delete;
  ~Net() {
    while (!knots_.empty()) {
      const std::shared_ptr<Knot> knot = std::move(knots_.back());
      knots_.pop_back();
      if (knot == nullptr) continue;
      for (std::shared_ptr<Knot>& other : knot->others) knots_.push_back(std::move(other));
      knot->others.clear();
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(knots_);
  }

 private:
  std::vector<std::shared_ptr<Knot>> knots_;
};
struct Everything {
  bool flag = false;
  Colour colour = Colour::kRed;
  std::string text;
  std::vector<Nothing> nothings;
  std::optional<Classic> maybe;
  std::variant<std::monostate, int, std::string, Tree> either;
  std::map<std::string, std::vector<int>> table;
  std::multimap<int, std::pair<double, bool>> pairs;
  std::tuple<int, std::string> tuple;
  std::array<short, 3> array{};
  std::vector<bool> bits;
  std::chrono::nanoseconds time{};
  std::vector<std::byte> raw;
  std::set<std::string> set;
  std::deque<std::list<char>> lists;
  std::complex<float> complex;
  std::vector<Ref> refs;
  std::wstring wide;
};

// What the first byte of an input chooses from.
using Types = std::tuple<Everything, Link, Tree, std::vector<double>,
                         std::vector<std::vector<std::string>>, Drawing, Net>;

inline Types Samples() {
  Everything everything{.flag = true,
                        .colour = Colour::kGreen,
                        .text = "text",
                        .nothings = std::vector<Nothing>(3),
                        .maybe = Classic("classic"),
                        .either = Tree{1, {}},
                        .table = {{"a", {1, 2}}, {"", {}}},
                        .pairs = {{1, {2.5, true}}, {1, {-0.0, false}}},
                        .tuple = {3, "three"},
                        .array = {4, 5, 6},
                        .bits = {true, false, true},
                        .time = std::chrono::nanoseconds(7),
                        .raw = std::vector<std::byte>(70, std::byte{8}),
                        .set = {"x", "y"},
                        .lists = {{'z'}, {}},
                        .complex = {9, 10},
                        .refs = {{ObjectId(1, 1)}, {ObjectId(2, 2)}},
                        .wide = L"wide"};
  const auto shared = std::make_shared<int>(1);
  Link link{"first", std::make_unique<Link>(Link{"second", nullptr, nullptr, shared}), shared,
            shared};
  Drawing drawing;
  drawing.shapes.push_back(std::make_unique<Circle>(1.5));
  drawing.shapes.push_back(nullptr);
  drawing.shapes.push_back(std::make_unique<Polygon>(std::vector<double>{0, 1, 2}));
  drawing.frame = drawing.same_frame = std::make_shared<Polygon>();
  drawing.notes = {{1, "one"}, {2, ""}};
  const auto knot = std::make_shared<Knot>();
  const auto other = std::make_shared<Knot>();
  knot->others = {knot, nullptr, other};
  other->others = {other, knot};
  knot->number = other->number = shared;
  knot->polygon = std::make_shared<Polygon>();
  knot->shape = knot->polygon;
  other->shape = std::make_shared<Circle>();
  return Types(std::move(everything), std::move(link), Tree{1, {{2, {{3, {}}}}, {4, {}}}},
               std::vector<double>{1.5, -2.5},
               std::vector<std::vector<std::string>>{{"a", ""}, {}, {"b"}}, std::move(drawing),
               Net({knot, other}));
}

}  // namespace fuzz
}  // namespace troupe::serialize

CEREAL_CLASS_VERSION(troupe::serialize::fuzz::Versioned, 2)

#endif  // TROUPE_CORE_SERIALIZE_FUZZ_VALUES_H_
