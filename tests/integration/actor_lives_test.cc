// How actors live and end on real processes: checkpoints, calls that are made again, ends in order.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/conditions.h"

namespace {

using troupe::testing::Eventually;

// Counts, remembers over restarts, dies at a number, and says goodbye.
class Counter {
 public:
  explicit Counter(std::string goodbye) : goodbye_(std::move(goodbye)) {}
  int Add(int by) { return n_ += by; }
  int AddOrDie(int by, int die_at) {
    if (n_ + by == die_at && troupe::CurrentTask().attempt == 1 && !restored_) raise(SIGKILL);
    return n_ += by;
  }
  int Save() {
    troupe::SaveCheckpoint();
    return n_;
  }
  int Leave() {
    troupe::ExitActor();
    return n_;
  }
  void Die() { raise(SIGKILL); }
  int Pid() const { return getpid(); }

  std::string Checkpoint() const { return std::to_string(n_); }
  void Restore(std::string_view state) {
    n_ = std::stoi(std::string(state));
    restored_ = true;
  }
  void Shutdown() {
    if (!goodbye_.empty()) std::ofstream(goodbye_) << n_ << std::endl;
  }

 private:
  std::string goodbye_;
  int n_ = 0;
  bool restored_ = false;
};

class ActorLives : public testing::Test {
 protected:
  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
  const std::string goodbye_ = [] {
    std::string path = testing::TempDir() + "/goodbye." + std::to_string(getpid());
    unlink(path.c_str());
    return path;
  }();
  bool Said(const std::string& what) {
    return Eventually([&] {
      std::ifstream file(goodbye_);
      std::string line;
      return std::getline(file, line) && !file.eof() && line == what;
    });
  }
};

TEST_F(ActorLives, ARestartContinuesFromTheLastCheckpoint) {
  const auto counter =
      troupe::Actor<Counter>("").Options({.max_restarts = 1, .checkpoint_every = 10}).Remote();
  for (int i = 0; i < 25; ++i) (void)counter.Task(&Counter::Add).Remote(1);
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(0)), 25);
  EXPECT_THROW(troupe::Get(counter.Task(&Counter::Die).Remote()), troupe::Unavailable);
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(0)), 20);
}

TEST_F(ActorLives, AMethodSavesTheStateWhenItWants) {
  const auto counter = troupe::Actor<Counter>("").Options({.max_restarts = -1}).Remote();
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(7)), 7);
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Save).Remote()), 7);
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(1)), 8);
  for (int round = 0; round < 2; ++round) {
    EXPECT_THROW(troupe::Get(counter.Task(&Counter::Die).Remote()), troupe::Unavailable);
    EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(0)), 7);
  }
  EXPECT_THROW(troupe::SaveCheckpoint(), troupe::InvalidArgument);
  EXPECT_THROW(troupe::ExitActor(), troupe::InvalidArgument);
}

// An in-order prefix, typed errors, then the state from the checkpoint: each call has one answer.
TEST_F(ActorLives, TwoHundredCallsAndADeathInTheMiddle) {
  const auto counter =
      troupe::Actor<Counter>("").Options({.max_restarts = 1, .checkpoint_every = 1}).Remote();
  std::vector<troupe::ObjectRef<int>> calls;
  for (int i = 0; i < 200; ++i) calls.push_back(counter.Task(&Counter::AddOrDie).Remote(1, 100));
  int expected = 0, lost = 0;
  for (const troupe::ObjectRef<int>& call : calls) {
    try {
      EXPECT_EQ(troupe::Get(call), expected + 1);
      ++expected;
    } catch (const troupe::Unavailable&) {
      ++lost;
      EXPECT_EQ(expected, 99);
    }
  }
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(expected, 199);
}

TEST_F(ActorLives, WithTaskRetriesNoCallIsLost) {
  const auto counter =
      troupe::Actor<Counter>("")
          .Options({.max_restarts = -1, .max_task_retries = -1, .checkpoint_every = 1})
          .Remote();
  std::vector<troupe::ObjectRef<int>> calls;
  for (int i = 0; i < 50; ++i) calls.push_back(counter.Task(&Counter::AddOrDie).Remote(1, 20));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(troupe::Get(calls[i]), i + 1);
}

TEST_F(ActorLives, ExitActorEndsItInOrder) {
  const auto counter =
      troupe::Actor<Counter>(goodbye_).Options({.name = "leaves", .max_restarts = -1}).Remote();
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(3)), 3);
  const troupe::ObjectRef<int> last = counter.Task(&Counter::Leave).Remote();
  const troupe::ObjectRef<int> late = counter.Task(&Counter::Add).Remote(1);
  EXPECT_EQ(troupe::Get(last), 3);
  EXPECT_THROW((void)troupe::Get(late), troupe::ActorDied);
  EXPECT_TRUE(Said("3"));
  EXPECT_THROW((void)troupe::FindActor<Counter>("leaves"), troupe::InvalidArgument);
}

TEST_F(ActorLives, TheLastHandleEndsItInOrder) {
  {
    const auto counter = troupe::Actor<Counter>(goodbye_).Remote();
    EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(4)), 4);
  }
  EXPECT_TRUE(Said("4"));
}

TEST_F(ActorLives, GetIfExistsFindsOrMakes) {
  const auto one =
      troupe::Actor<Counter>("").Options({.name = "one", .get_if_exists = true}).Remote();
  EXPECT_EQ(troupe::Get(one.Task(&Counter::Add).Remote(1)), 1);
  const auto same =
      troupe::Actor<Counter>("").Options({.name = "one", .get_if_exists = true}).Remote();
  EXPECT_EQ(one, same);
  EXPECT_EQ(troupe::Get(same.Task(&Counter::Add).Remote(1)), 2);
  EXPECT_THROW((void)troupe::Actor<Counter>("").Options({.get_if_exists = true}).Remote(),
               troupe::InvalidArgument);
}

TEST_F(ActorLives, MorePendingCallsThanAllowedAreRefused) {
  const auto counter = troupe::Actor<Counter>("").Options({.max_pending_calls = 1}).Remote();
  const troupe::ObjectRef<int> never = troupe::Task([] {
                                         const std::stop_token stop =
                                             troupe::CurrentTask().stop_token();
                                         while (!stop.stop_requested()) std::this_thread::yield();
                                         return 0;
                                       }).Remote();
  const troupe::ObjectRef<int> held_up = counter.Task(&Counter::Add).Remote(never);
  EXPECT_THROW((void)troupe::Get(counter.Task(&Counter::Add).Remote(1)), troupe::ResourceExhausted);
  troupe::Cancel(never);
  EXPECT_THROW((void)troupe::Get(held_up), troupe::Cancelled);
  EXPECT_EQ(troupe::Get(counter.Task(&Counter::Add).Remote(1)), 1);
}

}  // namespace
