// Session is what a process has of its cluster, shared by all its threads: what drivers and workers
// have in common, and all that the SDK knows of the world below it.
//
// Through it go submissions and seals; it keeps what is known of each object that this process has
// a handle on, counts those handles, hands out memory for values, and lets threads wait.
// NodeSession (node_session.h) has a node at its other end.
//
// Death: when the node goes, every wait and every call fails with Unavailable, which says why; a
// worker's process ends. Thread-safety: all methods may be called from any thread.   Errors:
// ErrorInfo values, as users see them. After Ray's core worker, without its threads.
#ifndef TROUPE_WORKER_SESSION_H_
#define TROUPE_WORKER_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/location.h"
#include "core/base/small_bytes.h"
#include "core/wire/messages.h"
#include "objectstore/client/handle_count.h"

namespace troupe::worker {

// A deadline for waiting, in MonotonicNanos.
inline constexpr int64_t kForever = INT64_MAX;

// The bytes of a value, where they lie, and the ids inside it. Valid as long as `owner` lives: it
// owns inline bytes, and is a view of those in the store, which are not moved, spilled or freed
// under it. None for an argument that came inside its task's frame, and for a small value, whose
// bytes are in here.
struct ValueBytes {
  std::span<const std::byte> bytes() const {
    const auto* small = std::get_if<SmallBytes>(&content);
    return small != nullptr ? small->bytes() : std::get<std::span<const std::byte>>(content);
  }

  std::variant<std::span<const std::byte>, SmallBytes> content;
  std::vector<ObjectId> refs;
  std::shared_ptr<const void> owner;
  bool in_store = false;
};

// A value being written: memory in the store or, where small, on this side, most often in here.
struct ValueSpace {
  static constexpr size_t kInPlace = 48;  // a few numbers with the header of a stored value

  bool stored() const { return location.size != 0; }
  // Valid until this is moved.
  std::span<std::byte> bytes() { return stored() ? memory : std::span<std::byte>(inline_bytes); }

  Location location;            // in the store; size 0 where it is inline
  std::span<std::byte> memory;  // there
  absl::InlinedVector<std::byte, kInPlace> inline_bytes;
};

// A task as it came from the node: a copy of the frame, and what it says.
struct DispatchedTask {
  std::vector<uint64_t> frame;
  wire::Dispatch dispatch;  // a view of `frame`
};

// A task that runs on some thread of this process: how the node's word that nobody wants its result
// any more reaches it.
// An actor's call that is a coroutine may be suspended: then it runs on no thread.
struct RunningSlot {
  TaskId task = {};
  uint32_t attempt = 0;
  uint32_t slot = 0;
  uint64_t generation = 0;
  uint32_t thread = 0;    // of the actor
  wire::Bytes spec = {};  // a view of the task's frame
  // Guarded by the session:
  std::stop_source stop{std::nostopstate};  // made for who asks: Session::StopToken
  std::optional<ErrorInfo> stopped = {};    // why
  bool suspended = false;                   // and not given to anybody to go on
  ObjectId awaits = {};                     // while it is suspended
  uint64_t suspensions = 0;                 // how often it has been
  std::optional<ErrorInfo> refused = {};    // why what it awaits cannot come
};

// What a thread waits for that wants to know of each object once, as it comes: see Session::Watch.
// Its session's lock guards it.
class CompletionQueue {
 public:
  bool empty() const { return ready_.empty(); }

 private:
  friend class NodeSession;
  std::deque<uint64_t> ready_;     // tags, in the order in which their objects came
  std::vector<ObjectId> watched_;  // objects that may still have an entry in the session
  size_t sweep_at_ = 1024;         // entries that are gone are looked for at this size
};

class Session {
 public:
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ClientId client() const { return client_; }
  int cpus() const { return cpus_; }
  // A driver whose window of unfinished tasks is full: its submissions fail instead of waiting.
  virtual void SetRefuseWhenFull(bool refuse) = 0;
  uint64_t store_bytes() const { return store_bytes_; }
  const std::vector<std::pair<std::string, std::string>>& flags() const { return flags_; }
  size_t max_inline_value_bytes() const { return max_inline_value_bytes_; }

  // --- Handles. A count, and who has a handle may copy and drop it there, until the last one:
  // that is dropped here.
  virtual objectstore::HandleCount* AddHandle(ObjectId id) = 0;
  // On ids inside an encoded value: what becomes of them is its readers' business, too.
  virtual void AddHandles(std::span<const ObjectId> ids) = 0;
  // REQUIRES: a handle.
  virtual objectstore::HandleCount* CountOf(ObjectId id) = 0;
  virtual void DropHandle(ObjectId id) = 0;
  virtual void DropHandles(std::span<const ObjectId> ids) = 0;
  // Opens handles on the ids inside a container that the caller has a handle on.
  virtual void ClaimAll(ObjectId container, const std::vector<ObjectId>& ids) = 0;

  // --- Objects.
  // Memory for a value. Errors: ResourceExhausted, Unavailable.
  virtual std::variant<ValueSpace, ErrorInfo> Reserve(size_t bytes) = 0;
  virtual void Abandon(ValueSpace space) = 0;
  // Makes it an object; the caller gets one handle.
  virtual std::variant<objectstore::HandleCount*, ErrorInfo> Seal(ValueSpace space,
                                                                  std::vector<ObjectId> refs) = 0;
  // An object that is pending until this process keeps its promise, with a value, or breaks it,
  // with an error; ObjectLost where it ends before. The caller gets one handle. Nobody may have
  // kept or broken it before, and a handle must be there.
  virtual std::variant<ObjectId, ErrorInfo> MakePromise() = 0;
  virtual std::optional<ErrorInfo> KeepPromise(ObjectId id, ValueSpace space,
                                               std::vector<ObjectId> refs) = 0;
  virtual void BreakPromise(ObjectId id, const ErrorInfo& why) = 0;
  // An object that is pending until the group has its bundles. The caller fills all but the id, and
  // gets one handle.
  virtual std::variant<ObjectId, ErrorInfo> MakePlacementGroup(wire::PlacementGroup group) = 0;
  virtual void RemovePlacementGroup(ObjectId id) = 0;
  // Tells the node's log which code will come to workers in an object.
  virtual void TellOfCode(const wire::CodeNotice& code) = 0;

  // --- Tasks. The caller fills all but the id (and an actor call's sequence number); `take` is
  // given a handle on each result, in order, with the session's lock held.
  virtual std::optional<ErrorInfo> Submit(
      wire::TaskSpec& spec, absl::FunctionRef<void(objectstore::HandleCount*)> take) = 0;

  // --- Waiting. How many of the objects are there (a value or an error), at least `count` unless
  // the deadline passed first. Errors: Unavailable; ResourceExhausted where the wait cannot end.
  // REQUIRES: the caller has handles on them.
  // With `until_error`, it ends as soon as one of them is an error.
  virtual std::variant<size_t, ErrorInfo> Wait(std::span<const ObjectId> ids, size_t count,
                                               int64_t deadline_nanos, bool until_error) = 0;
  virtual bool IsReady(ObjectId id) = 0;
  // Which of them are there.
  virtual std::vector<bool> AreReady(std::span<const ObjectId> ids) = 0;
  // The first of them that is there and is an error.
  virtual std::optional<ErrorInfo> FirstError(std::span<const ObjectId> ids) = 0;
  // The value or the error of an object; waits for one that is on its way, or away. Errors: besides
  // the object's own, DeadlineExceeded, ResourceExhausted where the store has no room to read it
  // back, Unavailable. REQUIRES: a handle.
  virtual std::variant<ValueBytes, ErrorInfo> Value(ObjectId id, int64_t deadline_nanos) = 0;
  // The same where it is at hand: nothing is waited for or sent.
  virtual std::optional<std::variant<ValueBytes, ErrorInfo>> ValueAtHand(ObjectId id) = 0;

  // They are ObjectLost from now on, or as soon as they are there and nobody looks at them.
  // REQUIRES: handles.
  virtual void Free(std::vector<ObjectId> ids) = 0;

  // What is in the store: totals, and the `limit` largest objects.
  struct MemorySnapshot {
    std::vector<uint64_t> frame;
    wire::MemoryReport report;  // a view of `frame`
  };
  virtual std::variant<MemorySnapshot, ErrorInfo> Memory(uint32_t limit) = 0;

  // --- Completions: each object costs the same, however many are waited for.
  // The queue gets the tag once the object is there. REQUIRES: the caller has a handle on the
  // object until then, or until Unwatch.
  virtual void Watch(CompletionQueue* queue, ObjectId id, uint64_t tag) = 0;
  virtual void Watch(CompletionQueue* queue, std::span<const ObjectId> ids, uint64_t first_tag) = 0;
  // Appends the tags that have come since the last call, at least one unless the deadline passed
  // first. Errors: as Wait has them.
  virtual std::optional<ErrorInfo> TakeCompletions(CompletionQueue* queue, int64_t deadline_nanos,
                                                   std::vector<uint64_t>* tags) = 0;
  // To be called before the queue goes.
  virtual void Unwatch(CompletionQueue* queue) = 0;
  // Has f run on the session's callback thread, once the object is there or the session is over.
  // REQUIRES: f holds a handle on the object.
  virtual void CallWhenReady(ObjectId id, std::function<void()> f) = 0;

  // --- Streams, the consumer's side: of tasks that were submitted here with a stream_window.
  struct StreamNext {
    enum class What { kItem, kEnd, kTimeout };
    What what = What::kEnd;
    ObjectId item = {};  // the handle on it is the caller's
  };
  // Errors: what ended the stream in place of its end.
  virtual std::variant<StreamNext, ErrorInfo> NextItem(TaskId task, int64_t deadline_nanos) = 0;
  // No more is wanted. What has come and was not taken is dropped.
  virtual void CloseStream(TaskId task) = 0;

  // --- Streams, the producer's side.
  virtual void OpenProducer(TaskId task) = 0;
  // Waits until the consumer is less than a window behind, then sends. False where it wants no
  // more. The caller keeps the ids inside the value until this returns.
  virtual std::variant<bool, ErrorInfo> Yield(const wire::StreamItem& item, uint32_t window) = 0;
  virtual void CloseProducer(TaskId task) = 0;

  // --- Actors.
  virtual std::variant<std::pair<ActorId, std::string>, ErrorInfo> FindActor(
      std::string_view name, int64_t deadline_nanos) = 0;
  virtual void Kill(ActorId actor, bool no_restart) = 0;
  // In an actor's process: keeps the state for its restart, or ends the actor.
  virtual std::optional<ErrorInfo> SaveCheckpoint(std::string_view state) = 0;
  virtual void ExitActor() = 0;

  // --- Workers.
  // Waits for the next task, or for a suspended call that can go on; they take turns. None where
  // the worker is to end, and nothing is suspended. Handles on a task's arguments and inner ids are
  // the caller's.
  using Work = std::variant<DispatchedTask, RunningSlot*>;
  virtual std::optional<Work> NextWork() = 0;
  virtual bool TryBegin(const wire::Dispatch& dispatch) = 0;
  // The calling thread is one of this worker's from now on; `executor`: it runs tasks, and its
  // waits lend the CPU.
  virtual void SetExecutor(bool executor) = 0;
  // What runs on its threads, by name, for people.
  virtual std::vector<std::string> RunningTasks() = 0;
  // The calling thread begins a task, or has ended it: until then `running` is told to stop where
  // the task is cancelled or runs out of time, and the thread's waits fail from then on. At its end
  // `complete` says what became of it, null where it had not begun; the handles on what it was
  // given go.
  virtual void BeginRunning(RunningSlot* running) = 0;
  virtual void EndRunning(RunningSlot* running, const wire::Complete* complete,
                          const wire::Dispatch& given) = 0;
  // Which tells the code of `running` to stop. REQUIRES: between the two.
  virtual std::stop_token StopToken(RunningSlot* running) = 0;
  // The call that runs on this thread leaves it until the object is there, or until it is stopped:
  // then NextWork has it, once. False, and nothing has changed, where that is so already.
  // REQUIRES: an actor's call, that holds a handle on the object.
  virtual bool Suspend(RunningSlot* running, ObjectId awaits) = 0;
  // What NextWork has given goes on, on this thread. Why what it awaits cannot come, where that is
  // so.
  virtual std::optional<ErrorInfo> Resume(RunningSlot* running) = 0;
  // Ends a task before it has ended by itself. REQUIRES: a handle on its result.
  virtual void Cancel(ObjectId result, bool force, bool recursive) = 0;

  // Why the session is over, where it is.
  virtual std::optional<ErrorInfo> death() = 0;
  // Ends it from this side: whoever waits is told, and the node drops what this process held.
  virtual void Shutdown() = 0;
  // Ends it at once from outside of its threads: their waits and calls fail with `why`, what they
  // run is asked to stop, and nothing is sent any more.
  virtual void Sever(const ErrorInfo& why) = 0;
  // In a forked child: the session is not its own.
  virtual void AbandonAfterFork() = 0;

 protected:
  Session() = default;

  ClientId client_ = ClientId::kNone;
  int cpus_ = 0;
  uint64_t store_bytes_ = 0;
  size_t max_inline_value_bytes_ = 0;
  std::vector<std::pair<std::string, std::string>> flags_;
};

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_SESSION_H_
