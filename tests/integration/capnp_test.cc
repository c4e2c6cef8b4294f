// Cap'n Proto messages as arguments, results and objects, on real processes.
#include "sdk/capnp.h"

#include <capnp/message.h>
#include <gtest/gtest.h>
#include <kj/exception.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/troupe.h"
#include "tests/integration/address_book.capnp.h"

namespace troupe::testing {
namespace {

using People = CapnpMessage<Person>;
using Series = CapnpMessage<Samples>;

People SomePerson(const std::string& name, unsigned friends) {
  capnp::MallocMessageBuilder message;
  Person::Builder person = message.initRoot<Person>();
  person.setName(name);
  auto list = person.initFriends(friends);
  for (unsigned i = 0; i < friends; ++i) list[i].setName("friend " + std::to_string(i));
  return People(message);
}

std::string LastFriend(const People& person) {
  const auto friends = person.root().getFriends();
  return friends[friends.size() - 1].getName();
}

People Renamed(const People& person, const std::string& name) {
  capnp::MallocMessageBuilder message;
  message.setRoot(person.root());
  message.getRoot<Person>().setName(name);
  return People(message);
}

double Sum(const Series& series) {
  double sum = 0;
  for (const double value : series.root().getValues()) sum += value;
  return sum;
}

// Where the message lies, as the worker sees it.
bool LiesInTheStore(const Series& series) {
  FILE* maps = std::fopen("/proc/self/maps", "r");
  const auto address = reinterpret_cast<uintptr_t>(series.words().data());
  char line[512];
  bool found = false;
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    if (std::sscanf(line, "%lx-%lx", &begin, &end) != 2 || address < begin || address >= end)
      continue;
    found = std::strstr(line, "memfd:") != nullptr;
  }
  std::fclose(maps);
  return found;
}

class CapnpTest : public ::testing::Test {
 private:
  Cluster cluster_ = Init({.workers = 1, .object_store_memory = int64_t{64} << 20});
};

TEST_F(CapnpTest, SmallAndLargeMessagesComeBack) {
  for (const unsigned friends : {1u, 3u, 100'000u}) {
    const auto ref = Put(SomePerson("Ada", friends));
    const People back = Get(ref);
    EXPECT_EQ(std::string(back.root().getName()), "Ada");
    EXPECT_EQ(back.root().getAge(), 18u);
    EXPECT_EQ(back.root().getFriends().size(), friends);
    EXPECT_EQ(Get(Task(LastFriend).Remote(ref)), "friend " + std::to_string(friends - 1));
    const People copy = back;  // NOLINT(performance-unnecessary-copy-initialization): to look at it
    EXPECT_EQ(copy.words().data(), back.words().data());
  }
}

TEST_F(CapnpTest, TheyAreArgumentsAndResults) {
  const auto renamed = Task(Renamed).Remote(SomePerson("Ada", 2), "Grace");
  EXPECT_EQ(std::string(Get(renamed).root().getName()), "Grace");
  EXPECT_EQ(Get(Task(LastFriend).Remote(renamed)), "friend 1");
}

TEST_F(CapnpTest, OneIsBuiltInPlaceAndReadInPlace) {
  constexpr unsigned kValues = 1'000'000;
  CapnpBuilder<Samples> builder = CreateCapnp<Samples>(kValues + 16);
  auto values = builder.root().initValues(kValues);
  for (unsigned i = 0; i < kValues; ++i) values.set(i, i);
  const auto ref = builder.Seal();
  EXPECT_EQ(Get(Task(Sum).Remote(ref)), 499999500000.0);
  EXPECT_TRUE(Get(Task(LiesInTheStore).Remote(ref)));
  EXPECT_EQ(Get(ref).root().getValues()[17], 17);
  EXPECT_THROW((void)builder.Seal(), InvalidArgument);
}

TEST_F(CapnpTest, WhatDoesNotFitIsThrownAndGivenBack) {
  for (int i = 0; i < 20; ++i) {  // more than the store holds
    CapnpBuilder<Samples> builder = CreateCapnp<Samples>(1 << 20);
    EXPECT_THROW((void)builder.root().initValues(2 << 20), kj::Exception);
  }
  EXPECT_THROW((void)CreateCapnp<Samples>(0), InvalidArgument);
  CapnpBuilder<Person> small = CreateCapnp<Person>(8);
  small.root().setAge(3);
  EXPECT_EQ(Get(small.Seal()).root().getAge(), 3u);
}

TEST_F(CapnpTest, ValuesOfThemAreDecoded) {
  const std::vector<People> both = {SomePerson("Ada", 1), SomePerson("Grace", 2)};
  const std::vector<People> back = Get(Put(both));
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(LastFriend(back[1]), "friend 1");
  EXPECT_EQ(std::string(People().root().getName()), "");
}

TEST_F(CapnpTest, AnotherSchemaIsATypeMismatch) {
  const auto ref = Put(SomePerson("Ada", 1));
  const ObjectRef<Series> wrong(ref.handle());
  EXPECT_THROW((void)Get(wrong), TypeMismatch);
}

TEST_F(CapnpTest, CutOffBytesAreAnError) {
  const std::string whole = Pack(SomePerson("Ada", 100));
  ASSERT_TRUE(TryUnpack<People>(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(TryUnpack<People>(std::string_view(whole).substr(0, size)).ok()) << size;
}

}  // namespace
}  // namespace troupe::testing
