// Failures at which nobody can look any more, event by event.
#include <gtest/gtest.h>

#include <cstdint>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class UnreadTest : public CoreTest {
 protected:
  // A task whose result its submitter has let go, or has not.
  TaskId Submitted(bool let_go, ObjectId argument = ObjectId()) {
    wire::TaskSpec spec = Spec(kDriver, next_++);
    if (!argument.is_null()) spec.arguments.push_back({argument});
    EXPECT_TRUE(Submit(kDriver, spec).ok());
    Perform();
    if (let_go) Release(spec.id, /*unread=*/true);
    return spec.id;
  }
  void Release(TaskId task, bool unread) {
    ASSERT_TRUE(core_.Release(kDriver, {{{task.Result(0), 1, unread}}}).ok());
    Perform();
  }
  void Fail(TaskId task, const char* message = "it failed") {
    const ErrorInfo error{.kind = ErrorKind::kTaskError, .message = message};
    ASSERT_TRUE(Complete(task, {error, {}}).ok());
    Perform();
  }

  uint64_t next_ = 1;
};

TEST_F(UnreadTest, WhatFailsAfterItsReferencesHaveGoneIsTold) {
  const TaskId task = Submitted(/*let_go=*/true);
  Fail(task, "too late");
  ASSERT_EQ(unread_.size(), 1u);
  EXPECT_EQ(unread_[0].client, kDriver);
  EXPECT_EQ(unread_[0].error.message, "too late");
}

TEST_F(UnreadTest, WhatHasReferencesIsNot) {
  const TaskId held = Submitted(/*let_go=*/false);
  Fail(held);
  Release(held, /*unread=*/false);  // it has seen the error
  EXPECT_TRUE(unread_.empty());
}

// The error is under way when the last reference goes.
TEST_F(UnreadTest, AReleaseThatCrossesTheErrorSaysWhetherItIsNews) {
  const TaskId task = Submitted(/*let_go=*/false);
  Fail(task);
  Release(task, /*unread=*/true);
  EXPECT_EQ(unread_.size(), 1u);
}

TEST_F(UnreadTest, WhatWasPassedOnIsToldWithWhatTakesIt) {
  for (const bool let_go : {false, true}) {
    const TaskId maker = Submitted(/*let_go=*/false);
    Submitted(let_go, maker.Result(0));
    Release(maker, /*unread=*/false);
    Fail(maker, "the cause");
    ASSERT_EQ(unread_.size(), let_go ? 1u : 0u) << "of what takes it";
  }
  EXPECT_EQ(unread_[0].error.message, "the cause");
}

TEST_F(UnreadTest, WhatTheProgramHasEndedItselfIsNoNews) {
  const TaskId task = Submitted(/*let_go=*/false);
  ASSERT_TRUE(core_.Cancel(kDriver, {task.Result(0), false, false}).ok());
  Release(task, /*unread=*/true);
  EXPECT_TRUE(unread_.empty());
}

TEST_F(UnreadTest, AJobIsToldOfSomeOfThem) {
  for (int i = 0; i < 100; ++i) Fail(Submitted(/*let_go=*/true));
  EXPECT_EQ(unread_.size(), 32u);
}

}  // namespace
}  // namespace troupe::scheduler
