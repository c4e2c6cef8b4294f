// Pools of actors on real processes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "sdk/troupe.h"

namespace {

class Squarer {
 public:
  int Square(int x) {
    if (x < 0) throw std::invalid_argument("negative");
    return x * x;
  }
  int Plus(int x, int y) { return x + y; }
  int DieAt(int x, int at) {
    if (x == at) raise(SIGKILL);
    return x;
  }
  int Pid(int) { return gettid(); }
};

std::vector<troupe::ActorHandle<Squarer>> Squarers(int count) {
  std::vector<troupe::ActorHandle<Squarer>> actors;
  for (int i = 0; i < count; ++i) actors.push_back(troupe::Actor<Squarer>().Remote());
  return actors;
}

std::vector<int> UpTo(int n) {
  std::vector<int> numbers(static_cast<size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(ActorPool, MapsInOrder) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ActorPool<Squarer> pool(Squarers(3));
  size_t count = 0;
  for (auto [i, square] : pool.Map(&Squarer::Square, UpTo(200))) {
    EXPECT_EQ(i, count++);
    EXPECT_EQ(square, static_cast<int>(i * i));
  }
  EXPECT_EQ(count, 200u);
}

// An item that is another actor's death, and one that cannot be sent, are one failure each.
TEST(ActorPool, WhatIsWrongWithAnItemIsNoDeathOfItsActor) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto stranger = troupe::Actor<Squarer>().Remote();
  const troupe::ObjectRef<int> before = stranger.Task(&Squarer::Square).Remote(2);
  EXPECT_EQ(troupe::Get(before), 4);
  troupe::Kill(stranger);
  const std::vector<troupe::ObjectRef<int>> items = {
      troupe::Put(1), stranger.Task(&Squarer::Square).Remote(3), troupe::ObjectRef<int>(), before};
  const troupe::ActorPool<Squarer> pool(Squarers(1));
  auto squares = pool.Map(&Squarer::Square, items);
  EXPECT_EQ(squares.Next()->value, 1);
  EXPECT_THROW((void)squares.Next(), troupe::ActorDied);
  EXPECT_THROW((void)squares.Next(), troupe::InvalidArgument);
  EXPECT_EQ(squares.Next()->value, 16);
  EXPECT_FALSE(squares.Next().has_value());
}

TEST(ActorPool, UsesAllOfThem) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ActorPool<Squarer> pool(Squarers(3));
  std::set<int> pids;
  for (auto [i, pid] : pool.Map(&Squarer::Pid, UpTo(30), {.order = troupe::Order::kCompletion}))
    pids.insert(pid);
  EXPECT_EQ(pids.size(), 3u);
}

TEST(ActorPool, CallsWhatTheDriverSays) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ActorPool<Squarer> pool(Squarers(2));
  const int more = 1000;
  const auto sums = pool.Map([&](const troupe::ActorHandle<Squarer>& actor,
                                 int x) { return actor.Task(&Squarer::Plus).Remote(x, more); },
                             UpTo(50))
                        .ToVector();
  ASSERT_EQ(sums.size(), 50u);
  EXPECT_EQ(sums[49], 1049);
}

// A range that says how far it was read.
TEST(ActorPool, ReadsTheRangeLazily) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ActorPool<Squarer> pool(Squarers(2));
  struct Endless {
    int* read;
    int value = 0;
    int operator*() const { return value; }
    Endless& operator++() {
      *read = ++value;
      return *this;
    }
    bool operator==(const Endless&) const { return false; }
  };
  struct Numbers {
    int* read;
    Endless begin() const { return {read}; }
    Endless end() const { return {read}; }
  };
  int read = 0;
  auto squares = pool.Map(&Squarer::Square, Numbers{&read});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(squares.Next()->value, i * i);
  EXPECT_LT(read, 120);
}

TEST(ActorPool, AFailureIsThrownAndTheRestGoesOn) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ActorPool<Squarer> pool(Squarers(2));
  auto squares = pool.Map(&Squarer::Square, std::vector<int>{1, -1, 3});
  EXPECT_EQ(squares.Next()->value, 1);
  EXPECT_THROW((void)squares.Next(), troupe::TaskError);
  EXPECT_EQ(squares.Next()->value, 9);
  EXPECT_FALSE(squares.Next().has_value());
}

TEST(ActorPool, ADeadActorIsGivenNoMoreCalls) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ActorPool<Squarer> pool(Squarers(2));
  auto numbers = pool.Map([](const troupe::ActorHandle<Squarer>& actor,
                             int x) { return actor.Task(&Squarer::DieAt).Remote(x, 10); },
                          UpTo(200));
  int answered = 0;
  int lost = 0;
  for (;;) {
    try {
      if (!numbers.Next().has_value()) break;
      ++answered;
    } catch (const troupe::ActorDied&) {
      ++lost;
    }
  }
  EXPECT_GE(lost, 1);
  EXPECT_LE(lost, 2) << "what was given to it before its death";
  EXPECT_EQ(answered + lost, 200);
}

TEST(ActorPool, NoneLeftIsAnError) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const troupe::ActorPool<Squarer> pool(Squarers(1));
  auto numbers = pool.Map([](const troupe::ActorHandle<Squarer>& actor,
                             int x) { return actor.Task(&Squarer::DieAt).Remote(x, x); },
                          UpTo(10));
  std::string last;
  for (int i = 0; i < 3; ++i) {
    try {
      (void)numbers.Next();
    } catch (const troupe::ActorDied& e) {
      last = e.what();
    }
  }
  EXPECT_NE(last.find("none of its 1 actors is alive"), std::string::npos) << last;
}

TEST(ActorPool, BadOnesAreRefused) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  EXPECT_THROW(troupe::ActorPool<Squarer>({}), troupe::InvalidArgument);
  EXPECT_THROW(troupe::ActorPool<Squarer>({troupe::ActorHandle<Squarer>()}),
               troupe::InvalidArgument);
  const troupe::ActorPool<Squarer> pool(Squarers(1));
  EXPECT_THROW((void)pool.Map(&Squarer::Square, UpTo(1), {.calls_per_actor = 0}),
               troupe::InvalidArgument);
}

}  // namespace
