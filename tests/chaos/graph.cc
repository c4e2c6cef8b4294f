#include "tests/chaos/graph.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace troupe::testing {
namespace {

constexpr char kExited = 'x', kTook = 't', kSurvived = 's';

// Appends to a diary, whatever happens to this process afterwards.
void Note(const std::string& diary, char event) {
  const int file = open(diary.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0 || write(file, &event, 1) != 1) std::abort();
  close(file);
}

// Another process makes another choice, so that a retry comes through.
bool ChosenHere(uint64_t number) { return Mix(number ^ static_cast<uint64_t>(getpid())) % 2 == 0; }

Values CombineNested(const std::vector<Values>& inputs, uint64_t number, size_t words) {
  const auto inner = troupe::Task(Combine).Options({.max_retries = -1});
  return troupe::Get(inner.Remote(inputs, number, words));
}

Values CombineOrExit(const std::vector<Values>& inputs, uint64_t number, size_t words,
                     const std::string& diary) {
  if (ChosenHere(number)) {
    Note(diary, kExited);
    _exit(0);
  }
  return Combine(inputs, number, words);
}

Values CombineOrTakeMemory(const std::vector<Values>& inputs, uint64_t number, size_t words,
                           const std::string& diary) {
  if (ChosenHere(number)) {
    Note(diary, kTook);
    std::vector<std::vector<char>> pieces;
    while (pieces.size() < 128) pieces.emplace_back(size_t{16} << 20, 'x');
    Note(diary, kSurvived);
  }
  return Combine(inputs, number, words);
}

}  // namespace

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

Values Combine(const std::vector<Values>& inputs, uint64_t number, size_t words) {
  uint64_t state = Mix(number);
  for (const Values& input : inputs) {
    for (const uint64_t value : input) state = Mix(state ^ value);
  }
  Values result(1 + (number % 16 == 0 ? state % words : state % 100));
  for (uint64_t& value : result) value = state = Mix(state);
  return result;
}

Graph RandomGraph(std::mt19937_64& random, size_t steps, Graph graph) {
  graph.steps.resize(steps);
  for (size_t i = 0; i < steps; ++i) {
    Step& step = graph.steps[i];
    step.number = graph.all_large ? random() / 16 * 16 : random();
    switch (random() % 24) {
      case 0:
      case 1:
      case 2:
        if (!graph.all_large) step.kind = Step::kNested;
        break;
      case 3:
        if (graph.exits) step.kind = Step::kExits;
        break;
      case 4:
        if (graph.takes_memory) step.kind = Step::kTakesMemory;
    }
    for (size_t k = i == 0 ? 0 : random() % 4; k > 0; --k) step.inputs.push_back(random() % i);
  }
  return graph;
}

std::vector<Values> RunSerially(const Graph& graph) {
  std::vector<Values> results;
  for (const Step& step : graph.steps) {
    std::vector<Values> inputs;
    for (const size_t input : step.inputs) inputs.push_back(results[input]);
    results.push_back(Combine(inputs, step.number, graph.words));
  }
  return results;
}

std::vector<troupe::ObjectRef<Values>> Submit(const Graph& graph, const std::string& diary) {
  const troupe::TaskOptions forever = {.max_retries = -1};
  const auto plain = troupe::Task(Combine).Options(forever);
  const auto nested = troupe::Task(CombineNested).Options(forever);
  const auto exits = troupe::Task(CombineOrExit).Options(forever);
  const auto takes_memory = troupe::Task(CombineOrTakeMemory).Options(forever);
  std::vector<troupe::ObjectRef<Values>> results;
  for (const Step& step : graph.steps) {
    std::vector<troupe::ObjectRef<Values>> inputs;
    for (const size_t input : step.inputs) inputs.push_back(results[input]);
    switch (step.kind) {
      case Step::kPlain:
        results.push_back(plain.Remote(inputs, step.number, graph.words));
        break;
      case Step::kNested:
        results.push_back(nested.Remote(inputs, step.number, graph.words));
        break;
      case Step::kExits:
        results.push_back(exits.Remote(inputs, step.number, graph.words, diary));
        break;
      case Step::kTakesMemory:
        results.push_back(takes_memory.Remote(inputs, step.number, graph.words, diary));
    }
  }
  return results;
}

Diary::Diary() {
  const char* parent = std::getenv("TEST_TMPDIR");
  path_ = std::string(parent != nullptr ? parent : "/tmp") + "/chaos_diary_XXXXXX";
  const int file = mkstemp(path_.data());
  if (file < 0) std::abort();
  close(file);
}

Diary::~Diary() { unlink(path_.c_str()); }

void Diary::AddTo(Tally& tally) const {
  std::ifstream file(path_);
  for (char event; file.get(event);) {
    if (event == kExited) ++tally["_exit"];
    if (event == kTook) ++tally["out of memory"];
    if (event == kSurvived) --tally["out of memory"];
  }
}

}  // namespace troupe::testing
