#include "bench/report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "bench/busy_processes.h"

namespace bench {
namespace {

Sample SampleOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

// What the runs of a row have measured.
struct Series {
  std::vector<double> values;
  std::vector<double> limits;
  std::vector<double> peers;
  Meter meter;

  void MeasureOnce(const Report::Measure& measure, const Limit& limit,
                   const std::optional<Limit>& peer) {
    values.push_back(measure(meter));
    limits.push_back(limit.measure());
    if (peer) peers.push_back(peer->measure());
  }
};

[[noreturn]] void Usage(const char* argument) {
  std::fprintf(stderr,
               "bench: %s is not understood; use --filter=TEXT, --json, --runs=N, --workers=N and "
               "--busy=N\n",
               argument);
  std::exit(2);
}

}  // namespace

Flags Flags::Parse(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    bool good = true;
    if (argument == "--json") {
      flags.json = true;
    } else if (absl::ConsumePrefix(&argument, "--filter=")) {
      flags.filter.assign(argument.data(), argument.size());
    } else if (absl::ConsumePrefix(&argument, "--runs=")) {
      good = absl::SimpleAtoi(argument, &flags.runs) && flags.runs > 0;
    } else if (absl::ConsumePrefix(&argument, "--workers=")) {
      good = absl::SimpleAtoi(argument, &flags.workers) && flags.workers > 0;
    } else if (absl::ConsumePrefix(&argument, "--busy=")) {
      good = absl::SimpleAtoi(argument, &flags.busy) && flags.busy >= 0;
    } else {
      good = false;
    }
    if (!good) Usage(argv[i]);
  }
  return flags;
}

void Report::Row(const std::string& name, const std::string& unit, const Measure& measure,
                 const Limit& limit, const std::optional<Limit>& peer) {
  measured_.insert(name);
  if (name.find(flags_.filter) == std::string::npos) return;
  if (flags_.busy > 0 && !limit.is_floor) return;
  Series quiet;
  Series busy;
  for (int run = 0; run < flags_.runs; ++run) {
    quiet.MeasureOnce(measure, limit, peer);
    if (flags_.busy == 0) continue;
    const BusyProcesses foreign(flags_.busy);
    busy.MeasureOnce(measure, limit, peer);
  }
  Series& series = flags_.busy > 0 ? busy : quiet;
  if (flags_.busy == 0 && series.meter.costs().operations > 0) {
    series.meter.CountSystemCalls();
    (void)measure(series.meter);
  }

  RowResult result;
  result.name = name;
  result.unit = unit;
  result.runs = flags_.runs;
  result.workers = flags_.workers;
  result.value = SampleOf(series.values);
  result.limit = {limit.name, SampleOf(series.limits).median};
  if (peer) result.peer = {peer->name, SampleOf(series.peers).median};
  result.costs = series.meter.costs();
  if (flags_.busy > 0) {
    result.undisturbed = {.busy = flags_.busy,
                          .value = SampleOf(quiet.values).median,
                          .limit = SampleOf(quiet.limits).median,
                          .slower = TimesAsLong(busy.values, quiet.values, unit),
                          .limit_slower = TimesAsLong(busy.limits, quiet.limits, unit)};
  } else if (const Goal* goal = FindGoal(goals_, name)) {
    result.goal = *goal;
  }
  Print(result);
}

void Report::Row(const std::string& name, const std::string& unit,
                 const std::function<double()>& measure, const Limit& limit) {
  Row(
      name, unit, [&](Meter&) { return measure(); }, limit);
}

void Report::Print(const RowResult& result) {
  if (!std::exchange(any_printed_, true) && !flags_.json) std::fputs(TextHeader().c_str(), stdout);
  std::fputs((flags_.json ? ToJson(result) : ToText(result)).c_str(), stdout);
  std::fflush(stdout);
}

void Report::Finish() const {
  if (any_printed_) return;
  std::fprintf(stderr, "bench: no row%s has a name that contains '%s'\n",
               flags_.busy > 0 ? " that --busy measures" : "", flags_.filter.c_str());
  std::exit(2);
}

void Report::ExpectAllGoals() const {
  for (const Goal& goal : goals_) {
    const std::string name(goal.name);
    Expect(measured_.count(name) > 0, ("there is no row " + name).c_str());
  }
}

}  // namespace bench
