#include "bench/report.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace bench {
namespace {

Sample SampleOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

[[noreturn]] void Usage(const char* argument) {
  std::fprintf(stderr,
               "bench: %s is not understood; use --filter=TEXT, --json, --runs=N and --workers=N\n",
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
    } else {
      good = false;
    }
    if (!good) Usage(argv[i]);
  }
  return flags;
}

void Report::Row(const std::string& name, const std::string& unit,
                 const std::function<double()>& measure, const Limit& limit) {
  if (name.find(flags_.filter) == std::string::npos) return;
  std::vector<double> values;
  std::vector<double> limits;
  for (int run = 0; run < flags_.runs; ++run) {
    values.push_back(measure());
    limits.push_back(limit.measure());
  }
  const Sample value = SampleOf(values);
  const Sample bound = SampleOf(limits);
  const double ratio = value.median / bound.median;
  if (flags_.json) {
    std::printf(
        "{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"min\": %.6g, \"max\": %.6g, "
        "\"runs\": %d, \"limit_name\": \"%s\", \"limit\": %.6g, \"ratio\": %.4g}\n",
        name.c_str(), value.median, unit.c_str(), value.min, value.max, flags_.runs,
        limit.name.c_str(), bound.median, ratio);
  } else {
    if (!std::exchange(header_printed_, true)) {
      std::printf("%-36s %12s %12s %12s %-6s %9s  %12s %s\n", "name", "median", "min", "max",
                  "unit", "ratio", "limit", "of");
    }
    std::printf("%-36s %12.4g %12.4g %12.4g %-6s %9.3g  %12.4g %s\n", name.c_str(), value.median,
                value.min, value.max, unit.c_str(), ratio, bound.median, limit.name.c_str());
  }
  std::fflush(stdout);
}

double Seconds(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Rate(int64_t operations, const std::function<void()>& f) {
  return static_cast<double>(operations) / Seconds(f);
}

void Expect(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "bench: the work was not done: %s\n", what);
  std::exit(1);
}

}  // namespace bench
