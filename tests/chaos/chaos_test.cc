// Chaos: a real cluster under load while processes are killed, stopped and continued at random,
// memory and disks run out, and the clock is set.
//
//   bazel run -c opt //tests/chaos:chaos_test -- --seconds=3600 [--kills=10000] [--seed=N]
//
// Rounds of a few seconds follow one another, each from a seed that is printed. Where only workers
// die, and retries are without end, every result must equal the serial one, and any error fails.
// Where the node or the driver dies, errors must be of the kinds that the rules allow. A watchdog
// proves that nothing waits for ever; after each round no process, shared memory, file or socket is
// left.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/chaos/clock_steps.h"
#include "tests/chaos/graph.h"
#include "tests/chaos/harm.h"
#include "tests/chaos/rounds.h"
#include "tests/integration/number_flag.h"
#include "tests/integration/processes.h"

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

// The driver to be harmed; it writes a byte to `begun` when its tasks are submitted. The exit code.
int Drive(uint64_t seed, int begun) {
  try {
    Random random(seed);
    const troupe::Cluster cluster = TwoWorkers();
    const Graph graph = RandomGraph(random, 400);
    const auto results = Submit(graph);
    if (write(begun, "b", 1) != 1) return 9;
    const std::vector<Values> expected = RunSerially(graph);
    for (size_t i = 0; i < results.size(); ++i) {
      if (troupe::Get(results[i]) != expected[i]) return 7;
    }
    return 0;
  } catch (const troupe::Unavailable&) {
    return 5;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "chaos: an error that is not allowed: %s\n", e.what());
    return 6;
  }
}

// This program again, as a driver: what is forked from a process with threads must exec.
pid_t StartDriver(uint64_t seed, int begun) {
  const std::string seed_flag = "--drive=" + std::to_string(seed);
  const std::string begun_flag = "--begun=" + std::to_string(begun);
  const pid_t driver = fork();
  if (driver == 0) {
    execl("/proc/self/exe", "chaos_test", seed_flag.c_str(), begun_flag.c_str(), nullptr);
    _exit(127);
  }
  return driver;
}

// A driver of its own process, whose node or itself is killed at any time.
template <typename F>
void HarmADriver(uint64_t seed, F harm, std::set<int> allowed_codes) {
  Random random(seed);
  int begun[2];
  ASSERT_EQ(pipe(begun), 0);
  fcntl(begun[0], F_SETFD, FD_CLOEXEC);
  const pid_t driver = StartDriver(random(), begun[1]);
  close(begun[1]);
  char byte;
  EXPECT_EQ(read(begun[0], &byte, 1), 1);
  close(begun[0]);
  std::vector<int> processes = Descendants(driver);
  std::set<ino_t> memory;
  for (const int pid : processes) memory.merge(SharedMemoryOf(pid));
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::nanoseconds(random() % 50'000'000);
  while (std::chrono::steady_clock::now() < end) sched_yield();
  for (const int pid : Descendants(driver)) processes.push_back(pid);
  harm(driver);
  int status = 0;
  waitpid(driver, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  EXPECT_TRUE(allowed_codes.contains(code)) << "the driver ended with " << code;
  EXPECT_TRUE(BecomesTrue(
      [&] {
        return std::none_of(processes.begin(), processes.end(), [](int p) { return Lives(p); });
      },
      kSoon))
      << "a process of the cluster is left";
  for (const int pid : AllProcesses()) {
    for (const ino_t inode : SharedMemoryOf(pid))
      EXPECT_FALSE(memory.contains(inode)) << "process " << pid << " holds shared memory of it";
  }
}

TEST(Chaos, OfANodeIsUnavailable) {
  Repeat("nodes", [](uint64_t seed, Tally& tally) {
    const auto kill_node = [&](int driver) {
      for (const int pid : Descendants(driver)) {
        if (NameOf(pid) == "troupe-node") tally["SIGKILL"] += kill(pid, SIGKILL) == 0;
      }
    };
    HarmADriver(seed, kill_node, {0, 5});  // it may have been done already
  });
}

TEST(Chaos, OfADriverLeavesNothing) {
  Repeat("drivers", [](uint64_t seed, Tally& tally) {
    const auto kill_it = [&](int driver) { tally["SIGKILL"] += kill(driver, SIGKILL) == 0; };
    HarmADriver(seed, kill_it, {0, 128 + SIGKILL});
  });
}

}  // namespace
}  // namespace troupe::testing

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  uint64_t drive = 0;  // the driver that this process is to be
  int begun = 0;
  for (int i = 1; i < argc; ++i) {
    using troupe::testing::IsNumberFlag;
    if (troupe::testing::ParseFlag(argv[i]) || IsNumberFlag(argv[i], "--drive=", &drive) ||
        IsNumberFlag(argv[i], "--begun=", &begun)) {
      continue;
    }
    std::fprintf(stderr,
                 "chaos_test: use --seconds=SECONDS and --kills=N (of all tests together, which go "
                 "on until they have both), and --seed=N\n");
    return 2;
  }
  if (begun != 0) return troupe::testing::Drive(drive, begun);
  return RUN_ALL_TESTS();
}
