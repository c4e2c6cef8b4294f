// Chaos: a real cluster under load while processes are killed, stopped and continued at random,
// memory and disks run out, and the clock is set.
//
//   bazel run -c opt //tests/chaos:chaos_test -- --seconds=3600 [--kills=10000] [--seed=N]
//
// Rounds of a few seconds follow one another, each from a seed that is printed. Where only workers
// die, and retries are without end, every result must equal the serial one, and any error fails.
// Where the node or the driver dies, errors must be of the kinds that the rules allow; drivers
// beside it are not disturbed. A watchdog proves that nothing waits for ever; after each round no
// process, shared memory, file or socket is left.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/chaos/clock_steps.h"
#include "tests/chaos/drivers.h"
#include "tests/chaos/graph.h"
#include "tests/chaos/harm.h"
#include "tests/chaos/rounds.h"
#include "tests/integration/memory_group.h"
#include "tests/integration/processes.h"
#include "tests/integration/program.h"

namespace troupe::testing {
namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;
constexpr auto kSoon = std::chrono::seconds(10);
const troupe::TaskOptions kForever = {.max_retries = -1};

troupe::Cluster TwoWorkers() {
  return troupe::Init({.workers = 2, .object_store_memory = 64 * kMebibyte});
}

// Runs the graph, under whatever harm is done meanwhile; each result must be that of a serial run.
void RunAndCompare(const Graph& graph, Tally& tally) {
  const std::vector<Values> expected = RunSerially(graph);
  const Diary diary;
  const auto results = Submit(graph, diary.path());
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(troupe::Get(results[i]), expected[i]) << "task " << i;
  diary.AddTo(tally);
}

TEST(Chaos, OfWorkersChangesNoResult) {
  Repeat("workers", [](uint64_t seed, Tally& tally) {
    Random random(seed);
    const Graph graph = RandomGraph(random, 150, {.exits = true});
    const troupe::Cluster cluster = TwoWorkers();
    const Killer killer(getpid(), random(), tally);
    RunAndCompare(graph, tally);
  });
}

class Adder {
 public:
  explicit Adder(int64_t start) : sum_(start) {}
  int64_t Add(int64_t x) { return sum_ += x; }

 private:
  int64_t sum_;
};

// Calls of an actor run at most once, in order: what one process of it has answered grows by what
// was added; a restart begins anew; what died is told as such.
TEST(Chaos, OfActorsLosesOrRepeatsNoCall) {
  Repeat("actors", [](uint64_t seed, Tally& tally) {
    Random random(seed);
    const troupe::Cluster cluster = TwoWorkers();
    std::vector<troupe::ActorHandle<Adder>> actors;
    for (int i = 0; i < 3; ++i)
      actors.push_back(troupe::Actor<Adder>(int64_t{0}).Options({.max_restarts = -1}).Remote());
    const Killer killer(getpid(), random(), tally);
    std::vector<std::vector<troupe::ObjectRef<int64_t>>> sums(actors.size());
    for (int call = 0; call < 300; ++call) {
      const size_t actor = random() % actors.size();
      sums[actor].push_back(actors[actor].Task(&Adder::Add).Remote(int64_t{1}));
    }
    int answered = 0;
    for (const auto& of_one : sums) {
      int64_t last = 0;
      for (const auto& sum : of_one) {
        try {
          const int64_t now = troupe::Get(sum);
          EXPECT_TRUE(now == last + 1 || now == 1) << "an answer of " << now << " after " << last;
          last = now;
          ++answered;
        } catch (const troupe::Unavailable&) {
        }
      }
    }
    EXPECT_GT(answered, 0);
  });
}

// Items of all sizes, each known from its number.
troupe::Generator<Values> Produce(uint64_t seed, size_t items) {
  for (size_t i = 0; i < items; ++i) co_yield Combine({}, Mix(seed + i), 40'000);
}

// Several streams at once: their items are fetched and passed on; every third is dropped halfway.
TEST(Chaos, OfWorkersLosesOrRepeatsNoItemOfAStream) {
  Repeat("streams", [](uint64_t seed, Tally& tally) {
    Random random(seed);
    const troupe::Cluster cluster = TwoWorkers();
    const auto produce = troupe::Task(Produce).Options(kForever);
    const auto combine = troupe::Task(Combine).Options(kForever);
    const Killer killer(getpid(), random(), tally);
    for (int stream = 0; stream < 6; ++stream) {
      const uint64_t first = random();
      const size_t items = 1 + random() % 60, wanted = stream % 3 == 2 ? items / 2 : items;
      troupe::Stream<Values> values = produce.Remote(first, items);
      std::vector<troupe::ObjectRef<Values>> results;
      for (size_t i = 0; i < wanted; ++i) {
        std::optional<troupe::ObjectRef<Values>> item = values.Next();
        ASSERT_TRUE(item.has_value()) << "item " << i << " of " << items;
        EXPECT_EQ(troupe::Get(*item), Combine({}, Mix(first + i), 40'000)) << "item " << i;
        results.push_back(combine.Remote(std::vector{*item}, i, size_t{100}));
      }
      EXPECT_TRUE(wanted < items || !values.Next().has_value());
      for (size_t i = 0; i < wanted; ++i) {
        const Values item = Combine({}, Mix(first + i), 40'000);
        EXPECT_EQ(troupe::Get(results[i]), Combine({item}, i, 100)) << "of item " << i;
      }
    }
  });
}

// What the tasks make together is more than twice what fits into memory; now and then the disk is
// full for a while.
TEST(Chaos, OfWorkersAndDisksChangesNothingThatIsSpilled) {
  Repeat("spilling", [](uint64_t seed, Tally& tally) {
    Random random(seed);
    const Graph graph = RandomGraph(random, 400, {.words = 100'000, .all_large = true});
    const SmallDisk disk(320 * kMebibyte);
    if (!disk.mounted()) std::printf("TROUPE_SKIPPED: only root can have a disk that is full\n");
    {
      const troupe::Cluster cluster = troupe::Init({.workers = 2,
                                                    .object_store_memory = 64 * kMebibyte,
                                                    .spill_directories = {disk.directory()}});
      std::optional<DiskFiller> filler;
      if (disk.mounted()) filler.emplace(disk.directory(), random(), tally);
      // A task that fetches megabytes from the disk is to come to its end before it is killed
      // again.
      const Killer killer(getpid(), random(), tally, std::chrono::milliseconds(400), 20);
      RunAndCompare(graph, tally);
    }
  });
}

TEST(Chaos, OfTooLittleMemoryChangesNoResult) {
  Repeat("memory", [](uint64_t seed, Tally& tally) {
    Random random(seed);
    const Graph graph = RandomGraph(random, 40, {.exits = true, .takes_memory = true});
    const troupe::Cluster cluster = troupe::Init(
        {.workers = 2, .object_store_memory = 64 * kMebibyte, .memory_limit = 512 * kMebibyte});
    RunAndCompare(graph, tally);
  });
}

// The same where the limit is the machine's: a cgroup of the kernel's, which kills by itself what
// takes much at once.
TEST(Chaos, OfTooLittleMemoryInACgroupChangesNoResult) {
  const MemoryGroup first(512 * kMebibyte);
  if (!first.made()) {
    std::printf("TROUPE_SKIPPED: no memory cgroup can be made, which root can on most machines\n");
    return;
  }
  EXPECT_TRUE(first.Remove());
  Repeat("cgroup", [](uint64_t seed, Tally& tally) {
    Random random(seed);
    const Graph graph = RandomGraph(random, 40, {.exits = true, .takes_memory = true});
    const MemoryGroup group(512 * kMebibyte);
    ASSERT_TRUE(group.made());
    group.Enter();
    {
      const troupe::Cluster cluster = TwoWorkers();
      RunAndCompare(graph, tally);
    }
    group.Leave();
    EXPECT_TRUE(BecomesTrue([&] { return group.Remove(); }, kSoon)) << "a process is left in it";
  });
}

double ClockHereIsOffBy() { return ClockIsOffBy(); }
int64_t WaitsForEver() {
  for (;;) pause();
}

// Years pass, and go back: what waits for a second waits for a second, and no limit of an hour is
// reached.
TEST(Chaos, OfTheClockChangesNothing) {
  ASSERT_EQ(setenv(kClockVariable, std::to_string(20261125).c_str(), 1), 0);
  Repeat("clock", [](uint64_t seed, Tally& tally) {
    Random random(seed);
    const Graph graph = RandomGraph(random, 60);
    const std::vector<Values> expected = RunSerially(graph);
    const troupe::Cluster cluster = TwoWorkers();
    const double off = troupe::Get(troupe::Task(ClockHereIsOffBy).Remote());
    EXPECT_GT(std::max(std::abs(off), std::abs(ClockIsOffBy())), 3600) << "the clock is right";
    const auto begin = std::chrono::steady_clock::now();
    const auto late = troupe::Task(WaitsForEver).Options({.timeout = absl::Milliseconds(300)});
    EXPECT_THROW((void)troupe::Get(late.Remote()), troupe::DeadlineExceeded);
    const auto never = troupe::Task(WaitsForEver).Remote();
    EXPECT_THROW((void)troupe::Get(never, absl::Milliseconds(300)), troupe::DeadlineExceeded);
    troupe::Cancel(never);
    const auto waited = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(waited, std::chrono::milliseconds(600));
    EXPECT_LE(waited, std::chrono::seconds(60));
    const Killer killer(getpid(), random(), tally);
    const auto results = Submit(graph);
    for (size_t i = 0; i < results.size(); ++i)
      EXPECT_EQ(troupe::Get(results[i], absl::Hours(1)), expected[i]) << "task " << i;
    const auto produce =
        troupe::Task(Produce).Options({.timeout = absl::Hours(1), .max_retries = -1});
    troupe::Stream<Values> values = produce.Remote(seed, size_t{30});
    size_t items = 0;
    while (values.Next(absl::Hours(1)).has_value()) ++items;
    EXPECT_EQ(items, 30u);
  });
  unsetenv(kClockVariable);
}

// At any time of the next 50 ms.
void WaitAWhile(Random& random) {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::nanoseconds(random() % 50'000'000);
  while (std::chrono::steady_clock::now() < end) sched_yield();
}

// A driver of its own process, whose node or itself is harmed at any time. `harm` returns the exit
// codes that are allowed then.
template <typename F>
void HarmADriver(uint64_t seed, F harm) {
  Random random(seed);
  Driver driver(random());
  driver.AwaitBegun();
  Remains remains;
  remains.Note(driver.pid());
  WaitAWhile(random);
  remains.Note(driver.pid());
  const std::set<int> allowed = harm(driver.pid(), random);
  const int code = driver.ExitCode();
  EXPECT_TRUE(allowed.contains(code)) << "the driver ended with " << code;
  remains.ExpectNone();
}

TEST(Chaos, OfANodeIsUnavailable) {
  Repeat("nodes", [](uint64_t seed, Tally& tally) {
    HarmADriver(seed, [&](int driver, Random&) {
      for (const int pid : Descendants(driver)) {
        if (NameOf(pid) == "troupe-node") tally["SIGKILL"] += kill(pid, SIGKILL) == 0;
      }
      return std::set{kDone, kUnavailable};
    });
  });
}

TEST(Chaos, OfADriverLeavesNothing) {
  Repeat("drivers", [](uint64_t seed, Tally& tally) {
    HarmADriver(seed,
                [&](int driver, Random& random) { return HarmDriver(driver, random(), tally); });
  });
}

// Several drivers on one node, whose processes the round's own are not.
class Standing {
 public:
  explicit Standing(Random& random) {
    for (int i = 0; i < 3; ++i) {
      drivers_.push_back(std::make_unique<Driver>(random(), node_.address()));
      remains_.Note(drivers_.back()->pid());
    }
    for (const auto& driver : drivers_) driver->AwaitBegun();
    remains_.Note(node_.pid());
    WaitAWhile(random);
    remains_.Note(node_.pid());
  }
  StandingNode& node() { return node_; }
  Driver& driver(size_t i) { return *drivers_[i]; }
  size_t drivers() const { return drivers_.size(); }
  void ExpectEnd(size_t i, const std::set<int>& allowed) {
    const int code = drivers_[i]->ExitCode();
    EXPECT_TRUE(allowed.contains(code)) << "driver " << i << " ended with " << code;
  }
  void ExpectNothingLeft() { remains_.ExpectNone(); }

 private:
  StandingNode node_;
  std::vector<std::unique_ptr<Driver>> drivers_;
  Remains remains_;
};

TEST(Chaos, OfAStandingNodeIsUnavailable) {
  Repeat("standing nodes", [](uint64_t seed, Tally& tally) {
    Random random(seed);
    Standing standing(random);
    const int node = standing.node().pid();
    if (random() % 4 == 0) {
      kill(node, SIGSTOP);
      EXPECT_TRUE(BecomesTrue([&] { return IsStopped(node); }, kSoon));
      kill(node, SIGCONT);
      ++tally[std::string(kStop)];
      for (size_t i = 0; i < standing.drivers(); ++i) standing.ExpectEnd(i, {kDone});
      EXPECT_EQ(standing.node().End(SIGTERM), 0);
    } else {
      const int signal = random() % 2 == 0 ? SIGKILL : SIGSEGV;
      EXPECT_EQ(standing.node().End(signal), 128 + signal);
      ++tally[signal == SIGKILL ? "SIGKILL" : "SIGSEGV"];
      for (size_t i = 0; i < standing.drivers(); ++i) standing.ExpectEnd(i, {kDone, kUnavailable});
    }
    standing.ExpectNothingLeft();
  });
}

// The others' results are right, and the node holds nothing of the dead.
TEST(Chaos, OfADriverDisturbsNoOther) {
  Repeat("drivers beside others", [](uint64_t seed, Tally& tally) {
    Random random(seed);
    Standing standing(random);
    standing.ExpectEnd(0, HarmDriver(standing.driver(0).pid(), random(), tally));
    for (size_t i = 1; i < standing.drivers(); ++i) standing.ExpectEnd(i, {kDone});
    {
      const troupe::Cluster cluster = troupe::Init({.address = standing.node().address()});
      EXPECT_TRUE(BecomesTrue([] { return troupe::Memory(0).object_count == 0; }, kSoon))
          << troupe::Memory(0).object_count << " objects are left";
    }
    EXPECT_EQ(standing.node().End(SIGTERM), 0);
    standing.ExpectNothingLeft();
  });
}

}  // namespace
}  // namespace troupe::testing

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (troupe::testing::ParseFlag(argv[i]) || troupe::testing::IsDriverFlag(argv[i])) continue;
    std::fprintf(stderr,
                 "chaos_test: use --seconds=SECONDS and --kills=N (of all tests together, which go "
                 "on until they have both), and --seed=N\n");
    return 2;
  }
  if (troupe::testing::IsDriver()) return troupe::testing::Drive();
  // What a dead process leaves behind becomes our child, and is seen.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return 2;
  // Where no test runner says where it is.
  const std::string here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  setenv("TROUPE_TOOL", (here + "/../../tools/troupe").c_str(), 0);
  return RUN_ALL_TESTS();
}
