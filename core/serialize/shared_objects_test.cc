#include "core/serialize/shared_objects.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/serialize/encoded_for_tests.h"
#include "core/serialize/serialize.h"

namespace troupe::serialize {
namespace {

// Counts those that live: what is in a circle and forgotten does for ever.
struct Counted {
  Counted() { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  static inline int alive = 0;
};

class Person {
 public:
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, friends, motto);
  }
  std::string name;
  std::vector<std::shared_ptr<Person>> friends;
  std::shared_ptr<std::string> motto;

 private:
  Counted counted_;
};
using Group = std::vector<std::shared_ptr<Person>>;

void TakeApart(const Group& group) {
  for (const std::shared_ptr<Person>& person : group) person->friends.clear();
}

// Everybody is everybody's friend, their own too.
Group Circle() {
  Group group;
  const auto motto = std::make_shared<std::string>("one for all");
  for (const char* name : {"Athos", "Porthos", "Aramis"}) {
    group.push_back(std::make_shared<Person>());
    group.back()->name = name;
    group.back()->motto = motto;
  }
  for (const std::shared_ptr<Person>& person : group) person->friends = group;
  return group;
}

class Animal {
 public:
  virtual ~Animal() = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(legs, mate);
  }
  int legs = 0;
  std::shared_ptr<Animal> mate;

 private:
  Counted counted_;
};
struct Named {
  virtual ~Named() = default;
  std::string name;
};
class Dog : public Animal, public Named {
 public:
  template <class Archive>
  void serialize(Archive& archive) {
    Animal::serialize(archive);
    archive(name);
  }
};
[[maybe_unused]] const bool dog = RegisterDerived<Animal, Dog>("Dog");

TEST(SharedObjects, ACircleIsOneAgain) {
  const Group group = Circle();
  {
    const auto copy = Decode<Group>(Encoded(group), {});
    ASSERT_TRUE(copy.ok()) << copy.status();
    ASSERT_EQ(copy->size(), 3u);
    for (const std::shared_ptr<Person>& person : *copy) {
      EXPECT_EQ(person->friends, *copy);
      EXPECT_EQ(person->motto, copy->front()->motto);
    }
    EXPECT_EQ((*copy)[1]->name, "Porthos");
    EXPECT_EQ(*(*copy)[2]->motto, "one for all");
    TakeApart(*copy);
  }
  TakeApart(group);
}

// Where the bytes of a circle end too early, or are too many, what was read of it is freed.
TEST(SharedObjects, ABrokenCircleIsFreed) {
  const Group group = Circle();
  const int before = Counted::alive;
  std::vector<std::byte> bytes = Encoded(group);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Decode<Group>(std::span(bytes).first(size), {}).ok()) << size;
    EXPECT_EQ(Counted::alive, before) << size << " of " << bytes.size() << " bytes";
  }
  bytes.push_back(std::byte{});
  EXPECT_FALSE(Decode<Group>(bytes, {}).ok());
  EXPECT_EQ(Counted::alive, before);
  TakeApart(group);
}

TEST(SharedObjects, ACircleOfDerivedClassesToo) {
  auto first = std::make_shared<Dog>();
  first->name = "Laika";
  first->mate = std::make_shared<Animal>();
  first->mate->mate = first;
  const std::shared_ptr<Animal> value = first;
  const std::vector<std::byte> bytes = Encoded(value);
  const int before = Counted::alive;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Decode<std::shared_ptr<Animal>>(std::span(bytes).first(size), {}).ok()) << size;
    EXPECT_EQ(Counted::alive, before) << size << " of " << bytes.size() << " bytes";
  }
  const auto copy = Decode<std::shared_ptr<Animal>>(bytes, {});
  ASSERT_TRUE(copy.ok()) << copy.status();
  const auto copied = std::dynamic_pointer_cast<Dog>(*copy);
  ASSERT_NE(copied, nullptr);
  EXPECT_EQ(copied->name, "Laika");
  EXPECT_EQ(copied->mate->mate, copied);
  copied->mate->mate = nullptr;
  first->mate->mate = nullptr;
}

class Folder {
 public:
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, parent, children);
  }
  std::string name;
  std::weak_ptr<Folder> parent;
  std::vector<std::shared_ptr<Folder>> children;
};

// How a tree points upwards, without a circle.
TEST(SharedObjects, AWeakPointerFindsItsObject) {
  auto root = std::make_shared<Folder>();
  root->name = "root";
  for (int i = 0; i < 2; ++i) {
    root->children.push_back(std::make_shared<Folder>());
    root->children.back()->parent = root;
  }
  const auto copy = Decode<std::shared_ptr<Folder>>(Encoded(root), {});
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_TRUE((*copy)->parent.expired());
  ASSERT_EQ((*copy)->children.size(), 2u);
  for (const auto& child : (*copy)->children) EXPECT_EQ(child->parent.lock(), *copy);

  std::weak_ptr<Animal> nobody;
  EXPECT_TRUE(Decode<std::weak_ptr<Animal>>(Encoded(nobody), {})->expired());
}

struct WatchedDog {
  std::shared_ptr<Animal> dog;
  std::weak_ptr<Animal> watched;
};
TEST(SharedObjects, AWeakPointerToADerivedClassToo) {
  const auto laika = std::make_shared<Dog>();
  const auto copy = Decode<WatchedDog>(Encoded(WatchedDog{laika, laika}), {});
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_NE(std::dynamic_pointer_cast<Dog>(copy->dog), nullptr);
  EXPECT_EQ(copy->watched.lock(), copy->dog);
}

struct NumberAndText {
  std::shared_ptr<int> number;
  std::shared_ptr<std::string> text;
};

// A number is all that says which object is meant, and it can be damaged.
TEST(SharedObjects, AnObjectOfAnotherTypeIsAnError) {
  const NumberAndText value{std::make_shared<int>(7), std::make_shared<std::string>("seven")};
  std::vector<std::byte> bytes = Encoded(value);
  // The number of `text`, behind those of `number` and its int.
  const size_t at = sizeof(ValueHeader) + sizeof(uint32_t) + sizeof(int);
  uint32_t id = 0;
  std::memcpy(&id, &bytes[at], sizeof(id));
  ASSERT_EQ(id, kNewObject | 2);
  bytes.resize(at + sizeof(id));
  const auto with_id = [&](uint32_t damaged) {
    std::memcpy(&bytes[at], &damaged, sizeof(damaged));
    return Decode<NumberAndText>(bytes, {}).status();
  };
  EXPECT_TRUE(with_id(0).ok());
  EXPECT_NE(with_id(1).message().find("a shared object of another type"), absl::string_view::npos);
  EXPECT_NE(with_id(2).message().find("that it does not hold"), absl::string_view::npos);
  EXPECT_NE(with_id(kNewObject | 1).message().find("two objects of one number"),
            absl::string_view::npos);
}

struct Inner {
  int number = 0;
};
struct Outer {
  Inner inner;
  int beside = 0;
};
struct OuterAndInner {
  std::shared_ptr<Outer> outer;
  std::shared_ptr<Inner> inner;
};

TEST(SharedObjects, ItsFirstFieldIsAnotherObject) {
  OuterAndInner value{std::make_shared<Outer>(Outer{{1}, 2}), nullptr};
  value.inner = std::shared_ptr<Inner>(value.outer, &value.outer->inner);
  const auto copy = Decode<OuterAndInner>(Encoded(value), {});
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(copy->outer->beside, 2);
  EXPECT_EQ(copy->inner->number, 1);
}

struct SameDog {
  std::shared_ptr<Animal> animal;
  std::shared_ptr<Dog> dog;
  std::shared_ptr<Animal> again;
};

TEST(SharedObjects, PointersToBaseAndDerivedShareIt) {
  const auto laika = std::make_shared<Dog>();
  laika->name = "Laika";
  for (const SameDog& value : {SameDog{laika, laika, laika}, SameDog{nullptr, laika, laika}}) {
    const auto copy = Decode<SameDog>(Encoded(value), {});
    ASSERT_TRUE(copy.ok()) << copy.status();
    EXPECT_EQ(copy->dog->name, "Laika");
    EXPECT_EQ(copy->again, copy->dog);
    EXPECT_EQ(copy->animal, value.animal == nullptr ? nullptr : copy->dog);
    EXPECT_EQ(copy->dog.use_count(), copy->animal == nullptr ? 2 : 3);
  }
}

}  // namespace
}  // namespace troupe::serialize
