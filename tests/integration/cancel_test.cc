// Tasks on real processes that end before they have ended by themselves: cancel, deadlines, retries
// of what the user's code throws, processes that are replaced after some calls.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"

namespace {

using troupe::testing::Eventually;
using troupe::testing::Lives;
using troupe::testing::NewPath;

int Square(int x) { return x * x; }
int Next(int x) { return x + 1; }
int Pid() { return gettid(); }  // of a process, that of its main thread
// Ends only when it is told to.
int UntilStopped() {
  const std::stop_token stop = troupe::CurrentTask().stop_token();
  while (!stop.stop_requested()) std::this_thread::yield();
  return 1;
}
int ForEver() {
  for (;;) pause();
  return 0;
}
int SayPidThenForEver(std::string path) {
  std::ofstream(path) << getpid() << std::endl;
  return ForEver();
}
int NumberIn(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) && !file.eof() ? std::stoi(line) : 0;
}

class CancelTest : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 1});
};

TEST_F(CancelTest, TheFiniteFinishAsTheEndlessAreCancelled) {
  std::vector<troupe::ObjectRef<int>> endless, finite;
  for (int i = 0; i < 100; ++i) {
    endless.push_back(troupe::Task(UntilStopped).Remote());
    finite.push_back(troupe::Task(Square).Remote(i));
  }
  for (int i = 0; i < 100; ++i) {
    troupe::Cancel(endless[i]);
    EXPECT_EQ(troupe::Get(finite[i]), i * i);
  }
  for (const troupe::ObjectRef<int>& ref : endless)
    EXPECT_THROW((void)troupe::Get(ref), troupe::Cancelled);
  troupe::Cancel(finite[3]);
  EXPECT_EQ(troupe::Get(finite[3]), 9) << "it was done";
  EXPECT_THROW(troupe::Cancel(troupe::ObjectRef<int>()), troupe::InvalidArgument);
}

TEST_F(CancelTest, OfAChainTheHeadTakesAllAndTheTailOnlyItself) {
  const troupe::ObjectRef<int> head = troupe::Task(UntilStopped).Remote();
  const troupe::ObjectRef<int> middle = troupe::Task(Next).Remote(head);
  const troupe::ObjectRef<int> tail = troupe::Task(Next).Remote(middle);
  troupe::Cancel(tail);
  EXPECT_THROW((void)troupe::Get(tail), troupe::Cancelled);
  EXPECT_THROW((void)troupe::Get(middle, absl::ZeroDuration()), troupe::DeadlineExceeded);
  troupe::Cancel(head);
  EXPECT_THROW((void)troupe::Get(middle), troupe::Cancelled);
  EXPECT_THROW((void)troupe::Get(head), troupe::Cancelled);
}

int Parent(std::string report) {
  std::vector<troupe::ObjectRef<int>> children;
  for (int i = 0; i < 3; ++i) {
    children.push_back(troupe::Task([](std::string path) {
                         std::ofstream(path) << getpid();
                         return UntilStopped();
                       }).Remote(report + std::to_string(i)));
  }
  (void)troupe::Get(children);
  return 0;
}

TEST(Cancel, RecursivelyFreesTheWorkers) {
  const troupe::Cluster cluster = troupe::Init({.workers = 3});
  const std::string report = NewPath("cancel") + ".";
  const troupe::ObjectRef<int> parent = troupe::Task(Parent).Remote(report);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Eventually([&] { return std::ifstream(report + std::to_string(i)).good(); }));
  }
  troupe::Cancel(parent);
  EXPECT_THROW((void)troupe::Get(parent), troupe::Cancelled);
  // All three CPUs are free again: three tasks run at the same time.
  const auto meet = troupe::Task([](std::string mine, std::string a, std::string b) {
    std::ofstream(mine) << 1;
    return Eventually([&] { return std::ifstream(a).good() && std::ifstream(b).good(); });
  });
  const std::string x = report + "x", y = report + "y", z = report + "z";
  EXPECT_EQ(
      troupe::Get(std::vector{meet.Remote(x, y, z), meet.Remote(y, x, z), meet.Remote(z, x, y)}),
      (std::vector<bool>{true, true, true}));
}

TEST_F(CancelTest, ForceKillsWhatDoesNotListen) {
  const std::string path = NewPath("deaf");
  const troupe::ObjectRef<int> deaf = troupe::Task(SayPidThenForEver).Remote(path);
  ASSERT_TRUE(Eventually([&] { return NumberIn(path) != 0; }));
  const int pid = NumberIn(path);
  troupe::Cancel(deaf);
  EXPECT_THROW((void)troupe::Get(deaf), troupe::Cancelled);
  EXPECT_TRUE(Lives(pid));
  troupe::Cancel(deaf, {.force = true});
  EXPECT_TRUE(Eventually([&] { return !Lives(pid); }));
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(3)), 9);
}

// A wait inside a cancelled task ends, and its process goes on with other tasks.
TEST_F(CancelTest, AWaitInACancelledTaskFails) {
  const int pid = troupe::Get(troupe::Task(Pid).Remote());
  const troupe::ObjectRef<int> never = troupe::Task(ForEver).Remote();
  const troupe::ObjectRef<int> waits =
      troupe::Task([](troupe::ObjectRef<int> ref) { return troupe::Get(ref); })
          .Options({.cpus = 0})
          .Remote(never);
  EXPECT_THROW((void)troupe::Get(waits, absl::Milliseconds(50)), troupe::DeadlineExceeded);
  troupe::Cancel(waits);
  EXPECT_THROW((void)troupe::Get(waits), troupe::Cancelled);
  EXPECT_TRUE(Lives(pid));
}

TEST_F(CancelTest, ADeadlineEndsWhatIgnoresItsStopToken) {
  const int pid = troupe::Get(troupe::Task(Pid).Remote());
  const absl::Time begin = absl::Now();
  const troupe::ObjectRef<int> deaf =
      troupe::Task(ForEver)
          .Options({.timeout = absl::Milliseconds(100), .grace = absl::Milliseconds(100)})
          .Remote();
  EXPECT_THROW((void)troupe::Get(deaf), troupe::DeadlineExceeded);
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(100));
  // The slot is free after the grace, in another process.
  EXPECT_NE(troupe::Get(troupe::Task(Pid).Remote()), pid);
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(200));
}

TEST_F(CancelTest, QueueingCountsAndAListeningTaskKeepsItsProcess) {
  const int pid = troupe::Get(troupe::Task(Pid).Remote());
  const troupe::ObjectRef<int> running =
      troupe::Task(UntilStopped)
          .Options({.deadline = absl::Now() + absl::Milliseconds(100),
                    .grace = absl::InfiniteDuration()})
          .Remote();
  const troupe::ObjectRef<int> queued =
      troupe::Task(Square).Options({.timeout = absl::Milliseconds(50)}).Remote(2);
  try {
    (void)troupe::Get(queued);
    FAIL() << "no error";
  } catch (const troupe::DeadlineExceeded& e) {
    EXPECT_NE(e.info().message.find("had not begun"), std::string::npos) << e.what();
    EXPECT_FALSE(e.info().origin.empty());
  }
  EXPECT_THROW((void)troupe::Get(running), troupe::DeadlineExceeded);
  EXPECT_EQ(troupe::Get(troupe::Task(Pid).Remote()), pid);
  // A deadline that has passed, and one that is met.
  EXPECT_THROW(
      (void)troupe::Get(
          troupe::Task(Square).Options({.deadline = absl::Now() - absl::Seconds(1)}).Remote(2)),
      troupe::DeadlineExceeded);
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Options({.timeout = absl::Hours(1)}).Remote(2)), 4);
  EXPECT_THROW((void)troupe::Task(Square).Options({.grace = -absl::Seconds(1)}).Remote(2),
               troupe::InvalidArgument);
}

TEST_F(CancelTest, ATaskKnowsItsDeadlineAndADriverHasNoTask) {
  const auto left = troupe::Task(
      [] { return absl::ToDoubleSeconds(troupe::CurrentTask().deadline - absl::Now()); });
  const double seconds = troupe::Get(left.Options({.timeout = absl::Seconds(3600)}).Remote());
  EXPECT_GT(seconds, 3000);
  EXPECT_LE(seconds, 3600);
  EXPECT_TRUE(troupe::Get(troupe::Task([] {
                            return troupe::CurrentTask().deadline == absl::InfiniteFuture();
                          }).Remote()));
  EXPECT_FALSE(troupe::CurrentTask());
  EXPECT_FALSE(troupe::CurrentTask().stop_token().stop_possible());
}

class Sleeper {
 public:
  int UntilStopped() { return ::UntilStopped(); }
  int Value() const { return 7; }
};

TEST_F(CancelTest, ACallOfAnActorIsCancelledAndTheActorGoesOn) {
  const auto sleeper = troupe::Actor<Sleeper>().Remote();
  const troupe::ObjectRef<int> running = sleeper.Task(&Sleeper::UntilStopped).Remote();
  const troupe::ObjectRef<int> queued = sleeper.Task(&Sleeper::UntilStopped).Remote();
  const troupe::ObjectRef<int> after = sleeper.Task(&Sleeper::Value).Remote();
  troupe::Cancel(queued);
  EXPECT_THROW((void)troupe::Get(queued), troupe::Cancelled);
  troupe::Cancel(running, {.force = true});
  EXPECT_THROW((void)troupe::Get(running), troupe::Cancelled);
  EXPECT_EQ(troupe::Get(after), 7);
  EXPECT_THROW((void)troupe::Get(sleeper.Task(&Sleeper::UntilStopped)
                                     .Options({.timeout = absl::Milliseconds(20)})
                                     .Remote()),
               troupe::DeadlineExceeded);
  EXPECT_EQ(troupe::Get(sleeper.Task(&Sleeper::Value).Remote()), 7);
}

struct NotYet : std::runtime_error {
  NotYet() : std::runtime_error("not yet") {}
};
int ThrowsTwice(int x) {
  if (troupe::CurrentTask().attempt < 3) throw NotYet();
  return x;
}

TEST_F(CancelTest, UserErrorsAreRetriedWhereTheTaskSaysSo) {
  EXPECT_THROW((void)troupe::Get(troupe::Task(ThrowsTwice).Remote(1)), troupe::TaskError);
  EXPECT_EQ(troupe::Get(troupe::Task(ThrowsTwice)
                            .Options({.retry_on = troupe::RetryOn::Exceptions<NotYet>()})
                            .Remote(2)),
            2);
  EXPECT_EQ(troupe::Get(troupe::Task(ThrowsTwice)
                            .Options({.retry_on =
                                          [](const troupe::TaskError& e) {
                                            return e.info().message == "not yet";
                                          }})
                            .Remote(3)),
            3);
  EXPECT_THROW(
      (void)troupe::Get(troupe::Task(ThrowsTwice)
                            .Options({.retry_on = troupe::RetryOn::Exceptions<std::logic_error>()})
                            .Remote(4)),
      troupe::TaskError);
  try {
    (void)troupe::Get(troupe::Task(ThrowsTwice)
                          .Options({.max_retries = 1, .retry_on = troupe::RetryOn::Everything()})
                          .Remote(5));
    FAIL() << "no error";
  } catch (const troupe::TaskError& e) {
    EXPECT_EQ(e.info().attempt, 2u);
  }
}

TEST_F(CancelTest, AFunctionWithMaxCallsMovesOnToAFreshProcess) {
  std::vector<troupe::ObjectRef<int>> refs;
  for (int i = 0; i < 9; ++i) refs.push_back(troupe::Task(Pid).Options({.max_calls = 3}).Remote());
  const std::vector<int> pids = troupe::Get(refs);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(pids[i], pids[i / 3 * 3]) << i;
  EXPECT_NE(pids[0], pids[3]);
  EXPECT_NE(pids[3], pids[6]);
}

}  // namespace
