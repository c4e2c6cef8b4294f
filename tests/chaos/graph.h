// The load of chaos: random graphs of tasks, whose results are known from a serial run.
#ifndef TROUPE_TESTS_CHAOS_GRAPH_H_
#define TROUPE_TESTS_CHAOS_GRAPH_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "sdk/troupe.h"
#include "tests/chaos/rounds.h"

namespace troupe::testing {

using Values = std::vector<uint64_t>;

uint64_t Mix(uint64_t x);

// What every task computes from its inputs and a number: up to `words` numbers in one of 16 cases,
// else at most a hundred.
Values Combine(const std::vector<Values>& inputs, uint64_t number, size_t words);

// Each task takes the results of up to three earlier ones.
struct Step {
  std::vector<size_t> inputs;
  uint64_t number = 0;
  enum Kind { kPlain, kNested, kExits, kTakesMemory } kind = kPlain;
};

struct Graph {
  std::vector<Step> steps = {};
  size_t words = 40'000;      // of the largest results
  bool all_large = false;     // else one in 16 is, and some tasks are nested
  bool exits = false;         // some tasks end their process by _exit, once or more often
  bool takes_memory = false;  // some take memory until they are killed, or have 2 GiB
};

// Fills in the steps.
Graph RandomGraph(std::mt19937_64& random, size_t steps, Graph graph = {});

std::vector<Values> RunSerially(const Graph& graph);

// A file in which tasks note how they end their own process, since nobody else knows.
class Diary {
 public:
  Diary();
  Diary(const Diary&) = delete;
  Diary& operator=(const Diary&) = delete;
  ~Diary();
  const std::string& path() const { return path_; }
  // To be called when all tasks have ended.
  void AddTo(Tally& tally) const;

 private:
  std::string path_;
};

// Retried without end. The diary is for graphs that exit or take memory.
std::vector<troupe::ObjectRef<Values>> Submit(const Graph& graph, const std::string& diary = "");

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_CHAOS_GRAPH_H_
