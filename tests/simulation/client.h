// Client is a simulated process's half of every protocol: frames to and from the node, the handles
// it has, the leases it carves objects from, what it knows of each object.
//
// It uses the real client machines (ReferenceTable, LeaseCarver, ObjectCache) and the real
// encodings; what Session adds to them, threads and waiting in the kernel, is what a simulation
// must not have. Memory (memory.h) stands for the store's chunks.
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

#include "absl/functional/function_ref.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "core/wire/messages.h"
#include "objectstore/client/lease_carver.h"
#include "objectstore/client/object_cache.h"
#include "objectstore/client/reference_table.h"
#include "scheduler/client/running_calls.h"
#include "tests/simulation/memory.h"
#include "tests/simulation/routine.h"
#include "tests/simulation/script.h"

namespace troupe::simulation {

using Frame = std::vector<uint64_t>;

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
  // Each routine of a process is one, and waits by it.
  class Thread;

  Client(ClientId id, Memory* memory) : id_(id), memory_(memory) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  ClientId id() const { return id_; }

  // --- Handles, as Session has them.
  void AddHandle(ObjectId id) { references_.AddHandle(id); }
  void DropHandle(ObjectId id);
  void DropGiven(const wire::Dispatch& given);
  void ClaimAll(ObjectId container, const std::vector<ObjectId>& ids);
  size_t handle_count() const { return references_.size(); }

  // --- Objects and tasks. The caller gets a handle on what is made.
  ObjectId PutInline(uint64_t value, std::vector<ObjectId> refs);
  ObjectId PutStored(const Location& space, uint64_t value, std::vector<ObjectId> refs);
  std::optional<Location> Carve(uint64_t bytes) { return leases_.Carve(bytes); }
  void Write(const Location& space, uint64_t value) { memory_->Write(space, value); }
  // An object that is pending until its promise is kept, inline or in the store.
  ObjectId MakePromise();
  void KeepPromise(ObjectId id, uint64_t value);
  void KeepPromise(ObjectId id, const Location& space, uint64_t value);
  // Its object is to resolve to `value`.
  ObjectId MakePlacementGroup(std::vector<wire::Bundle> bundles, uint64_t value);
  // REQUIRES: a handle.
  void Free(ObjectId id);
  TaskId Submit(const Script& script, wire::TaskSpec spec);
  void Complete(const DispatchedTask& task, wire::Value value);
  void CompleteToRetry(const DispatchedTask& task, wire::Value value);
  void Send(const wire::ClientMessage& message);

  bool IsReady(ObjectId id) const;
  // co_await Client::LookAt(&thread, id): until its value is at hand; fetches it where it is away.
  // The value stays where it is until EndLook(id), which follows exactly where the result has no
  // error. REQUIRES: IsReady(id), and a handle.
  class LookAt;
  // The same value still lies there.
  void CheckLook(ObjectId id, const Resolved& seen) const;
  void EndLook(ObjectId id);
  // What is looked at lies where it lay.
  void CheckViews() const;

  // co_await Client::WaitFor(&thread, ids): until all are there. Lends the CPU meanwhile; the
  // result is the node's refusal, where it refused the wait.
  class WaitFor;
  // co_await Client::SuspendFor(&thread, id, may_run): an actor's call leaves its thread until the
  // object is there and may_run() says that a thread takes it back. The result is why the object is
  // not there, where it is not.
  class SuspendFor;
  // co_await Client::WaitForLease(&thread, bytes): asks for memory; the result is a place for an
  // object of that size, or the node's refusal.
  class WaitForLease;

  // Asks for the actor of that name; FoundActor(request) has the answer, null where there is none.
  // The caller gets a handle on it.
  uint64_t FindActor(std::string_view name);
  const std::optional<ActorId>& FoundActor(uint64_t request) { return found_[request]; }

  // --- The world's side.
  void Receive(const Frame& frame);
  void CheckInvariants() const { objects_.CheckInvariants(); }
  bool owes_releases() const { return references_.has_releases(); }
  void SendReleases();
  std::deque<Frame> to_node;
  std::deque<Frame> to_client;
  std::deque<DispatchedTask> tasks;
  bool exit_asked = false;

 private:
  using Known = objectstore::ObjectCache::Content;

  bool WaitIsRefused() const {
    return wait_refusal_.has_value() && wait_refusal_->second == calls_.standing();
  }
  void Take(ObjectId id);  // a grant, and a handle made of it
  ObjectId ExpectNew();    // an object that is pending
  void Learn(const wire::ReadyValue& ready);
  void Tell(const scheduler::RunningCalls::Tell& tell);
  ObjectId NewObject(Known content, std::vector<ObjectId> refs);
  Resolved Read(ObjectId id) const;

  ClientId id_;
  Memory* memory_;
  uint64_t next_sequence_ = 1;
  std::map<ActorId, uint64_t> call_sequences_;
  objectstore::ReferenceTable references_;
  objectstore::LeaseCarver leases_;
  objectstore::ObjectCache objects_{&references_};
  std::map<ObjectId, int> views_;  // how many, of those in the store
  uint64_t next_request_ = 1;
  std::map<uint64_t, std::optional<ActorId>> found_;
  std::map<ObjectId, ErrorInfo> fetch_refusals_;
  std::optional<std::pair<ErrorInfo, uint64_t>> wait_refusal_;  // and of which standing still
  scheduler::RunningCalls calls_;
  std::vector<Thread*> threads_;
};

class Client::Thread {
 public:
  explicit Thread(Client* client) : client_(client) { client->threads_.push_back(this); }
  ~Thread() { std::erase(client_->threads_, this); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Begin is to be called before the state word of the call is asked, as Session does.
  // `number`: which of the actor's threads.
  void Begin(TaskId task, const wire::Dispatch& dispatch, uint32_t number);
  void End();
  bool suspended() const { return suspended_; }
  // What it runs is not wanted any more.
  const std::optional<ErrorInfo>& stopped() const { return stopped_; }

 private:
  friend class Client;

  void BeginWait(std::vector<ObjectId> ids, size_t needed);
  // Why the wait was refused, or what the thread runs is stopped.
  std::optional<ErrorInfo> EndWait();
  bool MustEndWait() const { return client_->WaitIsRefused() || stopped_.has_value(); }

  Client* client_;
  std::pair<uint32_t, uint64_t> running_ = {0, 0};  // slot and generation
  TaskId task_;
  uint32_t attempt_ = 0;
  uint32_t number_ = 0;
  bool suspended_ = false;
  uint64_t suspensions_ = 0;
  std::optional<ErrorInfo> refused_;  // why what it is suspended for cannot come
  std::optional<ErrorInfo> stopped_;
  uint64_t wait_ = 0;  // its number; 0: it does not wait
};

class Client::WaitFor {
 public:
  // `ids` must outlive the wait.
  WaitFor(Thread* thread, std::span<const ObjectId> ids)
      : thread_(thread), ids_(ids), ready_(*this) {}
  WaitFor(const WaitFor&) = delete;
  WaitFor& operator=(const WaitFor&) = delete;

  bool await_ready() const { return AllReady(); }
  void await_suspend(Routine::Handle handle);
  std::optional<ErrorInfo> await_resume();

 private:
  struct Ready {
    const WaitFor& wait;
    explicit Ready(const WaitFor& w) : wait(w) {}
    bool operator()() const { return wait.AllReady() || wait.thread_->MustEndWait(); }
  };
  bool AllReady() const;

  Thread* thread_;
  std::span<const ObjectId> ids_;
  Ready ready_;
};

class Client::SuspendFor {
 public:
  SuspendFor(Thread* thread, ObjectId id, absl::FunctionRef<bool()> may_run)
      : thread_(thread), id_(id), may_run_(may_run), ready_(*this) {}
  SuspendFor(const SuspendFor&) = delete;
  SuspendFor& operator=(const SuspendFor&) = delete;

  bool await_ready() const {
    return thread_->client_->IsReady(id_) || thread_->stopped_.has_value();
  }
  void await_suspend(Routine::Handle handle);
  std::optional<ErrorInfo> await_resume();

 private:
  struct Ready {
    const SuspendFor& wait;
    explicit Ready(const SuspendFor& w) : wait(w) {}
    bool operator()() const {
      return (wait.await_ready() || wait.thread_->refused_.has_value()) && wait.may_run_();
    }
  };

  Thread* thread_;
  ObjectId id_;
  absl::FunctionRef<bool()> may_run_;
  Ready ready_;
};

class Client::LookAt {
 public:
  LookAt(Thread* thread, ObjectId id) : thread_(thread), id_(id), ready_(*this) {}
  LookAt(const LookAt&) = delete;
  LookAt& operator=(const LookAt&) = delete;

  bool await_ready() const { return client().objects_.IsKnown(id_); }
  void await_suspend(Routine::Handle handle);
  Resolved await_resume();

 private:
  struct Ready {
    const LookAt& look;
    explicit Ready(const LookAt& l) : look(l) {}
    bool operator()() const {
      if (look.await_ready() || look.client().fetch_refusals_.contains(look.id_) ||
          look.thread_->MustEndWait())
        return true;
      look.Fetch();  // again, where the answer was taken back before this routine could look
      return false;
    }
  };
  void Fetch() const;
  Client& client() const { return *thread_->client_; }

  Thread* thread_;
  ObjectId id_;
  Ready ready_;
};

// The result: a place, or why there is none.
class Client::WaitForLease {
 public:
  WaitForLease(Thread* thread, uint64_t bytes) : thread_(thread), bytes_(bytes), ready_(*this) {}
  WaitForLease(const WaitForLease&) = delete;
  WaitForLease& operator=(const WaitForLease&) = delete;

  bool await_ready() const { return false; }
  void await_suspend(Routine::Handle handle);
  objectstore::LeaseCarver::Answer await_resume();

 private:
  struct Ready {
    const WaitForLease& wait;
    explicit Ready(const WaitForLease& w) : wait(w) {}
    bool operator()() const { return wait.thread_->client_->leases_.HasAnswer(wait.ticket_); }
  };

  Thread* thread_;
  uint64_t bytes_;
  Ready ready_;
  objectstore::LeaseCarver::Ticket ticket_ = 0;
};

}  // namespace troupe::simulation

#endif  // TROUPE_TESTS_SIMULATION_CLIENT_H_
