#include "bench/goals.h"

#include <algorithm>
#include <cstdio>

namespace bench {
namespace {

using Of = Bound::Of;
using Relation = Bound::Relation;

Bounds ValueAtMost(double bound) { return {{Of::kValue, Relation::kAtMost, bound}}; }
Bounds ValueAtLeast(double bound) { return {{Of::kValue, Relation::kAtLeast, bound}}; }
Bounds RatioAtMost(double bound) { return {{Of::kRatio, Relation::kAtMost, bound}}; }
Bounds RatioAtLeast(double bound) { return {{Of::kRatio, Relation::kAtLeast, bound}}; }
Bounds MoreThanLimitBy(double bound) { return {{Of::kMoreThanLimit, Relation::kAtMost, bound}}; }

std::optional<double> Measured(const Bound& bound, const Figures& figures) {
  switch (bound.of) {
    case Of::kValue:
      return figures.value;
    case Of::kRatio:
      return figures.value / figures.limit;
    case Of::kPeerRatio:
      if (!figures.peer) return std::nullopt;
      return figures.value / *figures.peer;
    case Of::kMoreThanLimit:
      return figures.value - figures.limit;
  }
  return std::nullopt;
}

bool Holds(const Bound& bound, const Figures& figures) {
  const auto measured = Measured(bound, figures);
  if (!measured) return false;
  switch (bound.relation) {
    case Relation::kAtMost:
      return *measured <= bound.bound;
    case Relation::kAtLeast:
      return *measured >= bound.bound;
    case Relation::kLess:
      return *measured < bound.bound;
    case Relation::kMore:
      return *measured > bound.bound;
  }
  return false;
}

const char* Text(Of of) {
  switch (of) {
    case Of::kValue:
      return "value";
    case Of::kRatio:
      return "ratio";
    case Of::kPeerRatio:
      return "peer_ratio";
    case Of::kMoreThanLimit:
      return "value - limit";
  }
  return "";
}

const char* Text(Relation relation) {
  switch (relation) {
    case Relation::kAtMost:
      return "<=";
    case Relation::kAtLeast:
      return ">=";
    case Relation::kLess:
      return "<";
    case Relation::kMore:
      return ">";
  }
  return "";
}

}  // namespace

std::vector<Goal> Goals(int workers) {
  return {
      {"single_client_tasks_sync",
       {{Of::kRatio, Relation::kAtMost, 3}, {Of::kPeerRatio, Relation::kLess, 1}},
       RatioAtMost(1.5)},
      {"single_client_tasks_async", RatioAtLeast(0.2), RatioAtLeast(0.5)},
      {"multi_client_tasks_async", RatioAtLeast(0.2), RatioAtLeast(0.5)},
      {"1_1_actor_calls_sync", RatioAtMost(3), RatioAtMost(1.5)},
      {"1_1_actor_calls_async", RatioAtLeast(0.25), RatioAtLeast(0.6)},
      // Beside calls without the argument.
      {"n_n_actor_calls_with_arg_async", RatioAtLeast(1 / 1.5), RatioAtLeast(1 / 1.2)},
      {"single_client_put_calls", ValueAtLeast(1e6), ValueAtLeast(3e6)},
      {"single_client_put_calls_1kib", ValueAtLeast(0.8e6), {}},
      {"single_client_get_calls", ValueAtLeast(5e6), ValueAtLeast(20e6)},
      {"single_client_get_calls_1kib", ValueAtLeast(3e6), {}},
      {"single_client_put_gigabytes", RatioAtLeast(0.7), RatioAtLeast(0.9)},
      {"publish_1gib_built_in_place", ValueAtMost(50), {}},
      {"open_1gib_in_a_worker", MoreThanLimitBy(15), MoreThanLimitBy(10)},
      {"open_1gib_in_a_worker_as_1mib", RatioAtMost(1.2), {}},
      {"task_with_a_1gib_argument", RatioAtMost(1.2), RatioAtMost(1.05)},
      {"closure_of_50mb_array_20_tasks", ValueAtMost(60), ValueAtMost(20)},
      {"closure_of_50mb_vector_20_tasks", ValueAtMost(150), ValueAtMost(80)},
      {"drain_10k_done_refs_as_completed", ValueAtMost(20), ValueAtMost(5)},
      {"single_client_wait_1k_refs", ValueAtMost(10), ValueAtMost(5)},
      {"1m_queued_tasks", ValueAtMost(5), ValueAtMost(2)},
      {"1m_queued_tasks_bytes_each", ValueAtMost(500), ValueAtMost(250)},
      {"10k_arguments_to_one_task", ValueAtMost(0.1), ValueAtMost(0.03)},
      {"3k_returns_of_one_task", ValueAtMost(0.1), ValueAtMost(0.03)},
      {"10k_gets", ValueAtMost(0.1), ValueAtMost(0.03)},
      {"get_object_containing_10k_refs", ValueAtLeast(200), ValueAtLeast(2'000)},
      {"chain_of_10k_tasks", ValueAtMost(0.2), ValueAtMost(0.05)},
      {"map_1us_function", ValueAtLeast(0.8 * workers), {}},
      {"map_empty_function", {{Of::kRatio, Relation::kMore, 1}}, ValueAtLeast(50e6)},
      {"metg_stencil_1d", ValueAtMost(50), ValueAtMost(10)},
      {"cold_start", ValueAtMost(0.05), ValueAtMost(0.015)},
      {"start_one_more_worker", ValueAtMost(5), ValueAtMost(1.5)},
      // Of one core: what rounds to 0.
      {"idle_cluster_cpu", ValueAtMost(0.1), {}},
      {"idle_cluster_wakeups", ValueAtMost(1), {}},
      {"idle_worker_private_memory", ValueAtMost(3), ValueAtMost(2)},
      {"idle_worker_threads", ValueAtMost(4), {}},
  };
}

const Goal* FindGoal(const std::vector<Goal>& goals, std::string_view name) {
  const auto found =
      std::find_if(goals.begin(), goals.end(), [&](const Goal& goal) { return goal.name == name; });
  return found == goals.end() ? nullptr : &*found;
}

bool Holds(const Bounds& bounds, const Figures& figures) {
  return std::all_of(bounds.begin(), bounds.end(),
                     [&](const Bound& bound) { return Holds(bound, figures); });
}

std::string Text(const Bounds& bounds) {
  std::string text;
  for (const Bound& bound : bounds) {
    char number[32];
    std::snprintf(number, sizeof(number), "%.3g", bound.bound);
    if (!text.empty()) text += ", ";
    text += std::string(Text(bound.of)) + " " + Text(bound.relation) + " " + number;
  }
  return text;
}

}  // namespace bench
