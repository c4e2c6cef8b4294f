// Node is the one daemon of a machine: it wires the pure core to sockets, rings, processes and
// shared memory.
//
// One thread, one loop. A turn drains every channel into the core, performs the actions that come
// out, tells clients what has become ready, and, when there was nothing to do, polls for a while
// and then sleeps. The server decides nothing. It ends when it is told to (Stop, SIGINT, SIGTERM)
// or, embedded, when its driver is gone; then no worker and no memory is left.
//
//   NodeOptions options{.cpus = 2, .store_bytes = 1 << 30};
//   options.driver = std::move(socket);        // embedded; or options.listener for `troupe up`
//   int exit_code = Node(std::move(options)).Run();
#ifndef TROUPE_SCHEDULER_SERVER_NODE_H_
#define TROUPE_SCHEDULER_SERVER_NODE_H_

#include <fcntl.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"
#include "core/channel/doorbell.h"
#include "core/channel/poll_policy.h"
#include "core/loop/event_loop.h"
#include "core/machine/cpus.h"
#include "core/machine/memory.h"
#include "objectstore/chunk/chunk.h"
#include "objectstore/table/spill_space.h"
#include "scheduler/core/core.h"
#include "scheduler/core/wire_spec_codec.h"
#include "scheduler/server/chunk_store.h"
#include "scheduler/server/code_audit.h"
#include "scheduler/server/connection.h"
#include "scheduler/server/launcher.h"
#include "scheduler/server/spiller.h"

namespace troupe::scheduler {

struct NodeOptions {
  int cpus = 1;
  std::vector<std::pair<std::string, int64_t>> resources;  // named ones, in 1/10000
  uint64_t store_bytes = 0;
  std::vector<objectstore::SpillSpace::Directory> spill = {};  // none: nothing is spilled
  uint64_t memory_limit = 0;  // of all processes and objects together; 0: what the machine has
  size_t ring_bytes = Limits::kDefaultRingBytes;
  uint64_t max_client_objects = Limits::kMaxClientObjects;  // what is kept for one client
  uint64_t max_client_bytes = Limits::kMaxClientBytes;
  UniqueFd driver;    // embedded: the connection of the driver that started us
  UniqueFd listener;  // standalone: a listening Unix socket
  // Standalone: called once, when clients may connect and when all has ended.
  std::function<void()> on_ready;
  // Standalone: gets a line for each program and shared object that a job brings (code_audit.h).
  std::function<void(std::string_view line)> audit;
  // Drivers may call only what is registered by name.
  bool registered_only = false;
  // All workers are started from this program, in the node's own environment and directory; none:
  // from that of their driver.
  UniqueFd program = {};
  std::string program_name = {};
  // Set: the node is a thread of its driver's process, and what that starts are its workers.
  // Signals, limits and memory are then the process's own business.
  Launcher::Factory in_process = nullptr;
};

class Node : private TaskWords {
 public:
  explicit Node(NodeOptions options);
  ~Node() override;

  // Serves until the end. The exit code: 0 where it ended in order.
  int Run();

  struct Totals {
    size_t tasks_cancelled = 0;
    size_t objects_held = 0;
  };
  // As it was when Run ended.
  Totals totals() const { return totals_; }

 private:
  // node.cc
  std::unique_ptr<Launcher> MakeLauncher();
  template <typename F>
  bool AnyChannel(F f) const;
  bool Turn();
  void Sleep();
  void OnSocket(Connection* connection);
  bool Drain(Connection* connection);
  absl::Status Handle(Connection* connection, wire::Bytes message);
  void Close(Connection* connection, const absl::Status& why);
  void OnProcessDeath(ProcessId process, const std::string& cause, int pid, bool runs_on);
  void OnProcessEnd(ProcessId process);
  bool WantsMemorySamples() const { return !options_.in_process && core_.WantsMemorySamples(); }
  void DropUnusedImages();
  void SampleMemory(int64_t now_nanos);
  Connection* Find(ClientId client);

  // accept.cc
  void Accept();
  void TurnAway(UniqueFd socket, std::string_view reason);
  void AddConnection(std::unique_ptr<Connection> connection);
  void Greeted(Connection* connection);
  int64_t NextHandshakeDeadline() const;
  void ExpireHandshakes(int64_t now_nanos);

  // handshake.cc
  absl::Status Greet(Connection* connection, const wire::Hello& hello,
                     std::vector<UniqueFd> descriptors);
  absl::Status GreetDriver(Connection* connection, const wire::Hello& hello,
                           std::vector<UniqueFd> descriptors);
  Image OperatorsImage() const;
  absl::Status Note(const Connection& connection, const wire::CodeNotice& code);
  void Refuse(Connection* connection, std::string reason);

  // actions.cc
  void Perform();
  void TellReady(Connection* connection);
  wire::Value ValueOf(Connection* connection, ObjectId id, size_t* inline_budget);
  void Do(const SendDispatch& action);
  void Do(const SendStop& action);
  void Do(const SendTakenBack& action);
  void Do(const SendUnreadError& action);
  void Do(const SendFinished& action);
  void Do(const SendReady& action);
  void Do(const SendStreamed& action);
  void Do(const SendStreamDemand& action);
  void Do(const SendWaitRefused& action);
  void Do(const SendActorFound& action);
  void Do(const StartWorker& action);
  void Do(const EndWorker& action);
  void Do(const KillWorker& action);
  void Do(const CreateChunk& action);
  void Do(const DropChunk& action);
  void Do(const SendLease& action);
  void Do(const RefuseLease& action);
  void Do(const PunchChunk& action);
  void Do(const PopulateLease& action);
  void Do(const SendRecall& action);
  void Do(const SendUnpin& action);
  void Do(const CutOff& action);
  void Do(const SendFetchRefused& action);
  void Do(const Spill& action);
  void Do(const Restore& action);
  void Do(const PunchSpillFile& action);
  void Do(const DropSpillFile& action);

  // TaskWords
  void Queue(ClientId worker, uint32_t slot, uint64_t generation) override;
  bool TryRecall(ClientId worker, uint32_t slot, uint64_t generation) override;
  bool HasBegun(ClientId worker, uint32_t slot, uint64_t generation) override;

  NodeOptions options_;
  loop::EventLoop loop_;
  absl::StatusOr<channel::Doorbell> bell_ = channel::Doorbell::Create();
  std::unique_ptr<loop::Watcher> bell_watcher_;
  std::unique_ptr<loop::Watcher> listener_watcher_;
  std::unique_ptr<loop::Timer> timer_;
  int64_t timer_nanos_ = kNever;  // when it will fire
  std::vector<std::unique_ptr<loop::SignalWatcher>> signals_;
  channel::PollPolicy policy_;
  const int cpus_ = machine::UsableCpus();
  WireSpecCodec codec_;
  Core core_;
  std::unique_ptr<Launcher> launcher_;
  std::vector<std::unique_ptr<Connection>> connections_;
  int accepted_ = 0;  // of them, by the listener
  int greeting_ = 0;  // of these, still in their handshake
  int64_t next_memory_sample_nanos_ = 0;
  size_t next_resting_ = 0;  // of the processes that do nothing, which is looked at next
  // The kernel's kills for want of memory: told or long past; as last seen.
  uint64_t kernels_kills_ = machine::OutOfMemoryKills();
  uint64_t kernels_kills_seen_ = kernels_kills_;
  UniqueFd spare_descriptor_{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  absl::flat_hash_map<ClientId, Connection*> by_client_;
  std::map<JobId, Image> images_;
  std::map<ProcessId, ClientId> running_on_;  // given up, and not ended
  ChunkStore chunks_;
  Spiller spiller_;
  CodeAudit audit_;
  uint64_t next_client_ = 1;
  uint32_t next_job_ = 1;
  bool stopping_ = false;
  int exit_code_ = 0;
  Totals totals_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_NODE_H_
