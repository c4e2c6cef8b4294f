#include "bench/row_result.h"

#include <gtest/gtest.h>

#include <string>

namespace bench {
namespace {

RowResult CallsOfTheFloor() {
  RowResult result;
  result.name = "calls";
  result.unit = "us";
  result.runs = 5;
  result.workers = 2;
  result.value = {20, 10, 30};
  result.limit = {"the floor", 8};
  return result;
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(RowResultTest, JsonHasNullForWhatIsNotThere) {
  EXPECT_EQ(ToJson(CallsOfTheFloor()),
            "{\"name\": \"calls\", \"value\": 20, \"unit\": \"us\", \"min\": 10, \"max\": 30, "
            "\"runs\": 5, \"limit_name\": \"the floor\", \"limit\": 8, \"ratio\": 2.5, "
            "\"peer_name\": null, \"peer_value\": null, \"peer_ratio\": null, "
            "\"must\": null, \"must_holds\": null, \"aim\": null, \"aim_holds\": null, "
            "\"workers\": 2, \"tasks_per_worker\": [], \"syscalls_per_op\": null, "
            "\"wakeups_per_op\": null, \"cpu_us_per_op\": null, \"peak_memory_bytes\": null}\n");
}

// bench:compare reads these lines among those of the peers' programs, in which it names the
// program.
TEST(RowResultTest, JsonHasNoFieldPeer) {
  RowResult result = CallsOfTheFloor();
  result.peer = {"std::async", 40};
  EXPECT_FALSE(Has(ToJson(result), "\"peer\":")) << ToJson(result);
}

TEST(RowResultTest, GoalsAreToldWithWhetherTheyHold) {
  RowResult result = CallsOfTheFloor();
  result.peer = {"std::async", 40};
  result.goal = *FindGoal(Goals(2), "single_client_tasks_sync");
  const std::string json = ToJson(result);
  EXPECT_TRUE(Has(json, "\"peer_ratio\": 0.5")) << json;
  EXPECT_TRUE(Has(json, "\"must\": \"ratio <= 3, peer_ratio < 1\", \"must_holds\": true")) << json;
  EXPECT_TRUE(Has(json, "\"aim\": \"ratio <= 1.5\", \"aim_holds\": false")) << json;
  EXPECT_TRUE(Has(ToText(result),
                  "must ratio <= 3, peer_ratio < 1: holds; "
                  "aim ratio <= 1.5: DOES NOT HOLD"))
      << ToText(result);
}

TEST(RowResultTest, CostsAreThoseOfOneOperation) {
  RowResult result = CallsOfTheFloor();
  result.costs.operations = 1'000;
  result.costs.cpu_seconds = {0.01, 0.02, 0.03};
  result.costs.wakeups = 500;
  result.costs.peak_memory_bytes = {3 << 20, 2 << 20, std::nullopt};
  result.costs.tasks_per_worker = {600, 400};
  const std::string json = ToJson(result);
  EXPECT_TRUE(Has(json,
                  "\"tasks_per_worker\": [600, 400], \"syscalls_per_op\": null, "
                  "\"wakeups_per_op\": 0.5, "
                  "\"cpu_us_per_op\": {\"driver\": 10, \"node\": 20, \"workers\": 30}, "
                  "\"peak_memory_bytes\": "
                  "{\"driver\": 3145728, \"node\": 2097152, \"worker\": null}"))
      << json;
  EXPECT_TRUE(Has(ToText(result),
                  "an operation: uncounted system calls, 0.5 wake-ups, "
                  "CPU us 10 + 20 + 30; peak MiB 3.0, 2.0, -; tasks 600 + 400"))
      << ToText(result);
  result.costs.system_calls_per_operation = 0.25;
  EXPECT_TRUE(Has(ToJson(result), "\"syscalls_per_op\": 0.25"));
}

TEST(RowResultTest, DegradesAsItsLimitWhereBothAreSlowerByTheSame) {
  RowResult result = CallsOfTheFloor();
  result.undisturbed = {.busy = 2, .value = 10, .limit = 4, .slower = 3, .limit_slower = 3};
  EXPECT_DOUBLE_EQ(RatioOfDegradations(result), 1);
  EXPECT_TRUE(Has(ToJson(result),
                  "\"slower\": 3, \"limit_slower\": 3, \"ratio_of_degradations\": 1, "
                  "\"degrades_as_limit\": true"))
      << ToJson(result);
  result.undisturbed->slower = 6;
  EXPECT_DOUBLE_EQ(RatioOfDegradations(result), 2);
  EXPECT_TRUE(Has(ToText(result), "by the mean 6 times slower, and its limit 3 times: 2, WORSE"))
      << ToText(result);
}

TEST(RowResultTest, WhatAnOperationTookIsTheMeanTimeOfTheRuns) {
  // Two states: three runs of five in one, or two.
  EXPECT_DOUBLE_EQ(TimesAsLong({10, 100, 10, 100, 10}, {5, 5}, "us"), 46.0 / 5);
  EXPECT_DOUBLE_EQ(TimesAsLong({10, 100, 100, 100, 10}, {5, 5}, "us"), 64.0 / 5);
  // A run at 1/s and one at 3/s: two thirds of a second each.
  EXPECT_DOUBLE_EQ(TimesAsLong({1, 3}, {2}, "1/s"), 4.0 / 3);
}

}  // namespace
}  // namespace bench
