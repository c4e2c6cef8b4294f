#include "tests/simulation/script.h"

#include <algorithm>

namespace troupe::simulation {
namespace {

constexpr uint32_t kMaxDepth = 3;

}  // namespace

uint64_t Mix(uint64_t a, uint64_t b) {
  uint64_t x = a + 0x9E3779B97F4A7C15u + b * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

Script MakeScript(uint64_t seed, uint32_t depth) {
  const uint64_t roll = Mix(seed, 1) % 100;
  ScriptKind kind = ScriptKind::kLeaf;
  if (roll < 4) {
    kind = ScriptKind::kThrow;
  } else if (roll < 16) {
    kind = ScriptKind::kBig;
  } else if (roll < 30 && depth < kMaxDepth) {
    kind = ScriptKind::kNest;
  } else if (roll < 42 && depth < kMaxDepth) {
    kind = ScriptKind::kReturnRef;
  } else if (roll < 60) {
    kind = ScriptKind::kUseInner;
  } else if (roll < 68) {
    kind = ScriptKind::kPromise;
  }
  return {seed, depth, kind};
}

std::vector<Script> Script::Children() const {
  size_t count = 0;
  if (kind == ScriptKind::kNest) count = 1 + Mix(seed, 2) % 3;
  if (kind == ScriptKind::kReturnRef) count = 1;
  std::vector<Script> children;
  for (size_t i = 0; i < count; ++i) children.push_back(MakeScript(Mix(seed, 10 + i), depth + 1));
  return children;
}

bool Script::Chained(size_t i) const { return i > 0 && Mix(seed, 20 + i) % 2 == 0; }

Script Script::Call() const { return {Mix(seed, 3), depth + 1, ScriptKind::kLeaf}; }

bool Script::Suspends() const { return Mix(seed, 6) % 4 != 0; }

bool Script::Stores() const {
  return kind == ScriptKind::kBig || (kind == ScriptKind::kReturnRef && Mix(seed, 7) % 2 == 0);
}

uint64_t Script::Promised() const { return Mix(seed, 5); }

Outcome Evaluate(const Script& script, std::span<const Outcome> arguments) {
  Outcome outcome;
  outcome.value = script.seed;
  for (const Outcome& argument : arguments) {
    outcome.fails |= argument.fails;
    outcome.value = Mix(outcome.value, argument.value);
  }
  if (outcome.fails) return {.fails = true};
  switch (script.kind) {
    case ScriptKind::kLeaf:
    case ScriptKind::kBig:
    case ScriptKind::kThrowOnce:
    case ScriptKind::kExitActor:
      break;
    case ScriptKind::kEndless:
    case ScriptKind::kDeaf:
    case ScriptKind::kThrow:
      return {.fails = true};
    case ScriptKind::kNest: {
      std::vector<Outcome> results;
      const std::vector<Script> children = script.Children();
      for (size_t i = 0; i < children.size(); ++i) {
        const std::span<const Outcome> before =
            script.Chained(i) ? std::span(results).last(1) : std::span<const Outcome>();
        results.push_back(Evaluate(children[i], before));
      }
      for (const Outcome& result : results) {
        outcome.fails |= result.fails;
        outcome.value = Mix(outcome.value, result.value);
      }
      break;
    }
    case ScriptKind::kReturnRef:
      outcome.inner.push_back(Evaluate(script.Children()[0], {}));
      break;
    case ScriptKind::kPromise:
      outcome.inner.push_back({.fails = false, .value = script.Promised()});
      break;
    case ScriptKind::kUseInner:
      for (const Outcome& argument : arguments) {
        for (const Outcome& inner : argument.inner) {
          outcome.fails |= inner.fails;
          outcome.value = Mix(outcome.value, inner.value);
        }
      }
      break;
    case ScriptKind::kCallActor:
      outcome.value = Mix(outcome.value, Evaluate(script.Call(), {}).value);
      break;
  }
  if (outcome.fails) return {.fails = true};
  return outcome;
}

}  // namespace troupe::simulation
