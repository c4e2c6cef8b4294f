// Chaos: a real cluster under load while processes are killed, stopped and continued at random.
//
//   bazel run -c opt //tests/chaos:chaos_test -- --seconds=3600 [--seed=N]
//
// Rounds of a few seconds follow one another, each from a seed that is printed. Where only workers
// die, and retries are without end, every result must equal the serial one, and any error fails.
// Where the node or the driver dies, errors must be of the kinds that the rules allow. A watchdog
// proves that nothing waits for ever; after each round no process and no shared memory is left.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sdk/troupe.h"
#include "tests/integration/processes.h"

namespace troupe::testing {
namespace {

int64_t seconds_per_test = 6;
uint64_t first_seed = 20261125;
std::optional<uint64_t> drive;  // the seed of a driver that this process is to be
int begun_pipe = -1;

constexpr auto kLongestRound = std::chrono::minutes(3);
constexpr auto kSoon = std::chrono::seconds(10);

using Random = std::mt19937_64;
using Values = std::vector<uint64_t>;

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// What every task computes: some to a few hundred kilobytes, from its inputs and a number.
Values Combine(const std::vector<Values>& inputs, uint64_t number) {
  uint64_t state = Mix(number);
  for (const Values& input : inputs) {
    for (const uint64_t value : input) state = Mix(state ^ value);
  }
  Values result(1 + (number % 16 == 0 ? state % 40'000 : state % 100));
  for (uint64_t& value : result) value = state = Mix(state);
  return result;
}

// The same by a task of its own, for which this one waits.
Values CombineNested(const std::vector<Values>& inputs, uint64_t number) {
  const auto inner = troupe::Task(Combine).Options({.max_retries = -1});
  return troupe::Get(inner.Remote(inputs, number));
}

// A random graph: each task takes the results of up to three earlier ones.
struct Step {
  std::vector<size_t> inputs;
  uint64_t number = 0;
  bool nested = false;
};
std::vector<Step> RandomGraph(Random& random, size_t steps) {
  std::vector<Step> graph(steps);
  for (size_t i = 0; i < steps; ++i) {
    graph[i].number = random();
    graph[i].nested = random() % 8 == 0;
    for (size_t k = i == 0 ? 0 : random() % 4; k > 0; --k) graph[i].inputs.push_back(random() % i);
  }
  return graph;
}

std::vector<Values> RunSerially(const std::vector<Step>& graph) {
  std::vector<Values> results;
  for (const Step& step : graph) {
    std::vector<Values> inputs;
    for (const size_t input : step.inputs) inputs.push_back(results[input]);
    results.push_back(Combine(inputs, step.number));
  }
  return results;
}

std::vector<troupe::ObjectRef<Values>> Submit(const std::vector<Step>& graph) {
  const auto plain = troupe::Task(Combine).Options({.max_retries = -1});
  const auto nested = troupe::Task(CombineNested).Options({.max_retries = -1});
  std::vector<troupe::ObjectRef<Values>> results;
  for (const Step& step : graph) {
    std::vector<troupe::ObjectRef<Values>> inputs;
    for (const size_t input : step.inputs) inputs.push_back(results[input]);
    results.push_back((step.nested ? nested : plain).Remote(inputs, step.number));
  }
  return results;
}

// Ends the program, with the seed, where a round takes too long.
class Watchdog {
 public:
  explicit Watchdog(std::string round) : round_(std::move(round)), thread_([this] { Watch(); }) {}
  ~Watchdog() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      done_ = true;
    }
    cv_.notify_all();
    thread_.join();
  }

 private:
  void Watch() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (cv_.wait_for(lock, kLongestRound, [this] { return done_; })) return;
    std::fprintf(stderr, "chaos: it hangs: %s\n", round_.c_str());
    for (const int pid : Descendants(getpid())) {
      std::fprintf(stderr, "  pid %d, %s, of %d\n", pid, NameOf(pid).c_str(), ParentOf(pid));
      kill(pid, SIGKILL);
    }
    std::_Exit(3);
  }

  std::string round_;
  std::mutex mutex_;
  std::condition_variable cv_;
  bool done_ = false;
  std::thread thread_;
};

// Harms one process below `root` after the other, until it goes.
class Killer {
 public:
  Killer(int root, uint64_t seed) : root_(root), random_(seed), thread_([this] { Run(); }) {}
  ~Killer() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int kills() const { return kills_; }

 private:
  void Run() {
    while (!stop_) {
      Pause(random_() % 30'000'000);
      std::vector<int> workers;
      for (const int pid : Descendants(root_)) {
        if (NameOf(pid) == "troupe-worker") workers.push_back(pid);
      }
      if (workers.empty()) continue;
      const int victim = workers[random_() % workers.size()];
      switch (random_() % 4) {
        case 0:  // stopped for a while, and then itself again
          kill(victim, SIGSTOP);
          Pause(random_() % 10'000'000);
          kill(victim, SIGCONT);
          break;
        case 1:
          kill(victim, SIGSEGV);
          ++kills_;
          break;
        default:
          kill(victim, SIGKILL);
          ++kills_;
      }
    }
  }
  // The next harm comes after so long: an event of the workload, not something that is waited for.
  void Pause(uint64_t nanos) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(nanos);
    while (!stop_ && std::chrono::steady_clock::now() < end) sched_yield();
  }

  int root_;
  Random random_;
  std::atomic<bool> stop_{false};
  std::atomic<int> kills_{0};
  std::thread thread_;
};

// Repeats rounds, each with its own seed, for as long as a test may take.
template <typename Round>
void Repeat(const char* test, Round round) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds_per_test);
  int rounds = 0;
  int kills = 0;
  for (uint64_t seed = first_seed; rounds == 0 || std::chrono::steady_clock::now() < end; ++seed) {
    const std::string name = std::string(test) + ", --seed=" + std::to_string(seed);
    const Watchdog watchdog(name);
    SCOPED_TRACE(name);
    kills += round(seed);
    ++rounds;
    ASSERT_TRUE(BecomesTrue([] { return Descendants(getpid()).empty(); }, kSoon))
        << "a process is left";
    ASSERT_TRUE(SharedMemoryOf(getpid()).empty()) << "shared memory is left";
    if (::testing::Test::HasFailure()) return;
  }
  std::printf("%s: %d rounds from --seed=%llu, %d kills\n", test, rounds,
              static_cast<unsigned long long>(first_seed), kills);
}

TEST(Chaos, OfWorkersChangesNoResult) {
  Repeat("workers", [](uint64_t seed) {
    Random random(seed);
    const std::vector<Step> graph = RandomGraph(random, 150);
    const std::vector<Values> expected = RunSerially(graph);
    const troupe::Cluster cluster =
        troupe::Init({.workers = 2, .object_store_memory = int64_t{64} << 20});
    std::vector<troupe::ObjectRef<Values>> results;
    Killer killer(getpid(), random());
    results = Submit(graph);
    for (size_t i = 0; i < results.size(); ++i)
      EXPECT_EQ(troupe::Get(results[i]), expected[i]) << "task " << i;
    killer.Stop();
    return killer.kills();
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
  Repeat("actors", [](uint64_t seed) {
    Random random(seed);
    const troupe::Cluster cluster =
        troupe::Init({.workers = 2, .object_store_memory = int64_t{64} << 20});
    std::vector<troupe::ActorHandle<Adder>> actors;
    for (int i = 0; i < 3; ++i)
      actors.push_back(troupe::Actor<Adder>(int64_t{0}).Options({.max_restarts = -1}).Remote());
    Killer killer(getpid(), random());
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
          EXPECT_TRUE(now == last + 1 || now == 1 || now > last)
              << "an answer of " << now << " after " << last;
          last = now;
          ++answered;
        } catch (const troupe::Unavailable&) {
        }
      }
    }
    killer.Stop();
    EXPECT_GT(answered, 0);
    return killer.kills();
  });
}

// The driver to be harmed; it writes a byte to `begun` when its tasks are submitted. The exit code.
int Drive(uint64_t seed, int begun) {
  try {
    Random random(seed);
    const troupe::Cluster cluster =
        troupe::Init({.workers = 2, .object_store_memory = int64_t{64} << 20});
    const std::vector<Step> graph = RandomGraph(random, 400);
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
template <typename Harm>
int HarmADriver(uint64_t seed, Harm harm, std::set<int> allowed_codes) {
  Random random(seed);
  int begun[2];
  if (pipe(begun) != 0) return 0;
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
  return 1;
}

TEST(Chaos, OfANodeIsUnavailable) {
  Repeat("nodes", [](uint64_t seed) {
    return HarmADriver(seed,
                       [](int driver) {
                         for (const int pid : Descendants(driver)) {
                           if (NameOf(pid) == "troupe-node") kill(pid, SIGKILL);
                         }
                       },
                       {0, 5});  // it may have been done already
  });
}

TEST(Chaos, OfADriverLeavesNothing) {
  Repeat("drivers", [](uint64_t seed) {
    return HarmADriver(seed, [](int driver) { kill(driver, SIGKILL); }, {0, 128 + SIGKILL});
  });
}

bool ParseFlags(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.substr(0, 10) == "--seconds=") {
      seconds_per_test = std::atoll(argv[i] + 10) / 4;
    } else if (argument.substr(0, 7) == "--seed=") {
      first_seed = std::strtoull(argv[i] + 7, nullptr, 10);
    } else if (argument.substr(0, 8) == "--drive=") {
      drive = std::strtoull(argv[i] + 8, nullptr, 10);
    } else if (argument.substr(0, 8) == "--begun=") {
      begun_pipe = std::atoi(argv[i] + 8);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace troupe::testing

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!troupe::testing::ParseFlags(argc, argv)) {
    std::fprintf(stderr,
                 "chaos_test: use --seconds=SECONDS (of all tests together) and --seed=N\n");
    return 2;
  }
  using troupe::testing::begun_pipe;
  using troupe::testing::drive;
  if (drive.has_value()) return troupe::testing::Drive(*drive, begun_pipe);
  return RUN_ALL_TESTS();
}
