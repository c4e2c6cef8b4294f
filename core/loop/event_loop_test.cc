#include "core/loop/event_loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>

#include "core/base/clock.h"
#include "core/base/unique_fd.h"

namespace troupe::loop {
namespace {

constexpr int64_t kMilli = 1'000'000;

class EventLoopTest : public testing::Test {
 protected:
  EventLoopTest() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    output_ = UniqueFd(ends[0]);
    input_ = UniqueFd(ends[1]);
  }

  EventLoop loop_;
  UniqueFd input_, output_;
};

TEST_F(EventLoopTest, AWatchedDescriptorTellsThatItIsReadable) {
  int calls = 0;
  const auto watcher = loop_.Watch(output_.get(), EventLoop::kReadable, [&](int events) {
    calls += (events & EventLoop::kReadable) != 0;
  });
  loop_.RunOnce(EventLoop::Wait::kPoll);
  EXPECT_EQ(calls, 0);
  ASSERT_EQ(write(input_.get(), "x", 1), 1);
  loop_.RunOnce(EventLoop::Wait::kBlock);
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ACallbackMayDestroyItsOwnWatcher) {
  std::unique_ptr<Watcher> watcher;
  int calls = 0;
  watcher = loop_.Watch(output_.get(), EventLoop::kReadable, [&](int) {
    ++calls;
    watcher.reset();
  });
  ASSERT_EQ(write(input_.get(), "x", 1), 1);
  loop_.RunOnce(EventLoop::Wait::kBlock);
  loop_.RunOnce(EventLoop::Wait::kPoll);
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ATimerFiresOnceAndNotBeforeItsTime) {
  int calls = 0;
  const auto timer = loop_.MakeTimer([&] { ++calls; });
  const int64_t at = MonotonicNanos() + 2 * kMilli;
  timer->StartAt(at);
  while (calls == 0) loop_.RunOnce(EventLoop::Wait::kBlock);
  EXPECT_GE(MonotonicNanos(), at);
  loop_.RunOnce(EventLoop::Wait::kPoll);
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ATimeThatHasPassedIsNow) {
  int calls = 0;
  const auto timer = loop_.MakeTimer([&] { ++calls; });
  for (const int64_t at : {MonotonicNanos() - 1, int64_t{0}, int64_t{-1}}) {
    timer->StartAt(at);
    loop_.RunOnce(EventLoop::Wait::kBlock);
  }
  EXPECT_EQ(calls, 3);
}

TEST_F(EventLoopTest, ATimerThatIsStoppedOrSetAgainDoesNotFireAtItsFormerTime) {
  int calls = 0;
  const auto stopped = loop_.MakeTimer([&] { ++calls; });
  const auto postponed = loop_.MakeTimer([&] { ++calls; });
  stopped->StartAt(1);
  postponed->StartAt(1);
  stopped->Stop();
  postponed->StartAt(MonotonicNanos() + 3'600'000 * kMilli);
  loop_.RunOnce(EventLoop::Wait::kPoll);
  EXPECT_EQ(calls, 0);
}

TEST_F(EventLoopTest, ASignalIsACallback) {
  int calls = 0;
  const auto watcher = loop_.WatchSignal(SIGUSR1, [&] { ++calls; });
  raise(SIGUSR1);
  while (calls == 0) loop_.RunOnce(EventLoop::Wait::kBlock);
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, WorkIsDoneBesideTheLoopAndToldOnIt) {
  int told = 0;
  int worked[3] = {};
  for (int& piece : worked) loop_.RunBeside([&piece] { piece = 1; }, [&told] { ++told; });
  loop_.FinishWork();
  EXPECT_EQ(told, 3);
  EXPECT_EQ(worked[0] + worked[1] + worked[2], 3);
}

}  // namespace
}  // namespace troupe::loop
