// Runs the simulation for many seeds.
//
//   bazel run //tests/simulation:simulation_test -- --seeds=10000
//   bazel run //tests/simulation:simulation_test -- --seed=17 --trace    one run, told in full
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/simulation/programs.h"
#include "tests/simulation/world.h"

namespace troupe::simulation {
namespace {

uint64_t first_seed = 1;
uint64_t seed_count = 200;
bool trace = false;
char replay[128];  // what a failed check prints

void PrepareReplay(uint64_t seed) {
  std::snprintf(replay, sizeof(replay),
                "replay it: bazel run //tests/simulation:simulation_test -- --seed=%llu --trace\n",
                static_cast<unsigned long long>(seed));
}

void OnAbort(int) {
  const ssize_t written = write(STDERR_FILENO, replay, std::char_traits<char>::length(replay));
  _exit(written < 0 ? 2 : 1);
}

TEST(Simulation, EverySeedAnswersEverythingAndLeavesNothing) {
  signal(SIGABRT, OnAbort);
  World::Counts sum;
  for (uint64_t seed = first_seed; seed < first_seed + seed_count; ++seed) {
    PrepareReplay(seed);
    World world(Options::FromSeed(seed), trace);
    const std::string error = world.Run();
    ASSERT_EQ(error, "") << "seed " << seed << "; " << replay;
    sum.events += world.counts().events;
    sum.dispatches += world.counts().dispatches;
    sum.workers += world.counts().workers;
    sum.crashes += world.counts().crashes;
    sum.ran_on += world.counts().ran_on;
    sum.recalls += world.counts().recalls;
    sum.lease_recalls += world.counts().lease_recalls;
    sum.suspensions += world.counts().suspensions;
    sum.refusals += world.counts().refusals;
    sum.spilled += world.counts().spilled;
    sum.restored += world.counts().restored;
    sum.damaged += world.counts().damaged;
    sum.frees += world.counts().frees;
    sum.rebuilt += world.counts().rebuilt;
  }
  std::printf(
      "%llu seeds: %llu events, %llu dispatches, %llu recalls, %llu workers, %llu crashes\n",
      static_cast<unsigned long long>(seed_count), static_cast<unsigned long long>(sum.events),
      static_cast<unsigned long long>(sum.dispatches), static_cast<unsigned long long>(sum.recalls),
      static_cast<unsigned long long>(sum.workers), static_cast<unsigned long long>(sum.crashes));
  std::printf("%llu calls suspended, %llu waits refused, %llu recalls of leases\n",
              static_cast<unsigned long long>(sum.suspensions),
              static_cast<unsigned long long>(sum.refusals),
              static_cast<unsigned long long>(sum.lease_recalls));
  std::printf(
      "%llu objects spilled, %llu read back, %llu damaged, %llu freed; %llu tasks ran again\n",
      static_cast<unsigned long long>(sum.spilled), static_cast<unsigned long long>(sum.restored),
      static_cast<unsigned long long>(sum.damaged), static_cast<unsigned long long>(sum.frees),
      static_cast<unsigned long long>(sum.rebuilt));
  if (seed_count >= 100) {
    EXPECT_GT(sum.spilled, 0u) << "no run had an object spilled";
    EXPECT_GT(sum.restored, 0u) << "no run had an object read back";
    EXPECT_GT(sum.damaged, 0u) << "no run lost what was spilled";
    EXPECT_GT(sum.frees, 0u) << "no run freed what others may need";
    EXPECT_GT(sum.rebuilt, 0u) << "no run made again what was lost";
    EXPECT_GT(sum.recalls, 0u) << "no run had a task taken back";
    EXPECT_GT(sum.lease_recalls, 0u) << "no run had unused memory asked for";
    EXPECT_GT(sum.suspensions, 0u) << "no run had a call that was suspended";
    EXPECT_GT(sum.refusals, 0u) << "no run had a wait that could not end";
    EXPECT_GT(sum.crashes, 0u) << "no run had a crash";
    EXPECT_GT(sum.ran_on, 0u) << "no run had a worker that ran on";
  }
}

TEST(Simulation, ASeedRepeatsItself) {
  World first(Options::FromSeed(first_seed));
  World second(Options::FromSeed(first_seed));
  EXPECT_EQ(first.Run(), second.Run());
  EXPECT_EQ(first.counts().events, second.counts().events);
  EXPECT_EQ(first.counts().dispatches, second.counts().dispatches);
}

bool ParseFlags(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (argument == "--trace") {
      trace = true;
    } else if (absl::ConsumePrefix(&argument, "--seeds=")) {
      if (!absl::SimpleAtoi(argument, &seed_count)) return false;
    } else if (absl::ConsumePrefix(&argument, "--first=")) {
      if (!absl::SimpleAtoi(argument, &first_seed)) return false;
    } else if (absl::ConsumePrefix(&argument, "--seed=")) {
      if (!absl::SimpleAtoi(argument, &first_seed)) return false;
      seed_count = 1;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace troupe::simulation

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!troupe::simulation::ParseFlags(argc, argv)) {
    std::fprintf(
        stderr,
        "simulation_test: use --seeds=COUNT, from --first=NUMBER, or --seed=NUMBER, and --trace\n");
    return 2;
  }
  return RUN_ALL_TESTS();
}
