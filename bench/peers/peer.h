// Measures what a peer does in the rows of bench:core, and prints a line of JSON for each.
//
// A peer is worth comparing only if it did the same work: every call doubles an integer in another
// process, and the sum of the results is checked here; a row whose work was not done ends the
// program. Each row is the median of --runs runs after one that is not counted. --calls is the
// number of calls in a run; of those that are waited for one by one there are a tenth as many.
//
//   Peer peer("Cap'n Proto RPC", 50'000, argc, argv);
//   peer.Sync("1_1_actor_calls_sync", [&](int64_t x) { return Call(x); });
//
// Not thread-safe. The standard library only: most peers are compiled outside of Bazel, with what
// the system has. peer.py is the same for peers in Python.
#ifndef TROUPE_BENCH_PEERS_PEER_H_
#define TROUPE_BENCH_PEERS_PEER_H_

#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace peers {

inline constexpr int kWorkers = 2;
// Calls that are submitted before the first result is asked for, as in Ray's benchmark.
inline constexpr int64_t kBatch = 1'000;

// The work: what bench:core's tasks and actors do.
inline int64_t Double(int64_t x) { return 2 * x; }

class Peer {
 public:
  // `name` has no character that JSON would escape. Ends the program with code 2 where the command
  // line is wrong.
  Peer(std::string name, int64_t calls, int argc, char** argv)
      : name_(std::move(name)), calls_(calls) {
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      if (argument.rfind("--runs=", 0) == 0) {
        runs_ = std::atoll(argument.c_str() + 7);
      } else if (argument.rfind("--calls=", 0) == 0) {
        calls_ = std::atoll(argument.c_str() + 8);
      } else {
        runs_ = 0;
      }
      if (runs_ > 0 && calls_ > 0) continue;
      std::fprintf(stderr, "%s is not understood; use --runs=N and --calls=N\n", argv[i]);
      std::exit(2);
    }
  }

  // Calls that are waited for: `call(x)` returns 2 * x. In µs a call.
  void Sync(const std::string& row, const std::function<int64_t(int64_t)>& call) {
    // At least two, since the double of 0 says nothing.
    const int64_t count = std::max<int64_t>(2, calls_ / 10);
    Row(row, "us", [&] {
      int64_t sum = 0;
      const double seconds = Seconds([&] {
        for (int64_t i = 0; i < count; ++i) sum += call(i);
      });
      Expect(sum == count * (count - 1), row);
      return 1e6 * seconds / static_cast<double>(count);
    });
  }

  // Many calls under way: `batch(first, last)` submits one for each number in [first, last), at
  // most kBatch of them, then takes the results and returns their sum. In calls a second.
  void Pipelined(const std::string& row, const std::function<int64_t(int64_t, int64_t)>& batch) {
    Row(row, "1/s", [&] {
      int64_t sum = 0;
      const double seconds = Seconds([&] {
        for (int64_t first = 0; first < calls_; first += kBatch)
          sum += batch(first, std::min(first + kBatch, calls_));
      });
      Expect(sum == calls_ * (calls_ - 1), row);
      return static_cast<double>(calls_) / seconds;
    });
  }

 private:
  static double Seconds(const std::function<void()>& f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  void Expect(bool done, const std::string& row) {
    if (done) return;
    std::fprintf(stderr, "%s: the work was not done: %s\n", name_.c_str(), row.c_str());
    std::exit(1);
  }

  void Row(const std::string& row, const char* unit, const std::function<double()>& measure) {
    measure();
    std::vector<double> values;
    for (int64_t run = 0; run < runs_; ++run) values.push_back(measure());
    std::sort(values.begin(), values.end());
    const double median = (values[values.size() / 2] + values[(values.size() - 1) / 2]) / 2;
    std::printf(
        "{\"peer\": \"%s\", \"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"min\": %.6g, "
        "\"max\": %.6g, \"runs\": %lld}\n",
        name_.c_str(), row.c_str(), median, unit, values.front(), values.back(),
        static_cast<long long>(runs_));
    std::fflush(stdout);
  }

  std::string name_;
  int64_t calls_;
  int64_t runs_ = 5;
};

// A forked process that runs `f`, and is killed with this object or with its parent.
// REQUIRES: the parent has no other thread yet.
class Process {
 public:
  explicit Process(const std::function<void()>& f) : pid_(fork()) {
    if (pid_ < 0) {
      std::perror("fork");
      std::exit(1);
    }
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    f();
    _exit(0);
  }
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Process& operator=(Process&&) = delete;
  ~Process() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

}  // namespace peers

#endif  // TROUPE_BENCH_PEERS_PEER_H_
