// Streams in the core: items in order, what the consumer has taken, retries and ends.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class StreamTest : public CoreTest {
 protected:
  StreamTest() : CoreTest(1) {}

  TaskId SubmitStream(uint64_t sequence) {
    wire::TaskSpec spec = Spec(kDriver, sequence);
    spec.stream_window = 4;
    EXPECT_TRUE(Submit(kDriver, spec).ok());
    Perform();
    return spec.id;
  }
  absl::Status Yield(TaskId task, uint32_t index) {
    const SendDispatch dispatch = *FindDispatch(task);
    Begin(dispatch);
    const absl::Status status = core_.StreamItem(
        dispatch.worker, {task, dispatch.attempt, dispatch.slot, index, ValueOf("an item ")});
    Perform();
    return status;
  }
};

TEST_F(StreamTest, ItemsComeInOrderAndThenTheEnd) {
  const TaskId task = SubmitStream(1);
  ASSERT_TRUE(Yield(task, 0).ok());
  ASSERT_TRUE(Yield(task, 1).ok());
  EXPECT_FALSE(Yield(task, 3).ok()) << "number 2 is missing";
  EXPECT_EQ(streamed_, (std::vector{task.Result(1), task.Result(2)}));
  ASSERT_TRUE(Complete(task, ValueOf("the end ")).ok());
  Perform();
  EXPECT_EQ(ready_, (std::vector<std::pair<ClientId, ObjectId>>{{kDriver, task.Result(0)}}));
  // The consumer has a grant on each, and gives them back.
  ASSERT_TRUE(core_.Release(kDriver, {{{task.Result(0), 1}, {task.Result(1), 1}}}).ok());
  EXPECT_EQ(core_.objects().count(), 1u);
  ASSERT_TRUE(core_.Release(kDriver, {{{task.Result(2), 1}}}).ok());
  EXPECT_EQ(core_.objects().count(), 0u);
}

TEST_F(StreamTest, TheProducerIsToldWhatWasTaken) {
  const TaskId task = SubmitStream(1);
  ASSERT_TRUE(Yield(task, 0).ok());
  ASSERT_TRUE(core_.StreamDemand(kDriver, {task, 1, false}).ok());
  Perform();
  ASSERT_EQ(demands_.size(), 1u);
  EXPECT_EQ(demands_[0].worker, FindDispatch(task)->worker);
  EXPECT_EQ(demands_[0].consumed, 1u);
  EXPECT_FALSE(core_.StreamDemand(kDriver, {task, 2, false}).ok()) << "it was never given so many";
  EXPECT_FALSE(core_.StreamDemand(ClientId(99), {task, 1, false}).ok()) << "no stream of its own";
}

TEST_F(StreamTest, ARetryDoesNotRepeatWhatTheConsumerHas) {
  const TaskId task = SubmitStream(1);
  ASSERT_TRUE(Yield(task, 0).ok());
  ASSERT_TRUE(core_.StreamDemand(kDriver, {task, 1, false}).ok());
  core_.ProcessDied(ProcessOf(FindDispatch(task)->worker), "killed by signal 9", 7);
  Perform();
  ASSERT_EQ(FindDispatch(task)->attempt, 2u);
  demands_.clear();
  ASSERT_TRUE(Yield(task, 0).ok());
  EXPECT_EQ(streamed_.size(), 1u);
  ASSERT_EQ(demands_.size(), 1u) << "it must know where the consumer is";
  EXPECT_EQ(demands_[0].consumed, 1u);
  ASSERT_TRUE(Yield(task, 1).ok());
  EXPECT_EQ(streamed_.size(), 2u);
  ASSERT_TRUE(Complete(task, ValueOf("the end ")).ok());
  Perform();
}

TEST_F(StreamTest, AStreamThatIsDroppedStopsItsProducer) {
  const TaskId running = SubmitStream(1), queued = SubmitStream(2);
  ASSERT_TRUE(Yield(running, 0).ok());
  ASSERT_TRUE(core_.StreamDemand(kDriver, {running, 0, true}).ok());
  ASSERT_TRUE(core_.StreamDemand(kDriver, {queued, 0, true}).ok());
  Perform();
  ASSERT_EQ(demands_.size(), 1u);
  EXPECT_TRUE(demands_[0].stopped);
  ASSERT_NE(ErrorOf(queued.Result(0)), nullptr) << "one that has not begun need not";
  EXPECT_EQ(ErrorOf(queued.Result(0))->kind, ErrorKind::kCancelled);
  // An item that was under way is dropped, and the producer told again: it may not have listened.
  ASSERT_TRUE(Yield(running, 1).ok());
  EXPECT_EQ(streamed_.size(), 1u);
  EXPECT_EQ(demands_.size(), 2u);
  ASSERT_TRUE(Complete(running, ValueOf("the end ")).ok());
  Perform();
}

TEST_F(StreamTest, SeveralItemsMayBeUnderWayWhenTheirStreamIsDropped) {
  const TaskId task = SubmitStream(1);
  ASSERT_TRUE(Yield(task, 0).ok());
  ASSERT_TRUE(core_.StreamDemand(kDriver, {task, 1, true}).ok());
  for (uint32_t index = 1; index < 4; ++index) EXPECT_TRUE(Yield(task, index).ok()) << index;
  EXPECT_TRUE(Complete(task, ValueOf("the end ")).ok());
  Perform();
  EXPECT_EQ(streamed_.size(), 1u);
}

TEST_F(StreamTest, AProducerWhoseConsumerHasDiedStops) {
  wire::TaskSpec parent = Spec(kDriver, 1);
  ASSERT_TRUE(Submit(kDriver, parent).ok());
  Perform();
  const SendDispatch dispatch = *FindDispatch(parent.id);
  Begin(dispatch);
  wire::TaskSpec spec = Spec(dispatch.worker, 1);
  spec.stream_window = 4;
  ASSERT_TRUE(Submit(dispatch.worker, spec).ok());
  ASSERT_TRUE(core_.Blocked(dispatch.worker, {{spec.id.Result(0)}, 1}).ok());
  Perform();
  ASSERT_NE(FindDispatch(spec.id), nullptr);
  ASSERT_TRUE(Yield(spec.id, 0).ok());
  core_.ProcessDied(ProcessOf(dispatch.worker), "killed by signal 9", 7);
  Perform();
  ASSERT_EQ(demands_.size(), 1u);
  EXPECT_TRUE(demands_[0].stopped);
}

}  // namespace
}  // namespace troupe::scheduler
