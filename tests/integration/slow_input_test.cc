// Ranges whose next item comes when the one before has been worked on: whoever reads items ahead of
// the tasks for them waits for ever.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sdk/troupe.h"

namespace {

class Follower {
 public:
  int Follow(const std::string& path, int item) {
    std::ofstream(path + std::to_string(item)) << item;
    return item;
  }
};
int Follow(const std::string& path, int item) { return Follower().Follow(path, item); }

class SlowInput : public testing::Test {
 protected:
  static constexpr int kItems = 5;
  static constexpr int kSum = 10;

  ~SlowInput() override {
    for (int item = 0; item < kItems; ++item) unlink(PathOf(item).c_str());
  }

  // 0, 1, 2 ... each when Follow() of the one before has run.
  troupe::Generator<int> Items() {
    for (int item = 0; item < kItems; ++item) {
      if (item > 0 && !HasRun(item - 1)) throw std::runtime_error("nobody works on the last item");
      co_yield item;
    }
  }

  const std::string path_ = testing::TempDir() + "/followed." + std::to_string(getpid()) + ".";

 private:
  std::string PathOf(int item) const { return path_ + std::to_string(item); }
  bool HasRun(int item) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (access(PathOf(item).c_str(), F_OK) != 0) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  const troupe::Cluster cluster_ = troupe::Init({.workers = 1});
};

int SumOf(const std::vector<int>& values) {
  int sum = 0;
  for (const int value : values) sum += value;
  return sum;
}

TEST_F(SlowInput, OfAMap) {
  EXPECT_EQ(
      SumOf(
          troupe::Map(troupe::Bind(Follow, path_), Items(), {.chunk = 1, .window = 3}).ToVector()),
      kSum);
}

TEST_F(SlowInput, OfAMapReduce) {
  EXPECT_EQ(troupe::MapReduce(troupe::Bind(Follow, path_), std::plus<int>(), Items(), {.chunk = 1}),
            kSum);
}

TEST_F(SlowInput, OfAPool) {
  const troupe::ActorPool<Follower> pool({troupe::Actor<Follower>().Remote()});
  const auto follow = [&](const troupe::ActorHandle<Follower>& actor, int item) {
    return actor.Task(&Follower::Follow).Remote(path_, item);
  };
  EXPECT_EQ(SumOf(pool.Map(follow, Items()).ToVector()), kSum);
}

}  // namespace
