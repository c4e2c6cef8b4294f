// Scripts are what simulated tasks do, and Evaluate says what each of them must come to.
//
// A script is a few numbers that travel as the task's callable. A simulated worker performs it step
// by step, in whatever order the seed chooses; Evaluate performs it serially. Both must agree.
//
// Thread-safety: values.
#ifndef TROUPE_TESTS_SIMULATION_SCRIPT_H_
#define TROUPE_TESTS_SIMULATION_SCRIPT_H_

#include <cstdint>
#include <span>
#include <vector>

namespace troupe::simulation {

enum class ScriptKind : uint32_t {
  kLeaf,       // a value made of its arguments
  kThrow,      // fails
  kBig,        // a value in the store
  kNest,       // submits children, each may take the one before it, and waits for them
  kReturnRef,  // submits a child and returns a reference to it, inside its value
  kUseInner,   // waits for the references inside its arguments
  kCallActor,  // calls the actor whose handle is inside its first argument, and waits
  kEndless,    // ends when it is told to stop
  kDeaf,       // ends when its process is killed
  kThrowOnce,  // fails on its first attempt, and asks for another one
  kExitActor,  // as a call of an actor, its last one
  kPromise,    // returns a reference to what its process makes only when the task is done
};

struct Script {
  uint64_t seed = 0;
  uint32_t depth = 0;
  ScriptKind kind = ScriptKind::kLeaf;

  std::vector<Script> Children() const;
  // Whether child number `i` takes the result of the one before it.
  bool Chained(size_t i) const;
  // What an actor's call made by this script runs.
  Script Call() const;
  // As a call of an actor, whether it is a coroutine: suspended wherever it waits.
  bool Suspends() const;
  // Whether its value lies in the store.
  bool Stores() const;
  // What a promise made by this script is to become.
  uint64_t Promised() const;
};

// What an object must resolve to.
struct Outcome {
  bool fails = false;
  uint64_t value = 0;
  std::vector<Outcome> inner = {};  // of the references inside the value
};

uint64_t Mix(uint64_t a, uint64_t b);
// A script that needs no actor.
Script MakeScript(uint64_t seed, uint32_t depth);
Outcome Evaluate(const Script& script, std::span<const Outcome> arguments);

}  // namespace troupe::simulation

#endif  // TROUPE_TESTS_SIMULATION_SCRIPT_H_
