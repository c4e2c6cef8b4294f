// Measures rows several times and prints them, each beside a limit or peer that was measured in
// the same run.
//
//   report.Row("single_client_tasks_sync", "us",
//              [](Meter& meter) { return meter.Micros(kTasks, [] { ... }); },
//              FloorSyncMicros(), StdAsyncMicros());
//
// A row's `value` is the median of its runs; `ratio` is value / limit, both in `unit`. As a table,
// or with --json as JSON lines: row_result.h has the fields. Not thread-safe.
#ifndef TROUPE_BENCH_REPORT_H_
#define TROUPE_BENCH_REPORT_H_

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bench/goals.h"
#include "bench/limits.h"
#include "bench/meter.h"
#include "bench/row_result.h"
#include "bench/timing.h"

namespace bench {

struct Flags {
  bool json = false;
  std::string filter;  // only rows whose name contains it
  int runs = 5;
  int workers = 2;
  int busy = 0;  // foreign processes beside it

  // Ends the program with code 2 and a sentence where the command line is wrong.
  static Flags Parse(int argc, char** argv);
};

class Report {
 public:
  // Measures once, returns a figure in the row's unit, and times what counts by the meter.
  using Measure = std::function<double(Meter&)>;

  explicit Report(const Flags& flags) : flags_(flags), goals_(Goals(flags.workers)) {}

  // Row, limit and peer are measured in turn, so that what disturbs one disturbs the others. Once
  // more after that, where it counts, to count its system calls, without being timed.
  //
  // With --busy each is measured in turn without and with the foreign processes, and only what has
  // the floor as its limit, which degrades as a machine makes it.
  void Row(const std::string& name, const std::string& unit, const Measure& measure,
           const Limit& limit, const std::optional<Limit>& peer = std::nullopt);
  // What costs nothing that a meter sees.
  void Row(const std::string& name, const std::string& unit, const std::function<double()>& measure,
           const Limit& limit);

  // Ends the program where a row that has a goal is not there, whatever --filter lets through.
  void ExpectAllGoals() const;
  // To be called last: ends the program with code 2 and a sentence where --filter let nothing
  // through.
  void Finish() const;

  const Flags& flags() const { return flags_; }

 private:
  void Print(const RowResult& result);

  Flags flags_;
  std::vector<Goal> goals_;
  std::set<std::string> measured_;
  bool any_printed_ = false;
};

}  // namespace bench

#endif  // TROUPE_BENCH_REPORT_H_
