// The most frequent hosts of a web server's log. The lines are read lazily, a chunk at a time is
// counted by a task, and the counts are merged two by two in the workers.
//
//   bazel run -c opt //examples:mapreduce_logs -- [LINES]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

using Counts = std::map<std::string, int64_t>;

// A log as long as wanted, line by line, as a file would be read: no more of it is in memory than
// what is being counted.
class Log {
 public:
  explicit Log(int64_t lines) : lines_(lines) {}

  class Iterator {
   public:
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(int64_t line) : line_(line) {}
    std::string operator*() const {
      // Some hosts come often, most do not.
      const uint64_t dice = static_cast<uint64_t>(line_ + 1) * 0x9E3779B97F4A7C15u >> 40;
      const uint64_t host = dice % 7 == 0 ? dice % 1000 : dice % 13;
      return "10.0." + std::to_string(host / 256) + "." + std::to_string(host % 256) +
             " - - [27/Jul/2009:22:52:14] \"GET /index.html HTTP/1.0\" 200 " +
             std::to_string(dice % 5000);
    }
    Iterator& operator++() {
      ++line_;
      return *this;
    }
    void operator++(int) { ++line_; }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.line_ == b.line_; }

   private:
    int64_t line_;
  };
  Iterator begin() const { return Iterator(0); }
  Iterator end() const { return Iterator(lines_); }

 private:
  int64_t lines_;
};

Counts HostOf(const std::string& line) { return {{line.substr(0, line.find(' ')), 1}}; }

Counts Merge(Counts a, const Counts& b) {
  for (const auto& [host, count] : b) a[host] += count;
  return a;
}

std::vector<std::pair<int64_t, std::string>> Top(const Counts& counts, size_t k) {
  std::vector<std::pair<int64_t, std::string>> top;
  for (const auto& [host, count] : counts) top.emplace_back(-count, host);
  std::sort(top.begin(), top.end());
  top.resize(std::min(top.size(), k));
  return top;
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t lines =
      examples::NumberArgument(argc, argv, 1, "number of lines", 200'000, 1, 1'000'000'000);
  const troupe::Cluster cluster = troupe::Init();
  const Log log(lines);

  const auto parallel = examples::Timed(
      [&] { return Top(troupe::MapReduce(HostOf, Merge, log, {.progress = "lines"}), 5); });
  const auto serial = examples::Timed([&] {
    Counts counts;
    for (const std::string& line : log) counts = Merge(std::move(counts), HostOf(line));
    return Top(counts, 5);
  });

  std::printf("%lld lines; the most frequent hosts:\n", static_cast<long long>(lines));
  for (const auto& [count, host] : parallel.result)
    std::printf("  %8lld %s\n", static_cast<long long>(-count), host.c_str());
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
