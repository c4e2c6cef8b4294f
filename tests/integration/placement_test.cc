// Placement groups, on real processes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "sdk/troupe.h"

namespace {

int Square(int x) { return x * x; }

// Ends when the promise behind it is kept.
pid_t WaitFor(const troupe::ObjectRef<int>& gate) { return troupe::Get(gate) == 0 ? 0 : getpid(); }

class Model {
 public:
  pid_t Pid() const { return gettid(); }
};

// The same through another process, which makes the group and hands it on.
troupe::PlacementGroup GroupOfATask() {
  return troupe::PlacementGroup::New({{.cpus = 1}}, {.name = "made in a task"});
}
int SquareIn(const troupe::PlacementGroup& group, int x) {
  return troupe::Get(troupe::Task(Square).Options({.placement = group.In(0)}).Remote(x));
}

template <typename F>
std::string ErrorOf(F f) {
  try {
    f();
  } catch (const troupe::Error& e) {
    return e.what();
  }
  return "";
}

TEST(PlacementGroup, RunsTasksAndActorsInItsBundles) {
  const troupe::Cluster cluster = troupe::Init({.workers = 3, .gpus = 1});
  const auto group = troupe::PlacementGroup::New(
      {{.cpus = 1}, {.cpus = 1, .gpus = 1}}, {.strategy = troupe::PlacementStrategy::kStrictPack});
  troupe::Get(group.Ready());
  const auto model = troupe::Actor<Model>().Options({.cpus = 1, .placement = group.In(1)}).Remote();
  EXPECT_NE(troupe::Get(model.Task(&Model::Pid).Remote()), getpid());
  std::vector<troupe::ObjectRef<int>> squares;
  for (int i = 0; i < 100; ++i)
    squares.push_back(troupe::Task(Square).Options({.placement = group}).Remote(i));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(troupe::Get(squares[static_cast<size_t>(i)]), i * i);
}

TEST(PlacementGroup, WaitsForAllItsBundlesAndItsTasksForIt) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2, .gpus = 1});
  const auto model = troupe::Actor<Model>().Options({.resources = {{"gpu", 1}}}).Remote();
  EXPECT_NE(troupe::Get(model.Task(&Model::Pid).Remote()), getpid());
  const auto all = troupe::PlacementGroup::New({{.cpus = 2}, {.gpus = 1}});
  const auto square = troupe::Task(Square).Options({.placement = all.In(0)}).Remote(7);
  EXPECT_EQ(troupe::TryGet(all.Ready(), absl::ZeroDuration()).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(troupe::TryGet(square, absl::ZeroDuration()).ok());
  troupe::Kill(model);
  EXPECT_EQ(troupe::Get(square), 49);
  troupe::Get(all.Ready());
}

TEST(PlacementGroup, TravelsAndGivesItsResourcesBack) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  {
    const auto group = troupe::Get(troupe::Task(GroupOfATask).Remote());
    EXPECT_EQ(troupe::Get(troupe::Task(SquareIn).Remote(group, 9)), 81);
  }
  // Both CPUs are free again, or this would wait for ever.
  const auto both = troupe::PlacementGroup::New({{.cpus = 2}});
  troupe::Get(both.Ready());
}

TEST(PlacementGroup, WhatCannotBeIsToldAtOnce) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  const auto large = troupe::PlacementGroup::New({{.cpus = 2}, {.cpus = 1}}, {.name = "large"});
  EXPECT_THROW(troupe::Get(large.Ready()), troupe::Infeasible);
  EXPECT_THROW((void)troupe::Get(troupe::Task(Square).Options({.placement = large}).Remote(1)),
               troupe::Infeasible);
  const auto apart = troupe::PlacementGroup::New(
      {{.cpus = 1}, {.cpus = 1}}, {.strategy = troupe::PlacementStrategy::kStrictSpread});
  EXPECT_THROW(troupe::Get(apart.Ready()), troupe::Infeasible);
  const auto group = troupe::PlacementGroup::New({{.cpus = 1}});
  EXPECT_THROW((void)troupe::Get(
                   troupe::Task(Square).Options({.cpus = 2, .placement = group.In(0)}).Remote(1)),
               troupe::Infeasible);
  EXPECT_THROW(
      (void)troupe::Get(troupe::Task(Square).Options({.placement = group.In(1)}).Remote(1)),
      troupe::InvalidArgument);
  EXPECT_NE(ErrorOf([] { (void)troupe::PlacementGroup::New({}); }).find("at least one"),
            std::string::npos);
  EXPECT_NE(ErrorOf([] {
              (void)troupe::PlacementGroup::New({{.cpus = 1}, {}});
            }).find("bundle 1 asks for"),
            std::string::npos);
  EXPECT_NE(ErrorOf([] { (void)troupe::PlacementGroup::New({{.cpus = -1}}); }).find("is no amount"),
            std::string::npos);
  EXPECT_NE(ErrorOf([] {
              (void)troupe::Task([] {}).Options({.placement = troupe::PlacementGroup()}).Remote();
            }).find("placement: this ObjectRef refers to nothing"),
            std::string::npos);
  EXPECT_NE(ErrorOf([] { troupe::PlacementGroup().Remove(); }).find("refers to nothing"),
            std::string::npos);
  EXPECT_NE(ErrorOf([] {
              (void)troupe::Task(Square).Options({.resources = {{"a@b", 1}}}).Remote(1);
            }).find("no resource is named"),
            std::string::npos);
}

TEST(PlacementGroup, RemoveEndsWhatIsInIt) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  const auto group = troupe::PlacementGroup::New({{.cpus = 1}, {.cpus = 1}}, {.name = "stages"});
  troupe::Promise<int> gate;
  const auto running = troupe::Task(WaitFor).Options({.placement = group.In(0)}).Remote(gate.ref());
  const auto model = troupe::Actor<Model>().Options({.cpus = 1, .placement = group.In(1)}).Remote();
  (void)troupe::Get(model.Task(&Model::Pid).Remote());
  group.Remove();
  EXPECT_NE(ErrorOf([&] { (void)troupe::Get(running); }).find("\"stages\" was removed"),
            std::string::npos);
  EXPECT_THROW((void)troupe::Get(model.Task(&Model::Pid).Remote()), troupe::ActorDied);
  EXPECT_THROW((void)troupe::Get(troupe::Task(Square).Options({.placement = group}).Remote(1)),
               troupe::Cancelled);
  const auto both = troupe::PlacementGroup::New({{.cpus = 2}});
  troupe::Get(both.Ready());
}

}  // namespace
