// What a soak sees of its cluster, sample by sample, and whether it stays flat.
//
// A leak is a trend, so each figure is judged by its median over the last quarter against that over
// the warmed-up beginning: the second quarter, since caches, tables and the node's history fill up
// in the first. Memory is what a process has for itself (RssAnon) and the share of all processes in
// everything (the sum of PSS). Units: seconds, KiB, microseconds. Pure but for Look.
#ifndef TROUPE_TESTS_SOAK_SAMPLES_H_
#define TROUPE_TESTS_SOAK_SAMPLES_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::testing {

// Workers come and go: of those that live, the largest counts.
enum Role { kDriver, kNode, kWorker, kRoles };
inline constexpr std::array<std::string_view, kRoles> kRoleNames = {"driver", "node", "worker"};

struct Sample {
  double seconds = 0;
  uint64_t calls = 0, objects = 0, deaths = 0;  // so far
  std::array<double, kRoles> anon_kib = {};
  std::array<double, kRoles> descriptors = {};
  double pss_kib = 0;
  double latency_us = 0;  // of one small call at a time: the 10th percentile
};

// Fills in what /proc says of this process and those below it.
void Look(Sample* sample);

// One line, without its end: {"seconds": 1.0, "calls": 5, ..., "node_anon_kib": 8000, ...}
std::string JsonOf(const Sample& sample);

// A sentence for each figure that has grown: by more than `ratio`, and more than `slack`.
struct Bound {
  double ratio;
  double slack;
};
inline constexpr Bound kMemoryBound = {0.10, 2048};  // KiB
// The node has two for each of the store's chunks, at most 64, which become more as workers come
// and go: one that leaked for each death would be hundreds in the shortest run.
inline constexpr Bound kDescriptorBound = {0.10, 64};
inline constexpr Bound kLatencyBound = {1.0, 500};  // µs: the machine may have other work
std::vector<std::string> Growths(const std::vector<Sample>& samples);

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_SOAK_SAMPLES_H_
