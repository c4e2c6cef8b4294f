// A long run: small calls, objects and deaths of workers at a steady rate, while the memory and the
// descriptors of every process and the time of a small call are to stay flat.
//
//   bazel run -c opt //tests/soak:soak_test -- --seconds=3600 --calls=100000000 --objects=1000000
//       --deaths=10000 --samples=$PWD/soak.jsonl && tests/soak/plot.py soak.jsonl soak.svg
//
// Every result is compared with what it must be: workers die, and no call is lost.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/troupe.h"
#include "tests/integration/number_flag.h"
#include "tests/integration/processes.h"
#include "tests/soak/samples.h"

namespace troupe::testing {
namespace {

// Of the whole run. Where the machine cannot keep up, it does what it can.
double seconds = 10;
double calls = 100'000;
double objects = 2'000;
double deaths = 200;
std::string samples_path;

using Clock = std::chrono::steady_clock;
using Words = std::vector<uint64_t>;

uint64_t Next(uint64_t x) { return x + 1; }
uint64_t Sum(const Words& words) {
  return std::accumulate(words.begin(), words.end(), uint64_t{0});
}
Words Double(Words words) {
  for (uint64_t& word : words) word *= 2;
  return words;
}

class Counter {
 public:
  uint64_t Add(uint64_t x) { return x + (++calls_ > 0 ? 1 : 0); }

 private:
  uint64_t calls_ = 0;
};

class Soak {
 public:
  void Run() {
    std::ofstream file(samples_path);
    const double interval = std::max(0.1, seconds / 240);
    for (double next_sample = interval; Elapsed() < seconds;) {
      Work();
      if (Elapsed() < next_sample) continue;
      next_sample = Elapsed() + interval;
      samples_.push_back(Measure());
      if (file.is_open()) file << JsonOf(samples_.back()) << std::endl;
      if (::testing::Test::HasFailure()) return;
    }
  }
  const std::vector<Sample>& samples() const { return samples_; }

 private:
  double Elapsed() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }
  // What is due by now of so many in the whole run, and at most `most` at once.
  uint64_t Due(double all, uint64_t done, uint64_t most) const {
    const auto due = static_cast<uint64_t>(all * std::min(1.0, Elapsed() / seconds));
    return due <= done ? 0 : std::min(due - done, most);
  }

  void Work() {
    std::vector<troupe::ObjectRef<uint64_t>> results;
    const uint64_t first = calls_;
    for (uint64_t i = Due(calls, calls_, 2'000); i > 0; --i, ++calls_) {
      results.push_back(calls_ % 8 == 0 ? counter_.Task(&Counter::Add).Remote(calls_)
                                        : next_.Remote(calls_));
    }
    std::vector<std::pair<uint64_t, troupe::ObjectRef<uint64_t>>> sums;
    for (uint64_t i = Due(objects, objects_, 20); i > 0; --i, objects_ += 2) {
      const Words words(1 + random_() % 16'000, objects_);
      const auto put = troupe::Put(words);
      sums.emplace_back(2 * Sum(words), sum_.Remote(double_.Remote(put)));
    }
    if (Due(deaths, deaths_, 1) > 0) KillAWorker();
    for (size_t i = 0; i < results.size(); ++i) ASSERT_EQ(troupe::Get(results[i]), first + i + 1);
    for (const auto& [expected, sum] : sums) ASSERT_EQ(troupe::Get(sum), expected);
  }

  void KillAWorker() {
    std::vector<int> workers;
    for (const int pid : Descendants(getpid())) {
      if (NameOf(pid) == "troupe-worker") workers.push_back(pid);
    }
    if (workers.empty()) return;
    deaths_ += kill(workers[random_() % workers.size()], SIGKILL) == 0 ? 1 : 0;
  }

  Sample Measure() {
    Sample sample;
    std::vector<double> times;
    for (int i = 0; i < 50; ++i, ++calls_) {
      const auto begin = Clock::now();
      EXPECT_EQ(troupe::Get(next_.Remote(calls_)), calls_ + 1);
      times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
    std::sort(times.begin(), times.end());
    sample.latency_us = times[times.size() / 10];
    sample.calls = calls_;
    sample.objects = objects_;
    sample.deaths = deaths_;
    sample.seconds = Elapsed();
    Look(&sample);
    return sample;
  }

  const Clock::time_point begin_ = Clock::now();
  const troupe::Cluster cluster_ =
      troupe::Init({.workers = 2, .object_store_memory = int64_t{64} << 20});
  const troupe::TaskOptions forever_ = {.max_retries = -1};
  decltype(troupe::Task(Next).Options({})) next_ = troupe::Task(Next).Options(forever_);
  decltype(troupe::Task(Sum).Options({})) sum_ = troupe::Task(Sum).Options(forever_);
  decltype(troupe::Task(Double).Options({})) double_ = troupe::Task(Double).Options(forever_);
  troupe::ActorHandle<Counter> counter_ =
      troupe::Actor<Counter>().Options({.max_restarts = -1, .max_task_retries = -1}).Remote();
  std::mt19937_64 random_{17};
  uint64_t calls_ = 0, objects_ = 0, deaths_ = 0;
  std::vector<Sample> samples_;
};

TEST(Soak, StaysFlat) {
  std::vector<Sample> samples;
  {
    Soak soak;
    soak.Run();
    samples = soak.samples();
  }
  for (const std::string& growth : Growths(samples)) ADD_FAILURE() << growth;
  EXPECT_TRUE(BecomesTrue([] { return Descendants(getpid()).empty(); }, std::chrono::seconds(10)))
      << "a process is left";
  EXPECT_TRUE(SharedMemoryOf(getpid()).empty()) << "shared memory is left";
  ASSERT_FALSE(samples.empty());
  std::printf("first: %s\nlast:  %s\n", JsonOf(samples[samples.size() / 4]).c_str(),
              JsonOf(samples.back()).c_str());
}

bool ParseFlag(std::string_view argument) {
  if (argument.substr(0, 10) == "--samples=") {
    samples_path = argument.substr(10);
    return true;
  }
  return IsNumberFlag(argument, "--seconds=", &seconds) ||
         IsNumberFlag(argument, "--calls=", &calls) ||
         IsNumberFlag(argument, "--objects=", &objects) ||
         IsNumberFlag(argument, "--deaths=", &deaths);
}

}  // namespace
}  // namespace troupe::testing

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (troupe::testing::ParseFlag(argv[i])) continue;
    std::fprintf(
        stderr,
        "soak_test: use --seconds=N, --calls=N, --objects=N, --deaths=N (of the whole run) "
        "and --samples=FILE\n");
    return 2;
  }
  return RUN_ALL_TESTS();
}
