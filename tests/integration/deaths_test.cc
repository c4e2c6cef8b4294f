// What dies, and what is left: workers, nodes and drivers that are killed at any time.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"

namespace {

using troupe::testing::Eventually;
using troupe::testing::Lives;
using troupe::testing::ParentOf;

int Square(int x) { return x * x; }
int Segfault() {
  signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would turn it into an exit code
  raise(SIGSEGV);
  return 0;
}
int LeaveWithThree() { _exit(3); }
[[maybe_unused]] const bool registered = [] {
  troupe::OnWorkerStart([] {
    if (getenv("TROUPE_TEST_DIES_AT_START") != nullptr) _exit(9);
  });
  return true;
}();
int DieOnFirstAttempt(int x) {
  if (troupe::CurrentTask().attempt == 1) raise(SIGKILL);
  return x;
}
int Pid() { return getpid(); }

double Sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}
double Overwrite(std::span<const double> values) {
  signal(SIGSEGV, SIG_DFL);
  const_cast<double*>(values.data())[7] = 42;
  return Sum(values);
}

TEST(Deaths, WhoWritesIntoAStoredValueDiesAlone) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  troupe::Builder<double> builder = troupe::Create<double>(100'000);
  std::fill(builder.span().begin(), builder.span().end(), 1.0);
  const troupe::ObjectRef<troupe::Array<double>> ref = builder.Seal();
  const troupe::Array<double> view = troupe::Get(ref);
  EXPECT_EQ(troupe::Get(troupe::Task(Sum).Remote(ref)), 100'000);
  try {
    (void)troupe::Get(troupe::Task(Overwrite).Options({.max_retries = 0}).Remote(ref));
    FAIL() << "no error";
  } catch (const troupe::WorkerCrashed& e) {
    EXPECT_NE(e.info().message.find("signal 11"), std::string::npos) << e.what();
  }
  EXPECT_EQ(view[7], 1) << "who looked at it goes on";
  EXPECT_EQ(troupe::Get(troupe::Task(Sum).Remote(ref)), 100'000) << "and the next one sees it";
}

TEST(Deaths, WorkersThatDieAtTheirStartAreToldInsteadOfTriedForEver) {
  setenv("TROUPE_TEST_DIES_AT_START", "1", 1);
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  unsetenv("TROUPE_TEST_DIES_AT_START");
  try {
    (void)troupe::Get(troupe::Task(Square).Remote(3), absl::Minutes(1));
    FAIL() << "no error";
  } catch (const troupe::WorkerCrashed& e) {
    EXPECT_NE(e.info().message.find("no worker could be started: exited with code 9"),
              std::string::npos)
        << e.what();
  }
}

TEST(Deaths, AWorkersDeathIsRetriedOrToldWithItsCause) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  EXPECT_EQ(troupe::Get(troupe::Task(DieOnFirstAttempt).Remote(7)), 7);
  try {
    (void)troupe::Get(troupe::Task(Segfault).Options({.max_retries = 0}).Remote());
    FAIL() << "no error";
  } catch (const troupe::WorkerCrashed& e) {
    EXPECT_NE(e.info().message.find("signal"), std::string::npos) << e.what();
    EXPECT_EQ(e.info().attempt, 1u);
  }
  try {
    (void)troupe::Get(troupe::Task(LeaveWithThree).Options({.max_retries = 1}).Remote());
    FAIL() << "no error";
  } catch (const troupe::WorkerCrashed& e) {
    EXPECT_NE(e.info().message.find("exited with code 3"), std::string::npos) << e.what();
    EXPECT_EQ(e.info().attempt, 2u);
  }
  EXPECT_EQ(troupe::Get(troupe::Task(Square).Remote(3)), 9);
}

struct Table {
  const int* entries = reinterpret_cast<const int*>(64);  // where nothing is mapped
  [[gnu::noinline]] int Lookup(int i) const { return entries[i]; }
};
[[gnu::noinline]] int ReadsNowhere(int i) { return Table().Lookup(i) + 1; }
int ThrowOnAThread() {
  std::thread([] { throw std::runtime_error("nobody catches it"); }).join();
  return 0;
}

// Its report says where: by our own stack, or a sanitizer's.
TEST(Deaths, ACrashIsToldWithItsStack) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto report = [](int (*die)(int)) {
    try {
      (void)troupe::Get(troupe::Task(die).Options({.max_retries = 0}).Remote(7));
    } catch (const troupe::WorkerCrashed& e) {
      return std::string(e.what());
    }
    return std::string("no death");
  };
  const std::string segfault = report(ReadsNowhere);
  EXPECT_NE(segfault.find("Lookup"), std::string::npos) << segfault;
  // Of a sanitizer's, which is longer, the last lines are kept.
  EXPECT_TRUE(segfault.find("ReadsNowhere") != std::string::npos ||
              segfault.find("Sanitizer") != std::string::npos)
      << segfault;
  const std::string uncaught = report([](int) { return ThrowOnAThread(); });
  EXPECT_NE(uncaught.find("nobody catches it"), std::string::npos) << uncaught;
  EXPECT_NE(uncaught.find("SIGABRT"), std::string::npos) << uncaught;
}

// Workers are killed one after the other under load: every result is still right.
TEST(Deaths, NothingIsLostWhenWorkersAreKilledUnderLoad) {
  const troupe::Cluster cluster = troupe::Init({.workers = 2});
  std::vector<troupe::ObjectRef<int>> results;
  for (int round = 0; round < 10; ++round) {
    const int victim = troupe::Get(troupe::Task(Pid).Options({.max_retries = -1}).Remote());
    for (int i = 0; i < 200; ++i) {
      results.push_back(troupe::Task(Square).Options({.max_retries = -1}).Remote(i));
    }
    kill(victim, SIGKILL);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(troupe::Get(results[i]), static_cast<int>((i % 200) * (i % 200)));
  }
}

TEST(Deaths, ANodesDeathIsTold) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const int worker = troupe::Get(troupe::Task(Pid).Remote());
  const int node = ParentOf(worker);
  ASSERT_EQ(ParentOf(node), getpid());
  const troupe::ObjectRef<int> never = troupe::Task([] {
                                         for (;;) pause();
                                         return 0;
                                       }).Remote();
  kill(node, SIGKILL);
  EXPECT_THROW((void)troupe::Get(never), troupe::Unavailable);
  EXPECT_THROW((void)troupe::Task(Square).Remote(1), troupe::Unavailable);
  EXPECT_TRUE(Eventually([&] { return !Lives(worker); }));
}

TEST(Deaths, NothingIsLeftOfADriverThatIsKilled) {
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const pid_t driver = fork();
  if (driver == 0) {
    const troupe::Cluster cluster = troupe::Init({.workers = 2});
    const auto big = troupe::Put(std::vector<double>(1'000'000, 1.0));
    int pids[2] = {troupe::Get(troupe::Task(Pid).Remote()), 0};
    pids[1] = ParentOf(pids[0]);
    if (write(report[1], pids, sizeof(pids)) != sizeof(pids)) _exit(1);
    for (;;) pause();
  }
  int pids[2] = {0, 0};
  ASSERT_EQ(read(report[0], pids, sizeof(pids)), static_cast<ssize_t>(sizeof(pids)));
  ASSERT_TRUE(Lives(pids[0]) && Lives(pids[1]));
  kill(driver, SIGKILL);
  waitpid(driver, nullptr, 0);
  EXPECT_TRUE(Eventually([&] { return !Lives(pids[0]) && !Lives(pids[1]); }))
      << "worker " << pids[0] << " or node " << pids[1] << " outlives its driver";
}

class Ledger {
 public:
  int Add(int amount) { return sum_ += amount; }

 private:
  int sum_ = 0;
};

std::string LedgerOf(int driver) { return "ledger " + std::to_string(driver); }

// A driver that waits for no answer. With `stops`, that process stands still meanwhile.
void SayAndDie(const std::string& address, int driver, pid_t stops) noexcept {
  const troupe::Cluster cluster = troupe::Init({.address = address});
  if (stops != 0) kill(stops, SIGSTOP);
  const auto ledger =
      troupe::Actor<Ledger>().Options({.name = LedgerOf(driver), .detached = true}).Remote();
  for (int i = 0; i < 10; ++i) (void)ledger.Task(&Ledger::Add).Remote(troupe::Put(driver));
  kill(getpid(), SIGKILL);
}

// For every other one the node is stopped, so that it learns of the words and of the death at the
// same time.
TEST(Deaths, WhatADriverHasSaidBeforeItsDeathIsDone) {
  const troupe::testing::StandingNode node;
  constexpr int kDrivers = 50;
  for (int i = 0; i < kDrivers; ++i) {
    const pid_t driver = fork();
    if (driver == 0) SayAndDie(node.address(), i, i % 2 == 1 ? node.pid() : 0);
    int status = 0;
    waitpid(driver, &status, 0);
    kill(node.pid(), SIGCONT);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  }
  const troupe::Cluster cluster = troupe::Init({.address = node.address()});
  for (int i = 0; i < kDrivers; ++i) {
    try {
      const auto ledger = troupe::FindActor<Ledger>(LedgerOf(i));
      // Callers take turns: while it is still starting, ours goes past the later ones of the dead.
      const auto sum = [&] { return troupe::Get(ledger.Task(&Ledger::Add).Remote(0)); };
      const absl::Time patience = absl::Now() + absl::Seconds(30);
      while (sum() != 10 * i && absl::Now() < patience) {
      }
      EXPECT_EQ(sum(), 10 * i);
      troupe::Kill(ledger);
    } catch (const troupe::Error& e) {
      ADD_FAILURE() << "of driver " << i << ": " << e.what();
    }
  }
}

// A child that only forked must not use its parent's cluster, and does not harm it.
TEST(Deaths, AForkedChildIsToldAndHarmsNothing) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  troupe::ObjectRef<int> ref = troupe::Task(Square).Remote(2);
  const pid_t child = fork();
  if (child == 0) {
    try {
      (void)troupe::Task(Square).Remote(1);
    } catch (const troupe::Unavailable&) {
      ref = {};
      _exit(0);
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(troupe::Get(ref), 4);
}

class Squarer {
 public:
  int Square(int x) { return x * x; }
};

// A handle knows its session without asking for it: that is refused, too.
TEST(Deaths, AForkedChildMakesNoCallsByItsParentsHandles) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto actor = troupe::Actor<Squarer>().Remote();
  auto promise = std::make_unique<troupe::Promise<int>>();
  const troupe::ObjectRef<int> ref = promise->ref();
  const pid_t child = fork();
  if (child == 0) {
    int refused = 0;
    try {
      (void)actor.Task(&Squarer::Square).Remote(1);
    } catch (const troupe::Unavailable&) {
      ++refused;
    }
    try {
      promise->Set(1);
    } catch (const troupe::Unavailable&) {
      ++refused;
    }
    promise.reset();  // breaks nothing of the parent's
    _exit(refused == 2 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(troupe::Get(actor.Task(&Squarer::Square).Remote(3)), 9);
  promise->Set(7);
  EXPECT_EQ(troupe::Get(ref), 7);
}

// Nor does it wait for what only its parent is told; what was there stays readable.
TEST(Deaths, AForkedChildReadsWhatWasThereAndWaitsForNothing) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  const auto done = troupe::Task(Square).Remote(5);
  EXPECT_EQ(troupe::Get(done), 25);
  const auto actor = troupe::Actor<Squarer>().Remote();
  troupe::Promise<int> promise;
  const std::vector<troupe::ObjectRef<int>> pending = {promise.ref()};
  const auto refused = [](const auto& f) {
    try {
      f();
    } catch (const troupe::Unavailable& e) {
      return std::string(e.what()).find("forked child") != std::string::npos;
    }
    return false;
  };
  // While other threads of the parent use the session.
  std::atomic<bool> ending{false};
  std::thread busy([&] {
    while (!ending) (void)troupe::Get(troupe::Task(Square).Remote(2));
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      if (troupe::Get(done) != 25) _exit(1);
      if (!refused([&] { (void)troupe::Get(pending[0]); })) _exit(2);
      if (troupe::TryGet(pending[0]).status().code() != absl::StatusCode::kUnavailable) _exit(3);
      if (!refused([&] { (void)troupe::Wait(pending); })) _exit(4);
      if (!refused([&] {
            for (const auto& [index, ref] : troupe::AsCompleted(pending)) (void)index;
          })) {
        _exit(5);
      }
      if (!refused([&] { troupe::Kill(actor); })) _exit(6);
      if (!refused([&] { troupe::Cancel(pending[0]); })) _exit(7);
      if (!refused([&] { (void)troupe::Memory(1); })) _exit(8);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_TRUE(WIFEXITED(status));
  }
  ending = true;
  busy.join();
  promise.Set(1);
  EXPECT_EQ(troupe::Get(pending[0]), 1);
  EXPECT_EQ(troupe::Get(actor.Task(&Squarer::Square).Remote(3)), 9);
}

// What a task leaves running is ended with its worker.
TEST(Deaths, OrphansOfAWorkerAreEnded) {
  int orphan = 0;
  {
    const troupe::Cluster cluster = troupe::Init({.workers = 1});
    orphan = troupe::Get(troupe::Task([] {
                           const int pid = fork();
                           if (pid == 0) {
                             setsid();
                             for (;;) pause();
                           }
                           return pid;
                         }).Remote());
    EXPECT_TRUE(Lives(orphan));
  }
  EXPECT_TRUE(Eventually([&] { return !Lives(orphan); }));
}

}  // namespace
