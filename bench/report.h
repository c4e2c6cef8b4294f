// Measures rates several times and prints them, each beside a limit or peer that was measured in
// the same run.
//
// A row's `value` is the median of its runs; `ratio` is value / limit, both in `unit`. As a table,
// or with --json as JSON lines: name, value, unit, min, max, runs, limit_name, limit, ratio.
// Not thread-safe.
#ifndef TROUPE_BENCH_REPORT_H_
#define TROUPE_BENCH_REPORT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "bench/limits.h"

namespace bench {

struct Flags {
  bool json = false;
  std::string filter;  // only rows whose name contains it
  int runs = 5;
  int workers = 2;

  // Ends the program with code 2 and a sentence where the command line is wrong.
  static Flags Parse(int argc, char** argv);
};

// Median, least and most of several measurements.
struct Sample {
  double median = 0;
  double min = 0;
  double max = 0;
};

class Report {
 public:
  explicit Report(Flags flags) : flags_(std::move(flags)) {}

  // Each function measures once and returns a figure in `unit`. Both are run in turn, so that what
  // disturbs one disturbs the other.
  void Row(const std::string& name, const std::string& unit, const std::function<double()>& measure,
           const Limit& limit);

  const Flags& flags() const { return flags_; }

 private:
  Flags flags_;
  bool header_printed_ = false;
};

// Operations per second of `operations` in `f`.
double Rate(int64_t operations, const std::function<void()>& f);
double Seconds(const std::function<void()>& f);
// Stops the benchmark where the work was not done.
void Expect(bool done, const char* what);

}  // namespace bench

#endif  // TROUPE_BENCH_REPORT_H_
