// RowResult is what bench:core says of a row: as a line of JSON, or as a few lines for people.
//
// JSON: name, value, unit, min, max, runs, limit_name, limit, ratio (value / limit); peer_name,
// peer, peer_ratio; must, must_holds, aim, aim_holds; workers, tasks_per_worker; syscalls_per_op,
// wakeups_per_op, cpu_us_per_op {driver, node, workers}, peak_memory_bytes {driver, node, worker}.
// What is not there, or was not to be had, is null. Beside foreign processes (busy) also what the
// row and its limit were without them. bench/README.md says what each means.
#ifndef TROUPE_BENCH_ROW_RESULT_H_
#define TROUPE_BENCH_ROW_RESULT_H_

#include <optional>
#include <string>
#include <vector>

#include "bench/goals.h"
#include "bench/meter.h"

namespace bench {

// Median, least and most of several measurements.
struct Sample {
  double median = 0;
  double min = 0;
  double max = 0;
};

// What was measured beside a row: its limit, or a peer.
struct Beside {
  std::string name;
  double median = 0;
};

// The same without foreign processes, in turn with what was measured beside them.
struct Undisturbed {
  int busy = 0;  // how many there were
  double value = 0;
  double limit = 0;
  // How many times as long an operation took beside them, and one of the limit (TimesAsLong).
  double slower = 1;
  double limit_slower = 1;
};

// How many times as long an operation took in some runs as in others, where `unit` is what was
// measured. By means, since beside foreign processes a call that is waited for has two states, by
// where the kernel has put whom: the median of a few runs is one of them by chance.
double TimesAsLong(const std::vector<double>& runs, const std::vector<double>& others,
                   const std::string& unit);

struct RowResult {
  std::string name;
  std::string unit;
  int runs = 0;
  int workers = 0;
  Sample value;
  Beside limit;
  std::optional<Beside> peer;
  std::optional<Goal> goal;
  Costs costs;  // of no operation where the row has none
  std::optional<Undisturbed> undisturbed;

  double ratio() const { return value.median / limit.median; }
};

// How many times worse the row has become by the foreign processes, for each time that its limit
// has: 1 where both suffer alike, more where the row does. REQUIRES: result.undisturbed.
double RatioOfDegradations(const RowResult& result);
// What passes for alike: figures of a machine that is full differ by as much from run to run.
inline constexpr double kAlike = 1.25;

std::string ToJson(const RowResult& result);
std::string ToText(const RowResult& result);
std::string TextHeader();

}  // namespace bench

#endif  // TROUPE_BENCH_ROW_RESULT_H_
