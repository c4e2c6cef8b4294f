#include "scheduler/client/submission_window.h"

#include <gtest/gtest.h>

namespace troupe::scheduler {
namespace {

TEST(SubmissionWindow, IsFullUntilTheNodeSaysThatSomeAreDone) {
  SubmissionWindow window(2);
  window.Submitted();
  EXPECT_FALSE(window.full());
  window.Submitted();
  EXPECT_TRUE(window.full());
  window.Finished(1);
  EXPECT_FALSE(window.full());
  EXPECT_EQ(window.unfinished(), 1u);
  window.Finished(0);  // an older word
  EXPECT_EQ(window.unfinished(), 1u);
  window.Finished(99);  // a lie: no more than were submitted
  EXPECT_EQ(window.unfinished(), 0u);
  EXPECT_EQ(SubmissionWindow(0).window(), 1u);
}

}  // namespace
}  // namespace troupe::scheduler
