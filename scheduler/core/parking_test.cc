// Tasks that wait behind many others are kept packed, and nobody can tell.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

constexpr size_t kAwake = 2;

class ParkingTest : public CoreTest {
 protected:
  ParkingTest()
      : CoreTest(Core::Config{
            .total = ResourceSet::Cpus(1), .store_bytes = kStoreBytes, .max_awake_tasks = kAwake}) {
  }

  static TaskId IdOf(uint64_t sequence) { return TaskId::Make(kDriver, sequence); }
  static ObjectId ResultOf(uint64_t sequence) { return ObjectId::Make(kDriver, sequence); }

  // Tasks 1 to `count`, before there is any worker: all but the first few are parked.
  void SubmitUpTo(uint64_t count) {
    workers_join_ = false;
    for (uint64_t i = 1; i <= count; ++i) ASSERT_TRUE(Submit(kDriver, Spec(kDriver, i)).ok());
    Perform();
    ASSERT_EQ(core_.parked_task_count(), count - kAwake);
  }
  void LetThemRun() {
    for (const ProcessId process : started_)
      ASSERT_TRUE(core_.WorkerJoined(process, WorkerOf(process)).ok());
    Perform();
  }
  std::vector<uint64_t> Dispatched() {
    std::vector<uint64_t> order;
    for (const SendDispatch& dispatch : dispatches_) {
      const auto message = wire::DecodeClientMessage(dispatch.spec.bytes());
      order.push_back(std::get<wire::TaskSpec>(*message).id.lo());
    }
    return order;
  }
};

TEST_F(ParkingTest, TheyRunInOrderAndAsTheyWereSubmitted) {
  workers_join_ = false;
  ASSERT_TRUE(core_.Seal(kDriver, {ResultOf(100), ValueOf("argument")}).ok());
  std::vector<wire::TaskSpec> specs;
  std::vector<std::string> names;
  for (uint64_t i = 1; i <= 20; ++i) names.push_back("Work " + std::to_string(i));
  for (uint64_t i = 1; i <= 20; ++i) {
    wire::TaskSpec spec = Spec(kDriver, i);
    spec.name = names[i - 1];
    spec.entry = i;
    spec.num_returns = static_cast<uint32_t>(1 + i % 2);
    spec.arguments.push_back({ResultOf(100)});
    spec.arguments.push_back({wire::Argument::Inline{{}, {ResultOf(100)}}});
    ASSERT_TRUE(Submit(kDriver, spec).ok());
    specs.push_back(std::move(spec));
  }
  Perform();
  ASSERT_EQ(core_.parked_task_count(), 20 - kAwake);
  ASSERT_TRUE(core_.Release(kDriver, {{{ResultOf(100), 1}}}).ok());
  LetThemRun();
  wire::MessageBuffer buffer;
  for (size_t i = 0; i < specs.size(); ++i) {
    ASSERT_GT(dispatches_.size(), i);
    const SendDispatch dispatch = dispatches_[i];
    EXPECT_TRUE(std::ranges::equal(dispatch.spec.bytes(), wire::Encode(specs[i], buffer))) << i;
    ASSERT_EQ(dispatch.values.size(), 1u);
    EXPECT_EQ(dispatch.values[0].id, ResultOf(100));
    EXPECT_EQ(dispatch.inner_refs, std::vector<ObjectId>{ResultOf(100)});
    EXPECT_EQ(dispatch.attempt, 1u);
    Begin(dispatch);
    wire::Complete complete{specs[i].id, 1, dispatch.slot, {}};
    complete.results.assign(specs[i].num_returns, ValueOf("12345678"));
    ASSERT_TRUE(core_.Complete(dispatch.worker, complete).ok());
    Perform();
  }
  EXPECT_EQ(core_.task_count(), 0u);
}

TEST_F(ParkingTest, OnesOfAHigherPriorityGoFirst) {
  SubmitUpTo(10);
  wire::TaskSpec urgent = Spec(kDriver, 11);
  urgent.priority = 5;
  ASSERT_TRUE(Submit(kDriver, urgent).ok());
  wire::TaskSpec dependent = Spec(kDriver, 12);  // and so does what an urgent one waits for
  dependent.priority = 7;
  dependent.arguments.push_back({ResultOf(9)});
  ASSERT_TRUE(Submit(kDriver, dependent).ok());
  LetThemRun();
  EXPECT_EQ(Dispatched(), (std::vector<uint64_t>{9, 11, 1, 2, 3, 4, 5, 6, 7, 8, 10}));
}

TEST_F(ParkingTest, ACancelledOneIsGoneAndTheOthersStay) {
  SubmitUpTo(10);
  for (const uint64_t i : {1, 5, 10}) {
    ASSERT_TRUE(core_.Cancel(kDriver, {ResultOf(i), false, true}).ok());
    ASSERT_NE(ErrorOf(ResultOf(i)), nullptr) << i;
    EXPECT_EQ(ErrorOf(ResultOf(i))->kind, ErrorKind::kCancelled);
    EXPECT_EQ(ErrorOf(ResultOf(i))->origin, "Work");
    Perform();
  }
  LetThemRun();
  EXPECT_EQ(Dispatched(), (std::vector<uint64_t>{2, 3, 4, 6, 7, 8, 9}));
  EXPECT_EQ(core_.parked_task_count(), 0u);
}

TEST_F(ParkingTest, WhoLooksSeesTheTaskAndWakesNobody) {
  SubmitUpTo(10);
  EXPECT_EQ(core_.Why(ResultOf(8)), "t-1.8 Work waits for a process that is being started\n");
  const absl::StatusOr<std::string> list = core_.Report("list tasks");
  ASSERT_TRUE(list.ok());
  for (uint64_t i = 1; i <= 10; ++i)
    EXPECT_NE(list->find("t-1." + std::to_string(i) + " "), std::string::npos) << *list;
  EXPECT_EQ(core_.parked_task_count(), 10 - kAwake);
}

TEST_F(ParkingTest, TheyEndWithTheirDriver) {
  SubmitUpTo(10);
  core_.DriverLeft(kDriver);
  Perform();
  EXPECT_EQ(core_.task_count(), 0u);
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(ParkingTest, OnesThatOthersKnowStayAwake) {
  SubmitUpTo(3);
  wire::TaskSpec timed = Spec(kDriver, 4), stream = Spec(kDriver, 5);
  timed.timeout_nanos = kSecond;
  stream.stream_window = 4;
  ASSERT_TRUE(Submit(kDriver, timed).ok());
  ASSERT_TRUE(Submit(kDriver, stream).ok());
  EXPECT_EQ(core_.parked_task_count(), 1u);
  core_.AdvanceTo(2 * kSecond);
  ASSERT_NE(ErrorOf(ResultOf(4)), nullptr);
  EXPECT_EQ(ErrorOf(ResultOf(4))->kind, ErrorKind::kDeadlineExceeded);
  Perform();
}

}  // namespace
}  // namespace troupe::scheduler
