// The types that decode_fuzz.cc decodes, and one value of each from which its corpus is made.
#ifndef TROUPE_CORE_SERIALIZE_FUZZ_VALUES_H_
#define TROUPE_CORE_SERIALIZE_FUZZ_VALUES_H_

#include <array>
#include <chrono>
#include <complex>
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
using Types =
    std::tuple<Everything, Link, Tree, std::vector<double>, std::vector<std::vector<std::string>>>;

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
  return Types(std::move(everything), std::move(link), Tree{1, {{2, {{3, {}}}}, {4, {}}}},
               std::vector<double>{1.5, -2.5},
               std::vector<std::vector<std::string>>{{"a", ""}, {}, {"b"}});
}

}  // namespace fuzz
}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_FUZZ_VALUES_H_
