// World::Process is one process beside the node: a driver or a worker, alive or dead.
#ifndef TROUPE_TESTS_SIMULATION_WORLD_PROCESS_H_
#define TROUPE_TESTS_SIMULATION_WORLD_PROCESS_H_

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/ids.h"
#include "tests/simulation/world.h"

namespace troupe::simulation {

struct World::Process {
  scheduler::ProcessId number = scheduler::ProcessId::kNone;  // none: a driver
  JobId job = JobId::kNone;
  bool alive = true;
  bool kill_asked = false;
  bool gone = false;     // the node knows that it is dead
  bool runs_on = false;  // and it is not, but given up
  bool recalled = true;  // its leases, since it was told of the last one
  std::string cause;
  std::unique_ptr<Client> client;  // null while it starts
  std::unique_ptr<DriverProgram> driver;
  std::unique_ptr<WorkerProgram> worker;
  std::vector<Routine> threads;
  std::vector<ObjectId> ready;  // to be told at the end of the node's turn

  bool is_driver() const { return driver != nullptr; }
  bool done() const {
    return std::all_of(threads.begin(), threads.end(), [](const Routine& t) { return t.done(); });
  }
  std::string Name() const {
    return client == nullptr ? absl::StrCat("process ", static_cast<uint64_t>(number))
                             : troupe::ToString(client->id());
  }
};

}  // namespace troupe::simulation

#endif  // TROUPE_TESTS_SIMULATION_WORLD_PROCESS_H_
