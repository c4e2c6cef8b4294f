// World runs the real scheduler core, object table and client machines with simulated processes,
// channels, memory and time, in an order that a seed decides.
//
// Every event is one small thing: a frame arrives, a program makes a step, a process starts, dies,
// or is found dead. After each of them the core's invariants are checked. At the end everything
// that a driver asked for was answered and right, no object, task or actor is left, resources and
// memory are whole.
//
//   World world(Options::FromSeed(17));
//   std::string error = world.Run();   // empty: all is well
//
// Deterministic: the same options give the same run. Not thread-safe.   After FoundationDB's
// simulation.
#ifndef TROUPE_TESTS_SIMULATION_WORLD_H_
#define TROUPE_TESTS_SIMULATION_WORLD_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/ids.h"
#include "scheduler/core/core.h"
#include "scheduler/core/wire_spec_codec.h"
#include "tests/simulation/client.h"
#include "tests/simulation/programs.h"
#include "tests/simulation/routine.h"

namespace troupe::simulation {

class World {
 public:
  explicit World(const Options& options, bool trace = false);
  ~World();

  // Empty where all went well, else what went wrong.
  std::string Run();

  struct Counts {
    uint64_t events = 0;
    uint64_t dispatches = 0;
    uint64_t workers = 0;
    uint64_t crashes = 0;
    uint64_t ran_on = 0;         // of those that crashed
    uint64_t recalls = 0;        // of tasks
    uint64_t lease_recalls = 0;  // for a client that waits for memory
    uint64_t suspensions = 0;
    uint64_t refusals = 0;  // of waits that cannot end
    uint64_t spilled = 0;
    uint64_t restored = 0;
    uint64_t damaged = 0;
    uint64_t frees = 0;    // of what may have other references
    uint64_t rebuilt = 0;  // tasks that ran again, since something was damaged
  };
  const Counts& counts() const { return counts_; }

 private:
  class Words;
  struct Process;
  struct Event {
    enum class Kind {
      kToClient,
      kToNode,
      kStep,
      kRelease,
      kJoin,
      kKill,
      kFoundDead,
      kEnd,
      kLane,
      kMemory,
      kJob
    };
    Kind kind;
    Process* process;
    size_t thread = 0;  // of a step
  };

  Process* AddDriver();
  void CheckNothingIsLeft();
  void LetDriversLeave();
  void NoteKeptLeases();
  void Collect(std::vector<Event>* events);
  void Perform(const Event& event);
  bool RunUntilQuiet();

  absl::Status Handle(Process* process, const Frame& frame);
  void PerformActions();
  void Do(const scheduler::SendDispatch& action);
  void Do(const scheduler::SendStop& action);
  void Do(const scheduler::SendTakenBack& action);
  void Do(const scheduler::SendUnreadError& action);
  void Do(const scheduler::SendFinished& action);
  void Do(const scheduler::SendReady& action);
  void Do(const scheduler::SendStreamed& action);
  void Do(const scheduler::SendStreamDemand& action);
  void Do(const scheduler::SendWaitRefused& action);
  void Do(const scheduler::SendActorFound& action);
  void Do(const scheduler::StartWorker& action);
  void Do(const scheduler::EndWorker& action);
  void Do(const scheduler::KillWorker& action);
  void Do(const scheduler::CreateChunk& action);
  void Do(const scheduler::DropChunk& action);
  void Do(const scheduler::SendLease& action);
  void Do(const scheduler::RefuseLease& action);
  void Do(const scheduler::PunchChunk& action);
  void Do(const scheduler::PopulateLease& action);
  void Do(const scheduler::SendRecall& action);
  void Do(const scheduler::SendUnpin& action);
  void Do(const scheduler::CutOff& action);
  void Do(const scheduler::SendFetchRefused& action);
  void Do(const scheduler::Spill& action);
  void Do(const scheduler::Restore& action);
  void Do(const scheduler::PunchSpillFile& action);
  void Do(const scheduler::DropSpillFile& action);
  bool Happens(double chance) {
    return chance > 0 && static_cast<double>(Roll(random_, 1'000'000)) < chance * 1e6;
  }
  wire::Value ValueOf(ClientId client, ObjectId id);
  void Tell(ClientId client, const wire::NodeMessage& message);
  Process* Find(ClientId client);

  static std::string Describe(const wire::ClientMessage& message);
  void Fail(const std::string& what);
  void Trace(const std::string& line) const;

  Options options_;
  bool trace_;
  Random random_;
  std::unique_ptr<Words> words_;
  scheduler::WireSpecCodec codec_;
  scheduler::Core core_;
  Memory memory_;
  Disk disk_;
  std::deque<std::function<void()>> lane_;   // what is done to memory, in order
  std::vector<std::function<void()>> jobs_;  // what is done to the disk, in any order
  std::vector<std::unique_ptr<Process>> processes_;
  uint64_t next_client_ = 1;
  uint32_t next_job_ = 1;
  int64_t now_nanos_ = 0;
  const Process* keeps_leases_ = nullptr;  // which it has not been asked for
  Counts counts_;
  std::string error_;
};

}  // namespace troupe::simulation

#endif  // TROUPE_TESTS_SIMULATION_WORLD_H_
