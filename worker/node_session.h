// NodeSession is one process's connection to its node.
//
// It sends submissions and seals, keeps what is known of each object that this process has a handle
// on, counts those handles, carves objects from leased memory, and lets threads wait.
//
// Waiting: one thread at a time reads the channel. A thread that waits takes the reader's role
// where nobody has it, and polls, then sleeps, on the channel itself: the answer to a synchronous
// call needs no hand-off. When no thread waits, an I/O thread drains the channel now and then, and
// sleeps where nothing comes.
//
// Thread-safety and errors: as Session has them.
#ifndef TROUPE_WORKER_NODE_SESSION_H_
#define TROUPE_WORKER_NODE_SESSION_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/limits.h"
#include "core/base/location.h"
#include "core/channel/control_socket.h"
#include "core/channel/in_place_buffer.h"
#include "core/channel/poll_policy.h"
#include "core/channel/shm_channel.h"
#include "core/wire/handshake.h"
#include "core/wire/messages.h"
#include "objectstore/client/chunk_map.h"
#include "objectstore/client/lease_carver.h"
#include "objectstore/client/object_cache.h"
#include "objectstore/client/reference_table.h"
#include "scheduler/client/running_calls.h"
#include "scheduler/client/submission_window.h"
#include "worker/session.h"

namespace troupe::worker {

class NodeSession final : public Session, public std::enable_shared_from_this<NodeSession> {
 public:
  // Over a connected socket: sends `hello` with its descriptors and waits for the welcome.
  // A worker ends its process when its node goes, unless it is only a thread of it.
  // Errors: Unavailable or FailedPrecondition, as one sentence.
  static absl::StatusOr<std::shared_ptr<Session>> Connect(UniqueFd socket, const wire::Hello& hello,
                                                          const std::vector<int>& descriptors,
                                                          int64_t deadline_nanos,
                                                          bool is_thread = false);
  // Where workers are threads: the one that the calling thread belongs to (SetExecutor). Null in
  // all other threads and processes.
  static std::shared_ptr<Session> OfThisThread();
  // It belongs to none any more.
  static void LeaveThisThread();
  ~NodeSession() override;

  objectstore::HandleCount* AddHandle(ObjectId id) override;
  void AddHandles(std::span<const ObjectId> ids) override;
  objectstore::HandleCount* CountOf(ObjectId id) override;
  void DropHandle(ObjectId id) override;
  void DropHandles(std::span<const ObjectId> ids) override;
  void ClaimAll(ObjectId container, const std::vector<ObjectId>& ids) override;
  std::variant<ValueSpace, ErrorInfo> Reserve(size_t bytes) override;
  void Abandon(ValueSpace space) override;
  std::variant<ObjectId, ErrorInfo> MakePromise() override;
  std::optional<ErrorInfo> KeepPromise(ObjectId id, ValueSpace space,
                                       std::vector<ObjectId> refs) override;
  void BreakPromise(ObjectId id, const ErrorInfo& why) override;
  std::variant<ObjectId, ErrorInfo> MakePlacementGroup(wire::PlacementGroup group) override;
  void RemovePlacementGroup(ObjectId id) override;
  void TellOfCode(const wire::CodeNotice& code) override;
  std::variant<objectstore::HandleCount*, ErrorInfo> Seal(ValueSpace space,
                                                          std::vector<ObjectId> refs) override;
  std::optional<ErrorInfo> Submit(wire::TaskSpec& spec,
                                  absl::FunctionRef<void(objectstore::HandleCount*)> take) override;
  std::variant<size_t, ErrorInfo> Wait(std::span<const ObjectId> ids, size_t count,
                                       int64_t deadline_nanos, bool until_error) override;
  bool IsReady(ObjectId id) override;
  std::vector<bool> AreReady(std::span<const ObjectId> ids) override;
  std::optional<ErrorInfo> FirstError(std::span<const ObjectId> ids) override;
  std::variant<ValueBytes, ErrorInfo> Value(ObjectId id, int64_t deadline_nanos) override;
  std::optional<std::variant<ValueBytes, ErrorInfo>> ValueAtHand(ObjectId id) override;
  void Free(std::vector<ObjectId> ids) override;
  std::variant<MemorySnapshot, ErrorInfo> Memory(uint32_t limit) override;
  void Watch(CompletionQueue* queue, ObjectId id, uint64_t tag) override;
  void Watch(CompletionQueue* queue, std::span<const ObjectId> ids, uint64_t first_tag) override;
  std::optional<ErrorInfo> TakeCompletions(CompletionQueue* queue, int64_t deadline_nanos,
                                           std::vector<uint64_t>* tags) override;
  void Unwatch(CompletionQueue* queue) override;
  void CallWhenReady(ObjectId id, std::function<void()> f) override;
  std::variant<StreamNext, ErrorInfo> NextItem(TaskId task, int64_t deadline_nanos) override;
  void CloseStream(TaskId task) override;
  void OpenProducer(TaskId task) override;
  std::variant<bool, ErrorInfo> Yield(const wire::StreamItem& item, uint32_t window) override;
  void CloseProducer(TaskId task) override;
  std::variant<std::pair<ActorId, std::string>, ErrorInfo> FindActor(
      std::string_view name, int64_t deadline_nanos) override;
  void Kill(ActorId actor, bool no_restart) override;
  std::optional<ErrorInfo> SaveCheckpoint(std::string_view state) override;
  void ExitActor() override;
  std::optional<Work> NextWork() override;
  bool TryBegin(const wire::Dispatch& dispatch) override;
  void BeginRunning(RunningSlot* running) override;
  void EndRunning(RunningSlot* running, const wire::Complete* complete,
                  const wire::Dispatch& given) override;
  std::stop_token StopToken(RunningSlot* running) override;
  bool Suspend(RunningSlot* running, ObjectId awaits) override;
  std::optional<ErrorInfo> Resume(RunningSlot* running) override;
  void Cancel(ObjectId result, bool force, bool recursive) override;
  std::optional<ErrorInfo> death() override;
  void Shutdown() override;
  void Sever(const ErrorInfo& why) override;
  void SetRefuseWhenFull(bool refuse) override { refuse_when_full_ = refuse; }
  void SetExecutor(bool executor) override;
  std::vector<std::string> RunningTasks() override;
  void AbandonAfterFork() override;

 private:
  class View;
  using Lock = std::unique_lock<std::mutex>;

  explicit NodeSession(UniqueFd socket);

  absl::Status Handshake(const wire::Hello& hello, const std::vector<int>& descriptors,
                         int64_t deadline_nanos);
  void Start();
  // A forked child gets what the session knows as a whole, and its lock free.
  static void BeforeFork();
  static void AfterFork();
  static void AfterForkInChild();

  // All with the lock held.
  void Send(const wire::ClientMessage& message) { EncodeAndSend(message); }
  void Send(const wire::TaskSpec& message) { EncodeAndSend(message); }
  void Send(const wire::Complete& message) { EncodeAndSend(message); }
  template <typename Message>
  void EncodeAndSend(const Message& message) {
    if (!death_.has_value()) Sent(buffer_->Send(wire::Encode(message, *buffer_)));
  }
  // Where that has failed, the session dies.
  void Sent(const absl::Status& status);
  void SendReleases(size_t at_least);
  void FinishSending();
  // Takes the chunks whose descriptors have come. Its first error stays.
  absl::Status ReceiveChunks();
  // Where that fails, the session dies, after the node's last frames.
  void DrainSocket();
  // The same while a frame is read: who sleeps on the socket wakes, and lets it die.
  void FetchDescriptors();
  absl::Status Introduced(const wire::ControlMessage& message, std::vector<UniqueFd> descriptors);
  size_t Receive(size_t max_messages);
  absl::Status Handle(wire::Bytes bytes);
  absl::Status TakeDispatch(wire::Bytes bytes);
  void DropFrames(const std::vector<uint64_t>& generations);
  void Learn(const wire::ReadyValue& ready);
  void Die(ErrorInfo error);
  void TellWatchers(ObjectId id);
  void TakeItem(const wire::ReadyValue& item);
  bool ShouldBlock() const;
  // Until ready() or the deadline or the end of the session; true where it is ready.
  bool WaitUntil(Lock& lock, absl::FunctionRef<bool()> ready, int64_t deadline_nanos);
  // The same, lending the CPU of a task that waits for one of the objects, or for something else.
  // An error where the node refuses the wait, or the task is stopped.
  std::optional<ErrorInfo> WaitLending(Lock& lock, std::vector<ObjectId> any_of,
                                       absl::FunctionRef<bool()> ready, int64_t deadline_nanos);
  void Lead(Lock& lock, int64_t deadline_nanos);
  void Throttle(Lock& lock);
  void ArmTimer();
  std::variant<Location, ErrorInfo> Carve(Lock& lock, size_t bytes);
  std::optional<std::variant<ValueBytes, ErrorInfo>> Look(ObjectId id);
  void DropView(ObjectId id);
  void DropHandleLocked(ObjectId id);
  // The handles on what came with a task.
  void DropGiven(const wire::Dispatch& given);
  void TellUnread(const ErrorInfo& error);
  // A new object that is pending, with one handle.
  ObjectId ExpectNew();
  void ReturnLeases(const std::vector<Location>& unused);
  void AnswerUnpin(const wire::Unpin& unpin);
  absl::Status WaitForChunk(ChunkId chunk, objectstore::Mapping::Access access);

  // This thread's call waits, and goes on; the number of the wait. 0 where this thread runs no
  // task.
  uint64_t BeginWait(std::vector<ObjectId> ids, size_t needed);
  void EndWait(uint64_t wait);
  // False where there is nothing to tell.
  bool Tell(const scheduler::RunningCalls::Tell& tell);
  // The node sees that this process stands still for ever: the first of its calls to look goes on.
  bool WaitRefused(uint64_t wait) const {
    return wait != 0 && wait_refusal_.has_value() && wait_refusal_->second == calls_.standing();
  }
  bool OwnsThisThread() const { return works_for_ == this; }
  // A thread may wait for what another session of its process holds: its task is no business there.
  RunningSlot* RunningHere() const { return OwnsThisThread() ? running_ : nullptr; }
  bool Stopped() const {
    const RunningSlot* const running = RunningHere();
    return running != nullptr && running->stopped.has_value();
  }
  void Stop(RunningSlot* running, ErrorInfo why);
  void StopAll(const ErrorInfo& why);
  // What it awaits will not come: it goes on without.
  void WakeSuspended(RunningSlot* running);
  // Runs what the user's code has tied to its stop tokens, without the lock.
  void RequestStops(Lock& lock);
  struct Watcher {
    CompletionQueue* queue;
    uint64_t tag;
  };
  struct IncomingStream {
    uint32_t window = 0;
    uint32_t taken = 0;
    uint32_t told = 0;  // how many the node knows to be taken
    std::deque<ObjectId> items;
  };
  struct OutgoingStream {
    uint32_t consumed = 0;
    bool stopped = false;
  };

  void AskWhy(ObjectId id);
  void RunIoThread();
  void RunCallbackThread();

  std::mutex mutex_;
  std::condition_variable followers_cv_;
  int followers_ = 0;
  bool reading_ = false;  // a thread has the reader's role
  bool has_led_ = false;  // since the last submission
  bool timer_armed_ = false;

  channel::ControlSocket socket_;
  absl::Status socket_status_;
  std::unique_ptr<channel::ShmChannel> channel_;
  channel::PollPolicy policy_;
  std::optional<channel::InPlaceBuffer> buffer_;  // of the channel
  UniqueFd timer_;
  UniqueFd stop_event_;
  std::thread io_thread_;

  uint64_t next_sequence_ = 1;
  objectstore::ReferenceTable references_;
  objectstore::LeaseCarver carver_;
  objectstore::ChunkMap chunks_;
  objectstore::ObjectCache objects_{&references_};
  absl::flat_hash_map<ActorId, uint64_t> actor_sequences_;
  std::vector<Location> fresh_leases_;  // in which nothing has been written yet
  absl::flat_hash_map<ObjectId, ErrorInfo> fetch_refusals_;
  absl::flat_hash_map<uint64_t, std::vector<uint64_t>> memory_reports_;  // frames, by request
  std::optional<std::pair<ErrorInfo, uint64_t>> wait_refusal_;  // and of which standing still
  scheduler::RunningCalls calls_;
  std::vector<RunningSlot*> running_slots_;
  scheduler::SubmissionWindow window_{Limits::kMaxQueuedTasks};
  bool refuse_when_full_ = false;
  std::vector<uint64_t> explanations_;       // requests whose answer is for the terminal
  std::vector<std::stop_source> stops_;      // to be requested
  absl::flat_hash_set<TaskId> unread_told_;  // whose errors were told of, since nobody has looked
  uint64_t errors_learned_ = 0;              // how many objects turned out to be errors
  absl::flat_hash_map<ObjectId, std::vector<Watcher>> watchers_;
  CompletionQueue callback_queue_;
  std::condition_variable callbacks_cv_;
  absl::flat_hash_map<uint64_t, std::function<void()>> callbacks_;  // by tag
  uint64_t next_callback_ = 1;
  std::thread callback_thread_;  // started by the first CallWhenReady
  absl::flat_hash_map<TaskId, IncomingStream> incoming_streams_;
  absl::flat_hash_map<TaskId, OutgoingStream> outgoing_streams_;
  std::deque<DispatchedTask> tasks_;
  CompletionQueue suspended_;        // its tags are the addresses of RunningSlots
  bool suspended_had_turn_ = false;  // in NextWork
  bool exit_asked_ = false;
  bool heap_is_warm_ = false;  // a task may have left memory in it
  uint64_t next_request_ = 1;
  absl::flat_hash_map<uint64_t, std::pair<ActorId, std::string>> found_actors_;
  std::optional<ErrorInfo> death_;
  bool stopping_ = false;
  std::atomic<bool> forked_{false};
  bool is_worker_ = false;
  ErrorInfo why_severed_;
  std::atomic<bool> severed_{false};            // and why_severed_ is set
  bool is_thread_ = false;                      // and not the whole of its process
  static thread_local NodeSession* works_for_;  // which the calling thread belongs to
  static thread_local bool is_executor_;
  static thread_local RunningSlot* running_;
};

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_NODE_SESSION_H_
