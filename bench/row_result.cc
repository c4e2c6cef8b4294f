#include "bench/row_result.h"

#include <cstdint>
#include <cstdio>

namespace bench {
namespace {

constexpr const char* kNull = "null";

template <typename... Values>
std::string Format(const char* format, Values... values) {
  char text[512];
  std::snprintf(text, sizeof(text), format, values...);
  return text;
}

std::string Number(double value) { return Format("%.6g", value); }

bool IsRate(const std::string& unit) { return unit.find('/') != std::string::npos; }

double MeanTime(const std::vector<double>& runs, bool are_rates) {
  double sum = 0;
  for (const double run : runs) sum += are_rates ? 1 / run : run;
  return sum / static_cast<double>(runs.size());
}

Figures FiguresOf(const RowResult& result) {
  Figures figures = {.value = result.value.median, .limit = result.limit.median};
  if (result.peer) figures.peer = result.peer->median;
  return figures;
}

// The tasks of each worker, a few of them where there are many.
std::string List(const std::vector<int64_t>& numbers, const char* separator, size_t most) {
  std::string text;
  for (size_t i = 0; i < numbers.size() && i < most; ++i)
    text += (i == 0 ? "" : separator) + std::to_string(numbers[i]);
  if (numbers.size() > most)
    text += " and those of " + std::to_string(numbers.size() - most) + " more";
  return text;
}

// An operation's part, in µs.
double CpuMicros(const Costs& costs, Role role) {
  return 1e6 * costs.cpu_seconds[IndexOf(role)] / static_cast<double>(costs.operations);
}
double WakeupsEach(const Costs& costs) {
  return static_cast<double>(costs.wakeups) / static_cast<double>(costs.operations);
}

// --- JSON.

std::string Field(const char* name, const std::string& value) {
  return std::string(", \"") + name + "\": " + value;
}
std::string Quoted(const std::string& text) { return "\"" + text + "\""; }
std::string Bool(bool value) { return value ? "true" : "false"; }

std::string PeerFields(const RowResult& result) {
  if (!result.peer)
    return Field("peer_name", kNull) + Field("peer_value", kNull) + Field("peer_ratio", kNull);
  return Field("peer_name", Quoted(result.peer->name)) +
         Field("peer_value", Number(result.peer->median)) +
         Field("peer_ratio", Number(result.value.median / result.peer->median));
}

std::string BoundFields(const char* name, const char* holds, const Bounds& bounds,
                        const RowResult& result) {
  if (bounds.empty()) return Field(name, kNull) + Field(holds, kNull);
  return Field(name, Quoted(Text(bounds))) + Field(holds, Bool(Holds(bounds, FiguresOf(result))));
}

std::string CostFields(const Costs& costs) {
  if (costs.operations == 0) {
    return Field("syscalls_per_op", kNull) + Field("wakeups_per_op", kNull) +
           Field("cpu_us_per_op", kNull) + Field("peak_memory_bytes", kNull);
  }
  const auto cpu = [&](Role role) { return Number(CpuMicros(costs, role)); };
  const auto peak = [&](Role role) {
    const auto& bytes = costs.peak_memory_bytes[IndexOf(role)];
    return bytes ? std::to_string(*bytes) : std::string(kNull);
  };
  return Field("syscalls_per_op", costs.system_calls_per_operation
                                      ? Number(*costs.system_calls_per_operation)
                                      : std::string(kNull)) +
         Field("wakeups_per_op", Number(WakeupsEach(costs))) +
         Field("cpu_us_per_op", "{\"driver\": " + cpu(Role::kDriver) +
                                    ", \"node\": " + cpu(Role::kNode) +
                                    ", \"workers\": " + cpu(Role::kWorker) + "}") +
         Field("peak_memory_bytes", "{\"driver\": " + peak(Role::kDriver) +
                                        ", \"node\": " + peak(Role::kNode) +
                                        ", \"worker\": " + peak(Role::kWorker) + "}");
}

std::string UndisturbedFields(const RowResult& result) {
  const Undisturbed& was = *result.undisturbed;
  const double ratio = RatioOfDegradations(result);
  return Field("busy", std::to_string(was.busy)) + Field("undisturbed_value", Number(was.value)) +
         Field("undisturbed_limit", Number(was.limit)) +
         Field("undisturbed_ratio", Number(was.value / was.limit)) +
         Field("slower", Number(was.slower)) + Field("limit_slower", Number(was.limit_slower)) +
         Field("ratio_of_degradations", Number(ratio)) +
         Field("degrades_as_limit", Bool(ratio <= kAlike));
}

// --- Text.

std::string BoundText(const char* name, const Bounds& bounds, const RowResult& result) {
  if (bounds.empty()) return "";
  return std::string(name) + " " + Text(bounds) +
         (Holds(bounds, FiguresOf(result)) ? ": holds" : ": DOES NOT HOLD");
}

std::string CostText(const Costs& costs) {
  if (costs.operations == 0) return "";
  const std::string calls = costs.system_calls_per_operation
                                ? Format("%.3g", *costs.system_calls_per_operation)
                                : "uncounted";
  const auto peak = [&](Role role) {
    const auto& bytes = costs.peak_memory_bytes[IndexOf(role)];
    return bytes ? Format("%.1f", static_cast<double>(*bytes) / (1 << 20)) : std::string("-");
  };
  std::string text =
      Format("    an operation: %s system calls, %.3g wake-ups, CPU us %.3g + %.3g + %.3g; ",
             calls.c_str(), WakeupsEach(costs), CpuMicros(costs, Role::kDriver),
             CpuMicros(costs, Role::kNode), CpuMicros(costs, Role::kWorker)) +
      "peak MiB " + peak(Role::kDriver) + ", " + peak(Role::kNode) + ", " + peak(Role::kWorker);
  if (!costs.tasks_per_worker.empty()) text += "; tasks " + List(costs.tasks_per_worker, " + ", 4);
  return text + "\n";
}

std::string UndisturbedText(const RowResult& result) {
  const Undisturbed& was = *result.undisturbed;
  const double ratio = RatioOfDegradations(result);
  return Format(
      "    beside %d busy processes; %.4g of %.4g without them; by the mean %.3g times slower, and "
      "its limit %.3g times: %.3g, %s\n",
      was.busy, was.value, was.limit, was.slower, was.limit_slower, ratio,
      ratio <= kAlike ? "alike" : "WORSE");
}

}  // namespace

double TimesAsLong(const std::vector<double>& runs, const std::vector<double>& others,
                   const std::string& unit) {
  return MeanTime(runs, IsRate(unit)) / MeanTime(others, IsRate(unit));
}

double RatioOfDegradations(const RowResult& result) {
  return result.undisturbed->slower / result.undisturbed->limit_slower;
}

std::string ToJson(const RowResult& result) {
  const Goal goal = result.goal.value_or(Goal{});
  std::string json =
      "{\"name\": " + Quoted(result.name) + Field("value", Number(result.value.median)) +
      Field("unit", Quoted(result.unit)) + Field("min", Number(result.value.min)) +
      Field("max", Number(result.value.max)) + Field("runs", std::to_string(result.runs)) +
      Field("limit_name", Quoted(result.limit.name)) + Field("limit", Number(result.limit.median)) +
      Field("ratio", Number(result.ratio())) + PeerFields(result) +
      BoundFields("must", "must_holds", goal.must, result) +
      BoundFields("aim", "aim_holds", goal.aim, result) +
      Field("workers", std::to_string(result.workers)) +
      Field("tasks_per_worker", "[" + List(result.costs.tasks_per_worker, ", ", SIZE_MAX) + "]") +
      CostFields(result.costs);
  if (result.undisturbed) json += UndisturbedFields(result);
  return json + "}\n";
}

std::string TextHeader() {
  return Format("%-36s %12s %12s %12s %-6s %9s  %12s %s\n", "name", "median", "min", "max", "unit",
                "ratio", "limit", "of") +
         "    CPU is that of the driver, the node and all workers; peak memory that of the driver, "
         "the node and one worker.\n";
}

std::string ToText(const RowResult& result) {
  std::string text =
      Format("%-36s %12.4g %12.4g %12.4g %-6s %9.3g  %12.4g %s", result.name.c_str(),
             result.value.median, result.value.min, result.value.max, result.unit.c_str(),
             result.ratio(), result.limit.median, result.limit.name.c_str());
  if (result.peer) {
    text += Format("; %.3g of %.4g %s", result.value.median / result.peer->median,
                   result.peer->median, result.peer->name.c_str());
  }
  text += "\n";
  if (result.goal) {
    const std::string aim = BoundText("aim", result.goal->aim, result);
    text += "    " + BoundText("must", result.goal->must, result) + (aim.empty() ? "" : "; ") +
            aim + "\n";
  }
  text += CostText(result.costs);
  if (result.undisturbed) text += UndisturbedText(result);
  return text;
}

}  // namespace bench
