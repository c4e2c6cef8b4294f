// Actors whose calls run several at a time, on real processes.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "sdk/troupe.h"

namespace {

int Double(int x) { return 2 * x; }

// Its calls meet: none of them returns before so many of them are there.
class Meeting {
 public:
  int Arrive(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    ++present_;
    most_ = std::max(most_, present_);
    arrived_.notify_all();
    arrived_.wait(lock, [&] { return most_ >= count; });
    return present_--;
  }
  int Most() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return most_;
  }
  // Until it is told to stop.
  void Stay() {
    const std::stop_token stop = troupe::CurrentTask().stop_token();
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock<std::mutex> lock(mutex);
    never.wait(lock, stop, [] { return false; });
  }
  int Nested(int x) { return troupe::Get(troupe::Task(Double).Remote(x)); }
  int Add(int x) { return sum_ += x; }
  void Die() { raise(SIGKILL); }
  void Leave() { troupe::ExitActor(); }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  int present_ = 0;
  int most_ = 0;
  std::atomic<int> sum_{0};
};

TEST(ActorConcurrency, CallsRunAtTheSameTime) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto meeting = troupe::Actor<Meeting>().Options({.max_concurrency = 3}).Remote();
  std::vector<troupe::ObjectRef<int>> calls;
  for (int i = 0; i < 9; ++i) calls.push_back(meeting.Task(&Meeting::Arrive).Remote(3));
  EXPECT_EQ(troupe::Get(calls).size(), 9u);
  EXPECT_EQ(troupe::Get(meeting.Task(&Meeting::Most).Remote()), 3) << "more than were allowed";
}

TEST(ActorConcurrency, OneAtATimeByDefault) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto meeting = troupe::Actor<Meeting>().Remote();
  std::vector<troupe::ObjectRef<int>> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(meeting.Task(&Meeting::Arrive).Remote(1));
  (void)troupe::Get(calls);
  EXPECT_EQ(troupe::Get(meeting.Task(&Meeting::Most).Remote()), 1);
}

TEST(ActorConcurrency, AGroupDoesNotWaitForAnother) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto meeting =
      troupe::Actor<Meeting>().Options({.concurrency_groups = {{"control", 1}}}).Remote();
  const auto stays = meeting.Task(&Meeting::Stay).Remote();
  std::vector<troupe::ObjectRef<int>> behind;
  for (int i = 0; i < 100; ++i) behind.push_back(meeting.Task(&Meeting::Add).Remote(1));
  EXPECT_EQ(troupe::Get(
                meeting.Task(&Meeting::Add).Options({.concurrency_group = "control"}).Remote(1000)),
            1000);
  troupe::Cancel(stays);
  EXPECT_EQ(troupe::Get(behind.back()), 1100);
}

TEST(ActorConcurrency, OneCallIsCancelledAndTheOthersGoOn) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto meeting = troupe::Actor<Meeting>().Options({.max_concurrency = 3}).Remote();
  const auto first = meeting.Task(&Meeting::Stay).Remote();
  const auto second = meeting.Task(&Meeting::Stay).Remote();
  EXPECT_EQ(troupe::Get(meeting.Task(&Meeting::Add).Remote(1)), 1);
  troupe::Cancel(first);
  EXPECT_THROW((void)troupe::Get(first), troupe::Cancelled);
  EXPECT_EQ(troupe::Get(meeting.Task(&Meeting::Add).Remote(1)), 2);
  EXPECT_EQ(troupe::TryGet(second, absl::ZeroDuration()).code(),
            absl::StatusCode::kDeadlineExceeded);
  troupe::Cancel(second);
  EXPECT_THROW((void)troupe::Get(second), troupe::Cancelled);
}

TEST(ActorConcurrency, AllItsCallsMayWaitForTasks) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto meeting = troupe::Actor<Meeting>().Options({.max_concurrency = 4}).Remote();
  std::vector<troupe::ObjectRef<int>> calls;
  for (int i = 0; i < 200; ++i) calls.push_back(meeting.Task(&Meeting::Nested).Remote(i));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(troupe::Get(calls[static_cast<size_t>(i)]), 2 * i);
}

TEST(ActorConcurrency, AWaitForWhatTheActorHoldsFails) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto meeting = troupe::Actor<Meeting>().Options({.cpus = 1, .max_concurrency = 2}).Remote();
  const auto first = meeting.Task(&Meeting::Nested).Remote(1);
  const auto second = meeting.Task(&Meeting::Nested).Remote(2);
  for (const auto& call : {first, second}) {
    const absl::Status status = troupe::TryGet(call).status();
    EXPECT_NE(status.message().find("it holds 1 cpus while it waits"), absl::string_view::npos)
        << status;
  }
}

TEST(ActorConcurrency, ADeathFailsEachCallThatRan) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto meeting = troupe::Actor<Meeting>().Options({.max_concurrency = 3}).Remote();
  const auto first = meeting.Task(&Meeting::Stay).Remote();
  const auto second = meeting.Task(&Meeting::Stay).Remote();
  const auto last = meeting.Task(&Meeting::Die).Remote();
  EXPECT_THROW((void)troupe::Get(last), troupe::ActorDied);
  EXPECT_THROW((void)troupe::Get(first), troupe::ActorDied);
  EXPECT_THROW((void)troupe::Get(second), troupe::ActorDied);
}

TEST(ActorConcurrency, ExitActorEndsItWhileOthersRun) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto meeting = troupe::Actor<Meeting>().Options({.max_concurrency = 2}).Remote();
  const auto stays = meeting.Task(&Meeting::Stay).Remote();
  troupe::Get(meeting.Task(&Meeting::Leave).Remote());
  EXPECT_THROW(troupe::Get(stays), troupe::ActorDied);
  EXPECT_THROW((void)troupe::Get(meeting.Task(&Meeting::Most).Remote()), troupe::ActorDied);
}

TEST(ActorConcurrency, BadOptionsAreRefusedWithASentence) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto message = [](troupe::ActorOptions options) -> std::string {
    try {
      (void)troupe::Actor<Meeting>().Options(std::move(options)).Remote();
    } catch (const troupe::InvalidArgument& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(message({.max_concurrency = 0}).find("max_concurrency is at least 1"),
            std::string::npos);
  EXPECT_NE(message({.concurrency_groups = {{"io", 0}}}).find("concurrency group \"io\" of 0"),
            std::string::npos);
  EXPECT_NE(message({.max_concurrency = 60, .concurrency_groups = {{"io", 5}}})
                .find("65 threads together"),
            std::string::npos);
  const auto meeting = troupe::Actor<Meeting>().Remote();
  const auto lost = meeting.Task(&Meeting::Most).Options({.concurrency_group = "io"}).Remote();
  EXPECT_THROW((void)troupe::Get(lost), troupe::InvalidArgument);
}

}  // namespace
