// What runs in the simulated processes: drivers, which make work and check what comes of it, and
// workers, which perform scripts.
//
// Not thread-safe.
#ifndef TROUPE_TESTS_SIMULATION_PROGRAMS_H_
#define TROUPE_TESTS_SIMULATION_PROGRAMS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "tests/simulation/client.h"
#include "tests/simulation/routine.h"
#include "tests/simulation/script.h"

namespace troupe::simulation {

// What one run is made of; all of it follows from the seed.
struct Options {
  uint64_t seed = 0;
  int drivers = 1;
  int cpus = 2;
  uint64_t store_bytes = 0;
  bool spills = false;
  uint64_t spill_quota_bytes = UINT64_MAX;
  double disk_failure_chance = 0;  // of one write
  double damage_chance = 0;        // of one object that is read back
  int operations = 30;             // of each driver
  int32_t max_retries = -1;        // of tasks; -1: without end
  int32_t max_restarts = 0;        // of actors
  double crash_chance = 0;         // of one worker, at each event
  double memory_chance = 0;        // that memory runs out, at each event
  double failed_start_chance = 0;  // of a process that is started
  bool workers_run_on = false;     // when they are killed: they are threads
  bool drivers_may_die = false;
  bool kills_actors = false;
  bool stops_tasks = false;  // cancels, deadlines, tasks that do not end by themselves
  bool priorities = false;
  bool retries_errors = false;
  int64_t group_units = 0;  // CPUs of each driver's placement group, in 1/10000; 0: it has none
  bool removes_groups = false;
  size_t max_suspended_calls = 4;  // of one actor
  size_t max_awake_tasks = 1'000;  // of a job: further ones are parked
  uint64_t max_lineage_bytes = 64'000'000;
  bool frees = false;  // what others may need

  static Options FromSeed(uint64_t seed);
};

inline constexpr uint64_t kBigBytes = 40'000;  // of an object at most

using Random = std::mt19937_64;
inline uint64_t Roll(Random& random, uint64_t sides) { return random() % sides; }

// A driver's program. `finished` becomes true when all was checked and dropped; what is wrong is
// told by `fail`.
class DriverProgram {
 public:
  DriverProgram(const Options& options, uint64_t seed, Client* client,
                std::function<void(const std::string&)> fail)
      : options_(options), random_(seed), client_(client), fail_(std::move(fail)) {}

  Routine Run();
  // Instead: ends the detached actor that others may have left behind.
  Routine CleanUp();
  bool finished() const { return finished_; }

 private:
  struct Held {
    ObjectId id;
    Outcome expected;
    bool by_actor = false;  // an actor had a part in it
    bool actor = false;     // the handle of one
    bool named = false;     // which others may have made, too
    bool endless = false;   // to be cancelled before it is waited for
    bool promised = false;  // to be kept before anything is waited for
  };

  // Of that kind, or of any.
  void SubmitTask(std::optional<ScriptKind> kind = std::nullopt);
  void CreateActor(bool named);
  void CallActor(const Held& actor);
  void CallActorThatCallsItself(const Held& actor);
  void SubmitEndless();
  // Before a wait: what is waited for may be queued behind the endless ones, or need a promise.
  void SettleDebts();
  void MakePlacementGroup();
  // Or a null one: the machine's resources.
  wire::Placement SomePlacement();
  void DropPlacementGroup();
  void MakePromise();
  void KeepPromise(const Held& held);
  void Cancel(const Held& held);
  void Hold(ObjectId id, Outcome expected, bool by_actor);
  bool MayFailWith(const ErrorInfo& error, const Held& held) const;
  bool MayStayLost(const std::string& message) const;
  // Opens the references inside the value, which are to be checked in turn.
  void Check(const Held& held, const Resolved& resolved, std::vector<Held>* inner);

  const Options& options_;
  Random random_;
  Client* client_;
  Client::Thread thread_{client_};
  std::function<void(const std::string&)> fail_;
  std::vector<Held> held_;
  ObjectId group_;  // its placement group; null: it has none
  // Of that. It has one in all: where actors in it live on, there would be no room for another.
  uint32_t bundles_ = 0;
  uint64_t next_script_ = 1;
  bool finished_ = false;
};

// A worker's program; `begin` asks the task's state word. It returns when the node wants it to end.
class WorkerProgram {
 public:
  // `damage`: an argument may come to another end than it had when the task was dispatched.
  WorkerProgram(Client* client, std::function<bool(const wire::Dispatch&)> begin, bool damage)
      : client_(client), begin_(std::move(begin)), damage_(damage) {}

  // What one of its threads does, or a call that is suspended; so many of these an actor may have.
  static constexpr size_t kThreads = 12;
  Routine Run();

 private:
  std::deque<DispatchedTask>::iterator NextTask();

  Client* client_;
  std::function<bool(const wire::Dispatch&)> begin_;
  const bool damage_;
  std::vector<std::set<uint32_t>> free_threads_ = {{0}};  // of each group; they count over all
  std::map<std::pair<ClientId, uint32_t>, uint64_t> last_sequences_;  // of callers and groups
  uint32_t checkpoint_every_ = 0;
  uint64_t calls_ = 0;    // the actor's state
  bool leaving_ = false;  // it has called ExitActor
};

}  // namespace troupe::simulation

#endif  // TROUPE_TESTS_SIMULATION_PROGRAMS_H_
