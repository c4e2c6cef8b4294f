// The goals of the rows of bench:core: what must hold, and what the design should make possible.
//
//   const Goal* goal = FindGoal(Goals(2), "single_client_tasks_sync");
//   Text(goal->must);                                              // "ratio <= 3, peer_ratio < 1"
//   Holds(goal->must, {.value = 15, .limit = 7, .peer = 42});      // true
//
// They are for a machine with two cores that does nothing else.
#ifndef TROUPE_BENCH_GOALS_H_
#define TROUPE_BENCH_GOALS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Bound {
  // What is bounded: the row's value; value / limit; value / peer; or value - limit.
  enum class Of { kValue, kRatio, kPeerRatio, kMoreThanLimit };
  enum class Relation { kAtMost, kAtLeast, kLess, kMore };

  Of of = Of::kValue;
  Relation relation = Relation::kAtMost;
  double bound = 0;
};
// All of them.
using Bounds = std::vector<Bound>;

struct Goal {
  std::string_view name;  // of the row
  Bounds must;
  Bounds aim;  // none: as `must` has it
};

// What a row has measured. Without a peer a bound of kPeerRatio does not hold.
struct Figures {
  double value = 0;
  double limit = 0;
  std::optional<double> peer = std::nullopt;
};

// In the order in which they are listed; some depend on the number of workers.
std::vector<Goal> Goals(int workers);
// Null where the row has none.
const Goal* FindGoal(const std::vector<Goal>& goals, std::string_view name);

bool Holds(const Bounds& bounds, const Figures& figures);
std::string Text(const Bounds& bounds);

}  // namespace bench

#endif  // TROUPE_BENCH_GOALS_H_
