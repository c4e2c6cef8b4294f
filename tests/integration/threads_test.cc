// The SDK from many threads of one program at once: what they share is one Bind, one handle, one
// builder, one registry, one reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <latch>
#include <numeric>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sdk/troupe.h"

namespace {

constexpr int kThreads = 16;
constexpr int kRounds = 25;

int Square(int x) { return x * x; }
troupe::Generator<int> CountTo(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}

class Counter {
 public:
  int Add(int by) { return n_ += by; }

 private:
  int n_ = 0;
};

[[maybe_unused]] const bool registered = troupe::RegisterFunction("threads.square", Square);

class ThreadsTest : public testing::Test {
 protected:
  // Runs it on each thread at once.
  static void OnEachThread(const std::function<void(int thread)>& f) {
    std::latch all_are_there(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        all_are_there.arrive_and_wait();
        f(t);
      });
    }
  }

  // Of the size of what is bound.
  static std::ptrdiff_t LargeObjects() {
    const std::vector<troupe::StoredObject> objects = troupe::Memory().objects;
    return std::count_if(objects.begin(), objects.end(),
                         [](const auto& object) { return object.size >= 800'000; });
  }

  // Bound before there is a cluster: the first calls store it, and share what is stored.
  const troupe::Bind<double (*)(std::span<const double>, int), std::vector<double>> bound_{
      [](std::span<const double> xs, int i) { return xs[static_cast<size_t>(i)] + i; },
      std::vector<double>(100'000, 0.5)};
  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

TEST_F(ThreadsTest, OneBindIsStoredOnce) {
  std::atomic<int> right{0};
  OnEachThread([&](int t) {
    for (int i = 0; i < kRounds; ++i)
      right += troupe::Get(troupe::Task(bound_).Remote(t + i)) == 0.5 + (t + i);
  });
  EXPECT_EQ(right, kThreads * kRounds);
  EXPECT_EQ(LargeObjects(), 1);
}

TEST_F(ThreadsTest, OneHandleOneBuilderAndOneReference) {
  const auto counter = troupe::Actor<Counter>().Remote();
  const auto square = troupe::Task(Square).Options({.name = "shared"});
  const troupe::ObjectRef<int> seven = troupe::Put(7);
  std::atomic<int> right{0};
  OnEachThread([&](int) {
    for (int i = 0; i < kRounds; ++i) {
      const troupe::ObjectRef<int> copy = seven;
      const troupe::ObjectRef<int> sum = counter.Task(&Counter::Add).Remote(1);
      right += troupe::Get(square.Remote(copy)) == 49;
      right += troupe::Get(sum) > 0;
    }
  });
  EXPECT_EQ(right, 2 * kThreads * kRounds);
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(0)), kThreads * kRounds);
}

TEST_F(ThreadsTest, OneRegistryIsFilledAndCalled) {
  troupe::FunctionRegistry registry;
  registry.Register("at", bound_);
  constexpr int kNames = 1000;
  std::atomic<int> right{0};
  OnEachThread([&](int t) {
    const auto own_name = [t](int i) {
      return "own " + std::to_string(t) + " " + std::to_string(i);
    };
    // Without a wait in between, so that they meet.
    for (int i = 0; i < kNames; ++i) {
      registry.Register(own_name(i), Square);
      (void)registry.CallNamed<int(int)>(own_name(i));
    }
    for (int i = 0; i < kRounds; ++i) {
      const std::string own = own_name(i);
      right += troupe::Get(registry.CallNamed<double(int)>("at").Remote(i)) == 0.5 + i;
      right += troupe::Get(registry.CallNamed<int(int)>(own).Remote(i)) == i * i;
      right += troupe::Get(troupe::CallNamed<int(int)>("threads.square").Remote(i)) == i * i;
      const std::string packed = registry.PackTask(own, i);
      right += troupe::UnpackResult<int>(registry.ExecutePacked(packed)) == i * i;
    }
  });
  EXPECT_EQ(right, 4 * kThreads * kRounds);
  EXPECT_EQ(registry.names().size(), 1u + kThreads * kNames);
  EXPECT_EQ(LargeObjects(), 1) << "what is bound was stored once";
}

TEST_F(ThreadsTest, EachWaitsInItsOwnWay) {
  std::atomic<int> right{0};
  OnEachThread([&](int t) {
    std::vector<troupe::ObjectRef<int>> refs;
    for (int i = 0; i < kRounds; ++i) refs.push_back(troupe::Task(Square).Remote(i));
    constexpr int kSum = 4900;  // of the squares below 25
    int sum = 0;
    switch (t % 5) {
      case 0: {
        const auto values = troupe::Get(refs);
        sum = std::accumulate(values.begin(), values.end(), 0);
        break;
      }
      case 1:
        for (auto [i, ref] : troupe::AsCompleted(refs)) sum += troupe::Get(ref);
        break;
      case 2: {
        const auto split = troupe::Wait(refs, {.num_ready = refs.size()});
        for (const troupe::ObjectRef<int>& ref : split.ready) sum += troupe::Get(ref);
        break;
      }
      case 3: {
        for (auto [i, y] : troupe::Map(Square, std::vector<int>(100, 7))) sum += y == 49;
        sum += kSum - 100;
        break;
      }
      default:
        for (const troupe::ObjectRef<int>& item : troupe::Task(CountTo).Remote(99))
          sum += troupe::Get(item);
        sum -= 50;
    }
    right += sum == kSum;
  });
  EXPECT_EQ(right, kThreads);
}

}  // namespace
