// Classes that were written for cereal travel as they are: each way in which it lets a class be
// serialized.
#include <gtest/gtest.h>

#include <cereal/archives/binary.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/serialize/encoded_for_tests.h"
#include "core/serialize/serialize.h"

namespace existing {

struct Split {
  int n = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(n);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(n);
  }
};
struct SplitBeside {
  int n = 0;
};
template <class Archive>
void save(Archive& archive, const SplitBeside& value) {
  archive(value.n);
}
template <class Archive>
void load(Archive& archive, SplitBeside& value) {
  archive(value.n);
}
struct Minimal {
  int n = 0;
  template <class Archive>
  int save_minimal(const Archive&) const {
    return n;
  }
  template <class Archive>
  void load_minimal(const Archive&, const int& value) {
    n = value;
  }
};
struct MinimalBeside {
  int n = 0;
};
template <class Archive>
int save_minimal(const Archive&, const MinimalBeside& value) {
  return value.n;
}
template <class Archive>
void load_minimal(const Archive&, MinimalBeside& value, const int& loaded) {
  value.n = loaded;
}
class Private {
 public:
  Private() = default;
  explicit Private(int value) : n(value) {}
  int n = 0;

 private:
  friend class cereal::access;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(n));
  }
};

// With a version, by each of these ways.
struct Versioned {
  int n = 0;
  uint32_t version = 0;
  template <class Archive>
  void serialize(Archive& archive, const uint32_t written_by) {
    archive(n);
    version = written_by;
  }
};
struct VersionedBeside {
  int n = 0;
  uint32_t version = 0;
};
template <class Archive>
void serialize(Archive& archive, VersionedBeside& value, const uint32_t written_by) {
  archive(value.n);
  value.version = written_by;
}
struct VersionedSplit {
  int n = 0;
  uint32_t version = 0;
  template <class Archive>
  void save(Archive& archive, const uint32_t) const {
    archive(n);
  }
  template <class Archive>
  void load(Archive& archive, const uint32_t written_by) {
    archive(n);
    version = written_by;
  }
};
struct VersionedSplitBeside {
  int n = 0;
  uint32_t version = 0;
};
template <class Archive>
void save(Archive& archive, const VersionedSplitBeside& value, const uint32_t) {
  archive(value.n);
}
template <class Archive>
void load(Archive& archive, VersionedSplitBeside& value, const uint32_t written_by) {
  archive(value.n);
  value.version = written_by;
}

// With bases.
struct Base {
  int base = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(base);
  }
};
struct Derived : Base {
  int n = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Base>(this), n);
  }
};
struct VirtuallyDerived : virtual Base {
  int n = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::virtual_base_class<Base>(this), n);
  }
};

// Without a default constructor: behind a pointer.
class Made {
 public:
  explicit Made(int value) : n(value) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n);
  }
  template <class Archive>
  static void load_and_construct(Archive& archive, cereal::construct<Made>& construct) {
    int value = 0;
    archive(value);
    construct(value);
  }
  int n;
};
struct MadeBeside {
  explicit MadeBeside(int value) : n(value) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n);
  }
  int n;
};

// Made by a factory of its own, or by cereal.
class OnlyForCereal {
 public:
  static std::shared_ptr<OnlyForCereal> Make(int n) {
    std::shared_ptr<OnlyForCereal> made(new OnlyForCereal);
    made->n_ = n;
    return made;
  }
  int n() const { return n_; }

 private:
  friend class cereal::access;
  OnlyForCereal() = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(n_);
  }
  int n_ = 0;
};

// Behind a pointer to its base, and registered with cereal.
struct Shape {
  virtual ~Shape() = default;
  virtual int Sides() const = 0;
  int colour = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(colour);
  }
};
struct Polygon : Shape {
  int sides = 0;
  int Sides() const override { return sides; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Shape>(this), sides);
  }
};
class Secluded : public Shape {
 public:
  static std::unique_ptr<Secluded> Make(std::shared_ptr<OnlyForCereal> sides) {
    std::unique_ptr<Secluded> made(new Secluded);
    made->sides_ = std::move(sides);
    return made;
  }
  int Sides() const override { return sides_->n(); }

 private:
  friend class cereal::access;
  Secluded() = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Shape>(this), sides_);
  }
  std::shared_ptr<OnlyForCereal> sides_;
};
struct Circle : Shape {
  int Sides() const override { return 0; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Shape>(this));
  }
};

}  // namespace existing

CEREAL_CLASS_VERSION(existing::Versioned, 3)
CEREAL_CLASS_VERSION(existing::VersionedBeside, 4)
CEREAL_CLASS_VERSION(existing::VersionedSplit, 5)
CEREAL_CLASS_VERSION(existing::VersionedSplitBeside, 6)
CEREAL_REGISTER_TYPE(existing::Polygon)
CEREAL_REGISTER_TYPE(existing::Circle)
template <>
struct cereal::LoadAndConstruct<existing::MadeBeside> {
  template <class Archive>
  static void load_and_construct(Archive& archive,
                                 cereal::construct<existing::MadeBeside>& construct) {
    int value = 0;
    archive(value);
    construct(value);
  }
};

namespace troupe::serialize {
namespace {

[[maybe_unused]] const bool polygon =
    RegisterDerived<existing::Shape, existing::Polygon>("Polygon");
[[maybe_unused]] const bool secluded =
    RegisterDerived<existing::Shape, existing::Secluded>("Secluded");

template <typename T>
T ThereAndBack(const T& value) {
  static_assert(kSerializable<T>);
  auto copy = Decode<T>(Encoded(value), {});
  EXPECT_TRUE(copy.ok()) << TypeName<T>() << ": " << copy.status();
  return copy.ok() ? *std::move(copy) : T();
}

template <typename T>
T With(int n) {
  T value;
  value.n = n;
  return value;
}

TEST(CerealClasses, EachKindOfFunction) {
  EXPECT_EQ(ThereAndBack(With<existing::Split>(1)).n, 1);
  EXPECT_EQ(ThereAndBack(With<existing::SplitBeside>(2)).n, 2);
  EXPECT_EQ(ThereAndBack(With<existing::Minimal>(3)).n, 3);
  EXPECT_EQ(ThereAndBack(With<existing::MinimalBeside>(4)).n, 4);
  EXPECT_EQ(ThereAndBack(existing::Private(5)).n, 5);
}

TEST(CerealClasses, WithAVersion) {
  EXPECT_EQ(ThereAndBack(With<existing::Versioned>(1)).n, 1);
  EXPECT_EQ(ThereAndBack(With<existing::Versioned>(1)).version, 3u);
  EXPECT_EQ(ThereAndBack(With<existing::VersionedBeside>(2)).n, 2);
  EXPECT_EQ(ThereAndBack(With<existing::VersionedBeside>(2)).version, 4u);
  EXPECT_EQ(ThereAndBack(With<existing::VersionedSplit>(3)).n, 3);
  EXPECT_EQ(ThereAndBack(With<existing::VersionedSplit>(3)).version, 5u);
  EXPECT_EQ(ThereAndBack(With<existing::VersionedSplitBeside>(4)).n, 4);
  EXPECT_EQ(ThereAndBack(With<existing::VersionedSplitBeside>(4)).version, 6u);
  const auto several = ThereAndBack(std::vector<existing::Versioned>(3));
  EXPECT_EQ(several.back().version, 3u);
  EXPECT_EQ(TypeText<existing::Versioned>(), "existing::Versioned class existing::Versioned v3");
}

TEST(CerealClasses, WithBases) {
  auto derived = With<existing::Derived>(1);
  derived.base = 2;
  EXPECT_EQ(ThereAndBack(derived).n, 1);
  EXPECT_EQ(ThereAndBack(derived).base, 2);
  auto virtually = With<existing::VirtuallyDerived>(3);
  virtually.base = 4;
  EXPECT_EQ(ThereAndBack(virtually).n, 3);
  EXPECT_EQ(ThereAndBack(virtually).base, 4);
}

TEST(CerealClasses, MadeByLoadAndConstruct) {
  EXPECT_EQ(ThereAndBack(std::make_unique<existing::Made>(1))->n, 1);
  EXPECT_EQ(ThereAndBack(std::make_shared<existing::Made>(2))->n, 2);
  EXPECT_EQ(ThereAndBack(std::make_unique<existing::MadeBeside>(3))->n, 3);
  EXPECT_EQ(ThereAndBack(std::make_shared<existing::MadeBeside>(4))->n, 4);
}

// Where there is no pointer, the receiver has to make one.
struct Holder {
  existing::Made made{1};
};
static_assert(kProblem<existing::Made> == Problem::kNoDefaultConstructor);
static_assert(kProblem<std::vector<existing::Made>> == Problem::kNoDefaultConstructor);
static_assert(kProblem<std::map<int, existing::Made>> == Problem::kNoDefaultConstructor);
static_assert(kProblem<std::optional<existing::Made>> == Problem::kNoDefaultConstructor);
static_assert(kProblem<std::variant<int, existing::Made>> == Problem::kNoDefaultConstructor);
static_assert(kProblem<std::pair<int, existing::Made>> == Problem::kNoDefaultConstructor);
static_assert(kSerializable<std::vector<std::unique_ptr<existing::Made>>>);
static_assert(kSerializable<Holder>, "it makes its field itself");

// As cereal's documentation has it: the constructor is cereal::access's alone.
TEST(CerealClasses, WithAPrivateConstructor) {
  const auto shared = ThereAndBack(existing::OnlyForCereal::Make(6));
  ASSERT_NE(shared, nullptr);
  EXPECT_EQ(shared->n(), 6);
  const auto unique = ThereAndBack(
      std::unique_ptr<existing::Shape>(existing::Secluded::Make(existing::OnlyForCereal::Make(7))));
  ASSERT_NE(unique, nullptr);
  EXPECT_EQ(unique->Sides(), 7);
}
static_assert(kSerializable<std::unique_ptr<existing::OnlyForCereal>>);
static_assert(kProblem<existing::OnlyForCereal> == Problem::kNoDefaultConstructor);
static_assert(kProblem<std::vector<existing::OnlyForCereal>> == Problem::kNoDefaultConstructor);

TEST(CerealClasses, ARegisteredClassIsRegisteredHereToo) {
  auto square = std::make_shared<existing::Polygon>();
  square->sides = 4;
  square->colour = 5;
  const auto shape = ThereAndBack(std::shared_ptr<existing::Shape>(square));
  ASSERT_NE(shape, nullptr);
  EXPECT_EQ(shape->Sides(), 4);
  EXPECT_EQ(shape->colour, 5);
  const auto size = Measure(std::unique_ptr<existing::Shape>(std::make_unique<existing::Circle>()));
  ASSERT_FALSE(size.ok());
  EXPECT_NE(size.status().message().find("RegisterDerived"), absl::string_view::npos)
      << size.status();
}

}  // namespace
}  // namespace troupe::serialize
