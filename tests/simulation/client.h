// Client is a simulated process's half of every protocol: frames to and from the node, the handles
// it has, the leases it carves objects from, what it knows of each object.
//
// It uses the real client machines (ReferenceTable, LeaseCarver) and the real encodings; what
// Session adds to them, threads and waiting in the kernel, is what a simulation must not have.
// Memory stands for the store's chunks: reading what was not written there, or was overwritten,
// stops the run.
//
// Not thread-safe.
#ifndef TROUPE_TESTS_SIMULATION_CLIENT_H_
#define TROUPE_TESTS_SIMULATION_CLIENT_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "core/wire/messages.h"
#include "objectstore/client/lease_carver.h"
#include "objectstore/client/reference_table.h"
#include "tests/simulation/routine.h"
#include "tests/simulation/script.h"

namespace troupe::simulation {

using Frame = std::vector<uint64_t>;

// The words of the store, by their first byte.
class Memory {
 public:
  void Write(const Location& object, uint64_t value);
  uint64_t Read(const Location& object) const;
  void Drop(ChunkId chunk);

 private:
  std::map<std::pair<ChunkId, uint64_t>, std::pair<Location, uint64_t>> values_;
};

// What an object has resolved to.
struct Resolved {
  std::optional<ErrorInfo> error;
  uint64_t value = 0;
  std::vector<ObjectId> refs;
};

// A dispatched task: the frame, and what it says.
struct DispatchedTask {
  Frame frame;
  wire::Dispatch dispatch;
  Frame spec_frame;
  wire::TaskSpec spec;
};

class Client {
 public:
  Client(ClientId id, Memory* memory) : id_(id), memory_(memory) {}

  ClientId id() const { return id_; }

  // --- Handles, as Session has them.
  void DropHandle(ObjectId id);
  void ClaimAll(ObjectId container, const std::vector<ObjectId>& ids);
  size_t handle_count() const { return references_.size(); }

  // --- Objects and tasks. The caller gets a handle on what is made.
  ObjectId PutInline(uint64_t value, std::vector<ObjectId> refs);
  ObjectId PutStored(const Location& space, uint64_t value, std::vector<ObjectId> refs);
  std::optional<Location> Carve(uint64_t bytes) { return leases_.Carve(bytes); }
  void Write(const Location& space, uint64_t value) { memory_->Write(space, value); }
  TaskId Submit(const Script& script, wire::TaskSpec spec);
  // To be called before its state word is asked, as Session does.
  void BeginRunning(const wire::Dispatch& dispatch);
  const std::optional<ErrorInfo>& stopped() const { return stopped_; }
  void Complete(const DispatchedTask& task, wire::Value value);
  void Send(const wire::ClientMessage& message);

  bool IsReady(ObjectId id) const;
  // REQUIRES: IsReady(id), and a handle.
  Resolved Read(ObjectId id) const;

  // co_await client.WaitFor(ids): until all are there. Lends the CPU meanwhile; the result is the
  // node's refusal, where it refused the wait.
  class WaitFor;
  // co_await client.WaitForLease(bytes): asks for memory; the result is the node's refusal.
  class WaitForLease;

  // Asks for the actor of that name; FoundActor(request) has the answer, null where there is none.
  // The caller gets a handle on it.
  uint64_t FindActor(std::string_view name);
  const std::optional<ActorId>& FoundActor(uint64_t request) { return found_[request]; }

  // --- The world's side.
  void Receive(const Frame& frame);
  bool owes_releases() const { return references_.has_releases(); }
  void SendReleases();
  std::deque<Frame> to_node;
  std::deque<Frame> to_client;
  std::deque<DispatchedTask> tasks;
  bool exit_asked = false;

 private:
  using Known = std::variant<std::monostate, uint64_t, Location, ErrorInfo>;
  struct Object {
    bool subscribed = false;
    Known content;
    std::vector<ObjectId> refs;
  };

  void Take(ObjectId id);  // a grant, and a handle made of it
  void Learn(const wire::ReadyValue& ready);
  uint64_t SendBlocked(wire::Blocked blocked);
  ObjectId NewObject(Known content, std::vector<ObjectId> refs);

  ClientId id_;
  Memory* memory_;
  uint64_t next_sequence_ = 1;
  std::map<ActorId, uint64_t> call_sequences_;
  objectstore::ReferenceTable references_;
  objectstore::LeaseCarver leases_;
  std::map<ObjectId, Object> objects_;
  uint64_t next_request_ = 1;
  std::map<uint64_t, std::optional<ActorId>> found_;
  bool lease_asked_ = false;
  std::optional<ErrorInfo> lease_refusal_;
  std::optional<std::pair<ErrorInfo, uint64_t>> wait_refusal_;  // and of which wait
  uint64_t waits_ = 0;
  std::pair<uint32_t, uint64_t> running_ = {0, 0};  // slot and generation
  std::optional<ErrorInfo> stopped_;                // what it runs is not wanted any more
};

class Client::WaitFor {
 public:
  // `ids` must outlive the wait.
  WaitFor(Client* client, std::span<const ObjectId> ids)
      : client_(client), ids_(ids), ready_(*this) {}
  WaitFor(const WaitFor&) = delete;
  WaitFor& operator=(const WaitFor&) = delete;

  bool await_ready() const { return AllReady(); }
  void await_suspend(Routine::Handle handle);
  std::optional<ErrorInfo> await_resume();

 private:
  struct Ready {
    const WaitFor& wait;
    explicit Ready(const WaitFor& w) : wait(w) {}
    bool operator()() const {
      const Client& client = *wait.client_;
      return wait.AllReady() || client.stopped_.has_value() ||
             (client.wait_refusal_.has_value() && client.wait_refusal_->second == wait.wait_);
    }
  };
  bool AllReady() const;

  Client* client_;
  std::span<const ObjectId> ids_;
  Ready ready_;
  uint64_t wait_ = 0;  // its number; 0: it did not have to
};

class Client::WaitForLease {
 public:
  WaitForLease(Client* client, uint64_t bytes) : client_(client), bytes_(bytes), ready_(client) {}
  WaitForLease(const WaitForLease&) = delete;
  WaitForLease& operator=(const WaitForLease&) = delete;

  bool await_ready() const { return false; }
  void await_suspend(Routine::Handle handle);
  std::optional<ErrorInfo> await_resume();

 private:
  struct Ready {
    const Client* client;
    explicit Ready(const Client* c) : client(c) {}
    bool operator()() const { return !client->lease_asked_; }
  };

  Client* client_;
  uint64_t bytes_;
  Ready ready_;
};

}  // namespace troupe::simulation

#endif  // TROUPE_TESTS_SIMULATION_CLIENT_H_
