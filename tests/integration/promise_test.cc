// Objects made by hand, on real processes.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sdk/troupe.h"

namespace {

int Twice(int x) { return 2 * x; }
double Sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// The message of the ObjectLost that Get throws.
template <typename T>
std::string WhyLost(const troupe::ObjectRef<T>& ref) {
  try {
    (void)troupe::Get(ref);
  } catch (const troupe::ObjectLost& e) {
    return e.what();
  }
  return "it is not lost";
}

TEST(Promise, TasksBeginWhenItIsKept) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  troupe::Promise<int> promise;
  const auto twice = troupe::Task(Twice).Remote(promise.ref());
  EXPECT_FALSE(troupe::TryGet(twice, absl::ZeroDuration()).ok());
  promise.Set(21);
  EXPECT_EQ(troupe::Get(twice), 42);
  EXPECT_EQ(troupe::Get(promise.ref()), 21);
}

TEST(Promise, OfALargeValueLiesInTheStore) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  troupe::Promise<std::vector<double>> promise;
  const auto sum = troupe::Task(Sum).Remote(promise.ref());
  promise.Set(std::vector<double>(1'000'000, 0.5));
  EXPECT_EQ(troupe::Get(sum), 500'000);
  EXPECT_EQ(troupe::Get(promise.ref()).size(), 1'000'000u);
}

TEST(Promise, MayBeKeptByAnotherThreadWhileSomebodyWaits) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  troupe::Promise<void> promise;
  const troupe::ObjectRef<void> ref = promise.ref();
  std::thread keeper([&promise] { promise.Set(); });
  troupe::Get(ref);
  keeper.join();
}

TEST(Promise, ThatIsDestroyedIsBroken) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  troupe::ObjectRef<int> ref, twice;
  {
    const troupe::Promise<int> promise;
    ref = promise.ref();
    twice = troupe::Task(Twice).Remote(ref);
  }
  EXPECT_NE(WhyLost(ref).find("it was destroyed before its value was set"), std::string::npos);
  EXPECT_NE(WhyLost(twice).find("it was destroyed before its value was set"), std::string::npos);
}

TEST(Promise, MayBecomeAnError) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  troupe::Promise<int> promise;
  promise.SetError("the sensor does not answer");
  try {
    (void)troupe::Get(promise.ref());
    FAIL() << "an error has a value";
  } catch (const troupe::TaskError& e) {
    EXPECT_NE(std::string(e.what()).find("the sensor does not answer"), std::string::npos);
  }
}

TEST(Promise, IsKeptOnce) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  troupe::Promise<int> promise;
  promise.Set(1);
  EXPECT_THROW(promise.Set(2), troupe::InvalidArgument);
  EXPECT_THROW(promise.SetError("no"), troupe::InvalidArgument);
  const troupe::Promise<int> moved = std::move(promise);
  EXPECT_THROW(promise.Set(3), troupe::InvalidArgument);
  EXPECT_EQ(troupe::Get(moved.ref()), 1);
}

struct Made {
  int pid = 0;
  troupe::ObjectRef<int> ref;
};
Made MakeAndNeverKeep() {
  static auto* const promise = new troupe::Promise<int>();
  return {getpid(), promise->ref()};
}

TEST(Promise, BreaksWithTheProcessThatMadeIt) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  const Made made = troupe::Get(troupe::Task(MakeAndNeverKeep).Remote());
  const auto twice = troupe::Task(Twice).Remote(made.ref);
  kill(made.pid, SIGKILL);
  EXPECT_NE(WhyLost(made.ref).find("ended before it set the value"), std::string::npos);
  EXPECT_NE(WhyLost(twice).find("ended before it set the value"), std::string::npos);
}

TEST(Promise, MayHoldReferences) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  troupe::Promise<std::vector<troupe::ObjectRef<int>>> promise;
  const auto ref = promise.ref();
  promise.Set({troupe::Put(1), troupe::Task(Twice).Remote(1)});
  EXPECT_EQ(troupe::Get(troupe::Get(ref)), (std::vector<int>{1, 2}));
}

TEST(Promise, NeedsACluster) { EXPECT_THROW(troupe::Promise<int>(), troupe::Unavailable); }

}  // namespace
