// Session is one process's connection to its node, shared by all its threads: what drivers and
// workers have in common.
//
// It sends submissions and seals, keeps what is known of each object that this process has a handle
// on, counts those handles, carves objects from leased memory, and lets threads wait.
//
// Waiting: one thread at a time reads the channel. A thread that waits takes the reader's role
// where nobody has it, and polls, then sleeps, on the channel itself: the answer to a synchronous
// call needs no hand-off. When no thread waits, an I/O thread drains the channel now and then, and
// sleeps where nothing comes.
//
// Death: when the node goes, every wait and every call fails with Unavailable, which says why; a
// worker's process ends. Thread-safety: all methods may be called from any thread.   Errors:
// ErrorInfo values, as users see them. After Ray's core worker, without its threads.
#ifndef TROUPE_WORKER_SESSION_H_
#define TROUPE_WORKER_SESSION_H_

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
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/limits.h"
#include "core/base/location.h"
#include "core/channel/control_socket.h"
#include "core/channel/poll_policy.h"
#include "core/channel/shm_channel.h"
#include "core/wire/handshake.h"
#include "core/wire/messages.h"
#include "objectstore/client/chunk_map.h"
#include "objectstore/client/lease_carver.h"
#include "objectstore/client/object_cache.h"
#include "objectstore/client/reference_table.h"
#include "scheduler/client/submission_window.h"

namespace troupe::worker {

// A deadline for waiting, in MonotonicNanos.
inline constexpr int64_t kForever = INT64_MAX;

// The bytes of a value, where they lie, and the ids inside it. Valid as long as `owner` lives: it
// owns inline bytes, and is a view of those in the store, which are not moved, spilled or freed
// under it. None for an argument that came inside its task's frame.
struct ValueBytes {
  std::span<const std::byte> bytes;
  std::vector<ObjectId> refs;
  std::shared_ptr<const void> owner;
  bool in_store = false;
};

// A value being written: memory of exactly `bytes.size()`, in the store or, where small, on this
// side.
struct ValueSpace {
  std::span<std::byte> bytes;
  Location location;  // in the store; size 0 where it is inline
  std::vector<std::byte> inline_bytes;

  bool stored() const { return location.size != 0; }
};

// A task as it came from the node: a copy of the frame, and what it says.
struct DispatchedTask {
  std::vector<uint64_t> frame;
  wire::Dispatch dispatch;  // a view of `frame`
};

// A task that runs on some thread of this process: how the node's word that nobody wants its result
// any more reaches it.
struct RunningSlot {
  uint32_t slot = 0;
  uint64_t generation = 0;
  std::stop_source stop;
  std::optional<ErrorInfo> stopped;  // why; guarded by the session
};

// What a thread waits for that wants to know of each object once, as it comes: see Session::Watch.
// Its session's lock guards it.
class CompletionQueue {
 public:
  bool empty() const { return ready_.empty(); }

 private:
  friend class Session;
  std::deque<uint64_t> ready_;     // tags, in the order in which their objects came
  std::vector<ObjectId> watched_;  // objects that may still have an entry in the session
  size_t sweep_at_ = 1024;         // entries that are gone are looked for at this size
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  // Over a connected socket: sends `hello` with its descriptors and waits for the welcome.
  // Errors: Unavailable or FailedPrecondition, as one sentence.
  static absl::StatusOr<std::shared_ptr<Session>> Connect(UniqueFd socket, const wire::Hello& hello,
                                                          const std::vector<int>& descriptors,
                                                          int64_t deadline_nanos);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ClientId client() const { return client_; }
  int cpus() const { return cpus_; }
  // A driver whose window of unfinished tasks is full: its submissions fail instead of waiting.
  void SetRefuseWhenFull(bool refuse) { refuse_when_full_ = refuse; }
  uint64_t store_bytes() const { return store_bytes_; }
  const std::vector<std::pair<std::string, std::string>>& flags() const { return flags_; }
  size_t max_inline_value_bytes() const { return max_inline_value_bytes_; }

  // --- Handles.
  void AddHandle(ObjectId id);
  void DropHandle(ObjectId id);
  // Opens handles on the ids inside a container that the caller has a handle on.
  void ClaimAll(ObjectId container, const std::vector<ObjectId>& ids);

  // --- Objects.
  // Memory for a value. Errors: ResourceExhausted, Unavailable.
  std::variant<ValueSpace, ErrorInfo> Reserve(size_t bytes);
  void Abandon(ValueSpace space);
  // Makes it an object; the caller gets one handle.
  std::variant<ObjectId, ErrorInfo> Seal(ValueSpace space, std::vector<ObjectId> refs);

  // --- Tasks. The caller fills all but the id (and an actor call's sequence number) and gets a
  // handle on each result.
  std::variant<TaskId, ErrorInfo> Submit(wire::TaskSpec spec);
  void Complete(const wire::Complete& complete);

  // --- Waiting. How many of the objects are there (a value or an error), at least `count` unless
  // the deadline passed first. Errors: Unavailable; ResourceExhausted where the wait cannot end.
  // REQUIRES: the caller has handles on them.
  // With `until_error`, it ends as soon as one of them is an error.
  std::variant<size_t, ErrorInfo> Wait(std::span<const ObjectId> ids, size_t count,
                                       int64_t deadline_nanos, bool until_error = false);
  bool IsReady(ObjectId id);
  // Which of them are there.
  std::vector<bool> AreReady(std::span<const ObjectId> ids);
  // The first of them that is there and is an error.
  std::optional<ErrorInfo> FirstError(std::span<const ObjectId> ids);
  // The value or the error of an object; waits for one that is on its way, or away. Errors: besides
  // the object's own, DeadlineExceeded, ResourceExhausted where the store has no room to read it
  // back, Unavailable. REQUIRES: a handle.
  std::variant<ValueBytes, ErrorInfo> Value(ObjectId id, int64_t deadline_nanos = kForever);
  // The same where it is at hand: nothing is waited for or sent.
  std::optional<std::variant<ValueBytes, ErrorInfo>> ValueAtHand(ObjectId id);

  // What is in the store: totals, and the `limit` largest objects.
  struct MemorySnapshot {
    std::vector<uint64_t> frame;
    wire::MemoryReport report;  // a view of `frame`
  };
  std::variant<MemorySnapshot, ErrorInfo> Memory(uint32_t limit);

  // --- Completions: each object costs the same, however many are waited for.
  // The queue gets the tag once the object is there. REQUIRES: the caller has a handle on the
  // object until then, or until Unwatch.
  void Watch(CompletionQueue* queue, ObjectId id, uint64_t tag);
  void Watch(CompletionQueue* queue, std::span<const ObjectId> ids, uint64_t first_tag);
  // Appends the tags that have come since the last call, at least one unless the deadline passed
  // first. Errors: as Wait has them.
  std::optional<ErrorInfo> TakeCompletions(CompletionQueue* queue, int64_t deadline_nanos,
                                           std::vector<uint64_t>* tags);
  // To be called before the queue goes.
  void Unwatch(CompletionQueue* queue);
  // Has f run on the session's callback thread, once the object is there or the session is over.
  // REQUIRES: f holds a handle on the object.
  void CallWhenReady(ObjectId id, std::function<void()> f);

  // --- Streams, the consumer's side: of tasks that were submitted here with a stream_window.
  struct StreamNext {
    enum class What { kItem, kEnd, kTimeout };
    What what = What::kEnd;
    ObjectId item = {};  // the handle on it is the caller's
  };
  // Errors: what ended the stream in place of its end.
  std::variant<StreamNext, ErrorInfo> NextItem(TaskId task, int64_t deadline_nanos);
  // No more is wanted. What has come and was not taken is dropped.
  void CloseStream(TaskId task);

  // --- Streams, the producer's side.
  void OpenProducer(TaskId task);
  // Waits until the consumer is less than a window behind, then sends. False where it wants no
  // more. The caller keeps the ids inside the value until this returns.
  std::variant<bool, ErrorInfo> Yield(const wire::StreamItem& item, uint32_t window);
  void CloseProducer(TaskId task);

  // --- Actors.
  std::variant<std::pair<ActorId, std::string>, ErrorInfo> FindActor(std::string_view name,
                                                                     int64_t deadline_nanos);
  void Kill(ActorId actor, bool no_restart);
  // In an actor's process: keeps the state for its restart, or ends the actor.
  std::optional<ErrorInfo> SaveCheckpoint(std::string_view state);
  void ExitActor();

  // --- Workers.
  // Waits for the next task; none where the worker is to end. Handles on its arguments and inner
  // ids are the caller's.
  std::optional<DispatchedTask> NextTask();
  bool TryBegin(const wire::Dispatch& dispatch);
  // The calling thread runs tasks: its waits lend the CPU.
  void SetExecutor(bool executor) { is_executor_ = executor; }
  // The calling thread begins a task, or has ended it: until then `running` is told to stop where
  // the task is cancelled or runs out of time, and the thread's waits fail from then on.
  void BeginRunning(RunningSlot* running);
  void EndRunning(RunningSlot* running);
  // Ends a task before it has ended by itself. REQUIRES: a handle on its result.
  void Cancel(ObjectId result, bool force, bool recursive);

  // Why the session is over, where it is.
  std::optional<ErrorInfo> death();
  // Ends it from this side: whoever waits is told, and the node drops what this process held.
  void Shutdown();
  // In a forked child: the session is not its own.
  void AbandonAfterFork() { forked_ = true; }

 private:
  class View;
  using Lock = std::unique_lock<std::mutex>;

  explicit Session(UniqueFd socket);

  absl::Status Handshake(const wire::Hello& hello, const std::vector<int>& descriptors,
                         int64_t deadline_nanos);
  void Start();

  // All with the lock held.
  void Send(const wire::ClientMessage& message);
  void SendReleases(size_t at_least);
  void FinishSending();
  void DrainSocket();
  absl::Status Introduced(const wire::ControlMessage& message, std::vector<UniqueFd> descriptors);
  size_t Receive(size_t max_messages);
  absl::Status Handle(wire::Bytes bytes);
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
  void ReturnLeases(const std::vector<Location>& unused);
  void AnswerUnpin(const wire::Unpin& unpin);
  absl::Status WaitForChunk(ChunkId chunk, objectstore::Mapping::Access access);

  // Blocked, and its end; the number of the wait. Nothing where this thread runs no task.
  uint64_t SendBlocked(std::vector<ObjectId> ids, size_t needed);
  void SendUnblocked(uint64_t wait);
  bool WaitRefused(uint64_t wait) const {
    return wait != 0 && wait_refusal_.has_value() && wait_refusal_->second == wait;
  }
  bool Stopped() const { return running_ != nullptr && running_->stopped.has_value(); }
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
  bool timer_armed_ = false;

  channel::ControlSocket socket_;
  std::unique_ptr<channel::ShmChannel> channel_;
  channel::PollPolicy policy_;
  wire::MessageBuffer buffer_;
  UniqueFd timer_;
  UniqueFd stop_event_;
  std::thread io_thread_;

  ClientId client_ = ClientId::kNone;
  int cpus_ = 0;
  uint64_t store_bytes_ = 0;
  size_t max_inline_value_bytes_ = 0;
  std::vector<std::pair<std::string, std::string>> flags_;

  uint64_t next_sequence_ = 1;
  objectstore::ReferenceTable references_;
  objectstore::LeaseCarver carver_;
  objectstore::ChunkMap chunks_;
  objectstore::ObjectCache objects_;
  absl::flat_hash_map<ActorId, uint64_t> actor_sequences_;
  std::vector<Location> fresh_leases_;  // whose pages this process has not touched
  absl::flat_hash_map<ObjectId, ErrorInfo> fetch_refusals_;
  absl::flat_hash_map<uint64_t, std::vector<uint64_t>> memory_reports_;  // frames, by request
  std::optional<std::pair<ErrorInfo, uint64_t>> wait_refusal_;           // and of which wait
  uint64_t waits_ = 0;
  std::vector<RunningSlot*> running_slots_;
  scheduler::SubmissionWindow window_{Limits::kMaxQueuedTasks};
  bool refuse_when_full_ = false;
  std::vector<uint64_t> explanations_;   // requests whose answer is for the terminal
  std::vector<std::stop_source> stops_;  // to be requested
  uint64_t errors_learned_ = 0;          // how many objects turned out to be errors
  absl::flat_hash_map<ObjectId, std::vector<Watcher>> watchers_;
  CompletionQueue callback_queue_;
  std::condition_variable callbacks_cv_;
  absl::flat_hash_map<uint64_t, std::function<void()>> callbacks_;  // by tag
  uint64_t next_callback_ = 1;
  std::thread callback_thread_;  // started by the first CallWhenReady
  absl::flat_hash_map<TaskId, IncomingStream> incoming_streams_;
  absl::flat_hash_map<TaskId, OutgoingStream> outgoing_streams_;
  std::deque<DispatchedTask> tasks_;
  bool exit_asked_ = false;
  uint64_t next_request_ = 1;
  absl::flat_hash_map<uint64_t, std::pair<ActorId, std::string>> found_actors_;
  std::optional<ErrorInfo> death_;
  bool stopping_ = false;
  std::atomic<bool> forked_{false};
  bool is_worker_ = false;
  static thread_local bool is_executor_;
  static thread_local RunningSlot* running_;
};

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_SESSION_H_
