// Placement groups, event by event.
#include <gtest/gtest.h>

#include <utility>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class PlacementTest : public CoreTest {
 protected:
  PlacementTest() : CoreTest(TwoCpusAndAGpu()) {}
  static ResourceSet TwoCpusAndAGpu() {
    ResourceSet total = ResourceSet::Cpus(2);
    total.SetNamed("gpu", kResourceUnit);
    return total;
  }

  absl::Status Make(std::vector<wire::Bundle> bundles,
                    wire::PlacementStrategy strategy = wire::PlacementStrategy::kPack) {
    const absl::Status status =
        core_.MakePlacementGroup(kDriver, {group_, std::move(bundles), strategy, "stages", {}});
    Perform();
    return status;
  }
  // `bundle` 0: any.
  wire::TaskSpec In(uint32_t bundle, uint64_t sequence) const {
    wire::TaskSpec spec = Spec(kDriver, sequence);
    spec.placement = {group_, bundle};
    return spec;
  }
  void SubmitAll(const std::vector<wire::TaskSpec>& specs) {
    for (const wire::TaskSpec& spec : specs) ASSERT_TRUE(Submit(kDriver, spec).ok());
    Perform();
  }
  bool Runs(uint64_t sequence) { return FindDispatch(TaskId::Make(kDriver, sequence)) != nullptr; }
  // At the head of its worker's queue.
  size_t Running() const {
    size_t running = 0;
    core_.workers().ForEach([&](const Worker& worker) { running += !worker.queue.empty(); });
    return running;
  }
  void End(uint64_t sequence) {
    ASSERT_TRUE(Complete(TaskId::Make(kDriver, sequence), ValueOf("12345678")).ok());
    Perform();
  }
  const ErrorInfo* ErrorOfTask(uint64_t sequence) {
    return ErrorOf(TaskId::Make(kDriver, sequence).Result(0));
  }
  void Release(ObjectId id) {
    ASSERT_TRUE(core_.Release(kDriver, {{{id, 1}}}).ok());
    Perform();
  }

  static constexpr wire::TaskKind kCreation = wire::TaskKind::kActorCreation;
  static wire::Bundle Cpus(int64_t cpus) { return {cpus * kResourceUnit, {}}; }
  const ObjectId group_ = ObjectId::Make(kDriver, 1'000);
};

TEST_F(PlacementTest, AllBundlesAreReservedOrNone) {
  SubmitAll({Spec(kDriver, 1)});
  ASSERT_TRUE(Make({Cpus(1), Cpus(1)}).ok());
  SubmitAll({In(1, 2)});
  EXPECT_TRUE(ready_.empty());
  EXPECT_FALSE(Runs(2));
  EXPECT_EQ(core_.workers().free().cpu_units(), kResourceUnit) << "a half of it was reserved";
  const std::string why = core_.Why(TaskId::Make(kDriver, 2).Result(0));
  EXPECT_NE(why.find("placement group g-1.1000 \"stages\" needs 2 cpus"), std::string::npos) << why;
  End(1);
  EXPECT_TRUE(std::count(ready_.begin(), ready_.end(), std::pair(kDriver, group_)) == 1);
  EXPECT_TRUE(Runs(2));
  EXPECT_EQ(core_.workers().free().cpu_units(), 0);
}

TEST_F(PlacementTest, WhatWantsAllTheCpusIsNotPassedForEver) {
  SubmitAll({Spec(kDriver, 1), Spec(kDriver, 2)});
  ASSERT_TRUE(Make({Cpus(2)}).ok());
  SubmitAll({Spec(kDriver, 3), Spec(kDriver, 4)});
  End(1);
  End(2);
  EXPECT_TRUE(std::count(ready_.begin(), ready_.end(), std::pair(kDriver, group_)) == 1);
}

TEST_F(PlacementTest, ABundleIsUsedByItsTasksAlone) {
  ASSERT_TRUE(Make({Cpus(1), Cpus(1)}).ok());
  SubmitAll({Spec(kDriver, 1), In(1, 2), In(1, 3), In(2, 4)});
  EXPECT_FALSE(Runs(1)) << "it runs on what the group has reserved";
  EXPECT_EQ(Running(), 2u) << "two tasks share a bundle's CPU, or one has it for nothing";
  EXPECT_TRUE(Runs(2));
  EXPECT_TRUE(Runs(4));
  const std::string why = core_.Why(TaskId::Make(kDriver, 1).Result(0));
  EXPECT_NE(why.find("placement group g-1.1000 \"stages\" has reserved 2 cpus"), std::string::npos)
      << why;
}

TEST_F(PlacementTest, AnyBundleIsOneThatIsFree) {
  ASSERT_TRUE(Make({Cpus(1), Cpus(1)}).ok());
  SubmitAll({In(1, 1), In(0, 2)});
  EXPECT_EQ(Running(), 2u);
  SubmitAll({In(0, 3), In(0, 4), In(0, 5)});
  // Those behind another one move to the bundle that is free.
  End(2);
  for (uint64_t sequence = 3; sequence < 6; ++sequence) {
    ASSERT_TRUE(Runs(sequence));
    End(sequence);
  }
  End(1);
}

TEST_F(PlacementTest, ALargeTaskOfAnyBundleIsNotPassedForEver) {
  ASSERT_TRUE(Make({Cpus(2)}).ok());
  wire::TaskSpec large = In(0, 3);
  large.cpu_units = 2 * kResourceUnit;
  SubmitAll({In(0, 1), In(0, 2), large});
  core_.AdvanceTo(kSecond);
  SubmitAll({In(0, 4), In(0, 5)});
  End(1);
  End(2);
  EXPECT_TRUE(Runs(3));
}

TEST_F(PlacementTest, WhatCanNeverBeIsToldAtOnce) {
  ASSERT_TRUE(Make({Cpus(2), Cpus(1)}).ok());
  ASSERT_NE(ErrorOf(group_), nullptr);
  EXPECT_EQ(ErrorOf(group_)->kind, ErrorKind::kInfeasible);
  EXPECT_NE(ErrorOf(group_)->message.find("3 cpus"), std::string::npos);
  SubmitAll({In(1, 1)});
  ASSERT_NE(ErrorOfTask(1), nullptr);
  EXPECT_EQ(ErrorOfTask(1)->kind, ErrorKind::kInfeasible);
}

TEST_F(PlacementTest, StrictlySpreadBundlesNeedAMachineEach) {
  ASSERT_TRUE(Make({Cpus(1), Cpus(1)}, wire::PlacementStrategy::kStrictSpread).ok());
  ASSERT_NE(ErrorOf(group_), nullptr);
  EXPECT_EQ(ErrorOf(group_)->kind, ErrorKind::kInfeasible);
  EXPECT_NE(ErrorOf(group_)->message.find("as many machines"), std::string::npos);
}

TEST_F(PlacementTest, ATaskThatNoBundleCanHoldIsInfeasible) {
  ASSERT_TRUE(Make({Cpus(1), {0, {{"gpu", kResourceUnit}}}}).ok());
  wire::TaskSpec both = In(0, 1);
  both.resources = {{"gpu", kResourceUnit}};
  SubmitAll({both, In(2, 2), In(3, 3)});
  ASSERT_NE(ErrorOfTask(1), nullptr);
  EXPECT_EQ(ErrorOfTask(1)->kind, ErrorKind::kInfeasible);
  EXPECT_NE(ErrorOfTask(1)->message.find("each bundle"), std::string::npos);
  ASSERT_NE(ErrorOfTask(2), nullptr);
  EXPECT_NE(ErrorOfTask(2)->message.find("bundle 1 of its placement group g-1.1000"),
            std::string::npos)
      << ErrorOfTask(2)->message;
  ASSERT_NE(ErrorOfTask(3), nullptr);
  EXPECT_EQ(ErrorOfTask(3)->kind, ErrorKind::kInvalidArgument);
}

TEST_F(PlacementTest, TheLastReferenceGivesEverythingBack) {
  ASSERT_TRUE(Make({Cpus(1), Cpus(1)}).ok());
  SubmitAll({In(1, 1), Spec(kDriver, 2)});
  Release(group_);
  EXPECT_FALSE(Runs(2)) << "a task is in it still";
  End(1);
  EXPECT_TRUE(Runs(2));
  EXPECT_EQ(core_.workers().total(), TwoCpusAndAGpu());
}

TEST_F(PlacementTest, OneThatWaitsIsDroppedWithItsReference) {
  SubmitAll({Spec(kDriver, 1)});
  ASSERT_TRUE(Make({Cpus(2)}).ok());
  SubmitAll({Spec(kDriver, 2)});
  Release(group_);
  EXPECT_TRUE(Runs(2)) << "the claim of a group that is gone holds it up";
}

TEST_F(PlacementTest, RemovingItEndsWhatIsInIt) {
  ASSERT_TRUE(Make({Cpus(1), Cpus(1)}).ok());
  wire::TaskSpec actor = In(2, 2);
  actor.kind = kCreation;
  actor.type_name = "Model";
  SubmitAll({In(1, 1), actor, In(1, 3), Spec(kDriver, 4)});
  Begin(*FindDispatch(TaskId::Make(kDriver, 1)));
  End(2);
  ASSERT_TRUE(core_.RemovePlacementGroup(kDriver, group_).ok());
  Perform();
  for (const uint64_t sequence : {1, 3}) {
    ASSERT_NE(ErrorOfTask(sequence), nullptr) << sequence;
    EXPECT_EQ(ErrorOfTask(sequence)->kind, ErrorKind::kCancelled);
    EXPECT_NE(ErrorOfTask(sequence)->message.find("was removed"), std::string::npos);
  }
  EXPECT_EQ(killed_.size(), 2u);
  EXPECT_FALSE(Runs(4)) << "its processes live still";
  for (const ProcessId process : killed_)
    core_.ProcessDied(process, "killed by signal 9 (SIGKILL)", 17);
  Perform();
  EXPECT_TRUE(Runs(4));
  EXPECT_EQ(core_.workers().total(), TwoCpusAndAGpu());
  SubmitAll({In(1, 5)});
  ASSERT_NE(ErrorOfTask(5), nullptr);
  EXPECT_EQ(ErrorOfTask(5)->kind, ErrorKind::kCancelled);
  EXPECT_TRUE(core_.RemovePlacementGroup(kDriver, group_).ok()) << "twice is once";
}

TEST_F(PlacementTest, ABlockedTaskLendsItsBundlesCpu) {
  ASSERT_TRUE(Make({Cpus(1), Cpus(1)}).ok());
  SubmitAll({In(1, 1), In(1, 2)});
  const SendDispatch parent = *FindDispatch(TaskId::Make(kDriver, 1));
  Begin(parent);
  ASSERT_TRUE(core_.Blocked(parent.worker, {{TaskId::Make(kDriver, 2).Result(0)}, 1}).ok());
  Perform();
  EXPECT_TRUE(Runs(2));
  EXPECT_NE(FindDispatch(TaskId::Make(kDriver, 2))->worker, parent.worker);
}

TEST_F(PlacementTest, AWaitForAnActorThatNeedsTheGpuThatItHoldsIsRefused) {
  wire::TaskSpec holder = Spec(kDriver, 1);
  holder.resources = {{"gpu", kResourceUnit}};
  SubmitAll({holder});
  const SendDispatch parent = *FindDispatch(holder.id);
  Begin(parent);
  wire::TaskSpec actor = Spec(parent.worker, 1);
  actor.kind = kCreation;
  actor.cpu_units = 0;
  actor.resources = holder.resources;
  actor.type_name = "Model";
  ASSERT_TRUE(Submit(parent.worker, actor).ok());
  wire::TaskSpec call = Spec(parent.worker, 2);
  call.kind = wire::TaskKind::kActorCall;
  call.cpu_units = 0;
  call.actor = actor.id.Result(0);
  call.sequence = 1;
  ASSERT_TRUE(Submit(parent.worker, call).ok());
  ASSERT_TRUE(core_.Blocked(parent.worker, {{call.id.Result(0)}, 1}).ok());
  Perform();
  ASSERT_EQ(refusals_.size(), 1u);
  EXPECT_EQ(refusals_[0].kind, ErrorKind::kResourceExhausted);
  EXPECT_NE(refusals_[0].message.find("actor Model needs"), std::string::npos)
      << refusals_[0].message;
}

TEST_F(PlacementTest, ASmallActorGoesPastALargeOne) {
  wire::TaskSpec actors[3] = {Spec(kDriver, 1), Spec(kDriver, 2), Spec(kDriver, 3)};
  for (wire::TaskSpec& actor : actors) {
    actor.kind = kCreation;
    actor.type_name = "Model";
  }
  actors[1].cpu_units = 2 * kResourceUnit;
  actors[2].cpu_units = 0;
  SubmitAll({actors[0], actors[1], actors[2]});
  EXPECT_TRUE(Runs(1));
  EXPECT_FALSE(Runs(2));
  EXPECT_TRUE(Runs(3)) << "it needs nothing that the large one lacks";
}

TEST_F(PlacementTest, LiesAreRefused) {
  const auto refused = [](const absl::Status& status) { return !status.ok(); };
  EXPECT_TRUE(refused(Make({})));
  EXPECT_TRUE(refused(Make({{0, {}}})));
  EXPECT_TRUE(refused(Make({{-1, {}}})));
  EXPECT_TRUE(refused(Make({{1, {{"gpu@g-1.2/0", 1}}}})));
  EXPECT_TRUE(refused(Make(std::vector<wire::Bundle>(Limits::kMaxBundles + 1, Cpus(1)))));
  EXPECT_TRUE(refused(Submit(kDriver, In(1, 1)))) << "there is no such group";
  ASSERT_TRUE(Make({Cpus(1)}).ok());
  EXPECT_TRUE(refused(Make({Cpus(1)}))) << "the same id twice";
  EXPECT_TRUE(refused(core_.RemovePlacementGroup(ClientId(7), group_)));
  EXPECT_TRUE(refused(core_.RemovePlacementGroup(kDriver, ObjectId::Make(kDriver, 77))));
  wire::TaskSpec forged = Spec(kDriver, 2);
  forged.resources = {{"cpus@g-1.1000/0", kResourceUnit}};
  EXPECT_TRUE(refused(Submit(kDriver, forged)));
  EXPECT_TRUE(core_.Report("list groups")->find("reserved") != std::string::npos);
}

}  // namespace
}  // namespace troupe::scheduler
