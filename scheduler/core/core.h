// Core decides everything that the node does: which task runs where and when, who is told what,
// which object lives, who gets memory, what follows from a death.
//
// Pure: an event comes in by one of its methods, actions come out of TakeActions(); no I/O, no
// clock, no thread. The server performs; a test or a simulation may perform just as well, and any
// run replays from its events.
//
//   Core core({.total = ResourceSet::Cpus(2), .store_bytes = 1 << 30}, &words);
//   core.DriverJoined(driver, job);
//   absl::Status status = core.Submit(driver, spec, bytes);
//   if (!status.ok()) ...             // that client broke the protocol: close it
//   for (Action& action : core.TakeActions()) Perform(action);
//
// Errors: a Status means that the client sent what no honest client sends; the state is unchanged
// but for ids it may have entered. Failures of the user's work are values: they end up in the
// objects. Units: times in nanoseconds of a monotonic clock, resources in 1/10000. Bounds: Limits.
// Not thread-safe.   After Dask's WorkerState.handle_stimulus.
#ifndef TROUPE_SCHEDULER_CORE_CORE_H_
#define TROUPE_SCHEDULER_CORE_CORE_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "core/base/limits.h"
#include "core/base/record_table.h"
#include "core/wire/messages.h"
#include "objectstore/table/chunk_space.h"
#include "objectstore/table/object_table.h"
#include "objectstore/table/residency.h"
#include "objectstore/table/spill_space.h"
#include "scheduler/core/actions.h"
#include "scheduler/core/actor.h"
#include "scheduler/core/client_use.h"
#include "scheduler/core/history.h"
#include "scheduler/core/lineage.h"
#include "scheduler/core/placement_group.h"
#include "scheduler/core/ready_queue.h"
#include "scheduler/core/spec_codec.h"
#include "scheduler/core/start_queue.h"
#include "scheduler/core/task.h"
#include "scheduler/core/task_table.h"
#include "scheduler/core/worker_pool.h"

namespace troupe::scheduler {

// The state words of dispatched tasks, shared with their worker: the one thing that the core must
// ask of the outside in the middle of a decision, since only they know whether a task has begun.
class TaskWords {
 public:
  virtual ~TaskWords() = default;
  virtual void Queue(ClientId worker, uint32_t slot, uint64_t generation) = 0;
  // True where the task had not begun, and now never will in that dispatch.
  virtual bool TryRecall(ClientId worker, uint32_t slot, uint64_t generation) = 0;
  // True where the task had begun when it was looked at. REQUIRES: it was not recalled.
  virtual bool HasBegun(ClientId worker, uint32_t slot, uint64_t generation) = 0;
};

class Core {
 public:
  struct Config {
    ResourceSet total;
    uint64_t store_bytes = 0;
    uint64_t seed = 0;  // of what is random: the pauses before retries
    std::vector<objectstore::SpillSpace::Directory> spill = {};  // none: nothing is spilled
    uint64_t spill_file_bytes = uint64_t{64} << 20;
    uint64_t max_queued_bytes = uint64_t{1} << 30;  // of tasks that tasks have submitted
    uint64_t memory_limit =
        0;  // bytes, of its processes and its objects together; 0: the machine's
    size_t max_suspended_calls = Limits::kMaxSuspendedCalls;  // of one actor
    SpecCodec* codec = nullptr;  // with it, tasks that wait behind many others are parked:
    size_t max_awake_tasks = Limits::kMaxAwakeTasks;          // behind so many of their job
    uint64_t max_lineage_bytes = Limits::kMaxLineageBytes;    // with it alone is there any
    uint64_t max_client_objects = Limits::kMaxClientObjects;  // kept for one client
    uint64_t max_client_bytes = Limits::kMaxClientBytes;
    // Drivers call functions by their registered names; code that they point to is refused. What
    // workers submit is said by code that is registered.
    bool registered_only = false;
  };
  Core(const Config& config, TaskWords* words);

  // --- Clients.
  struct JobOptions {
    std::string name;
    int64_t weight_units = kResourceUnit;       // its share beside other jobs, in 1/10000
    uint32_t window = Limits::kMaxQueuedTasks;  // how many unfinished tasks its driver keeps
    std::string build_id = {};                  // of its executable, whose code its calls name
    std::string executable = {};                // for people
  };
  void DriverJoined(ClientId driver, JobId job, JobOptions options);
  void DriverJoined(ClientId driver, JobId job) { DriverJoined(driver, job, JobOptions()); }
  // Errors: NotFound where no such process is being started.
  absl::Status WorkerJoined(ProcessId process, ClientId worker);
  void ToolJoined(ClientId tool);
  // The driver is gone: its job ends, with its tasks, its workers and its actors (but the detached
  // ones).
  void DriverLeft(ClientId driver);
  void ToolLeft(ClientId tool);
  // The process has died, whether it had joined or not. `cause` is what users read: "killed by
  // signal 11 (SIGSEGV)". `for_want_of_memory`: the kernel has killed it. `runs_on`: it was given
  // up, and its code may still read and write what it holds; that stays until ForgetHoldings.
  void ProcessDied(ProcessId process, std::string_view cause, int32_t pid,
                   bool for_want_of_memory = false, bool runs_on = false);
  void ForgetHoldings(ClientId worker);

  // --- Messages of clients. `message` is the encoded form of `spec`.
  absl::Status Submit(ClientId client, const wire::TaskSpec& spec, wire::Bytes message);
  absl::Status Seal(ClientId client, const wire::Seal& seal);
  absl::Status MakePromise(ClientId client, const wire::Promise& promise);
  absl::Status MakePlacementGroup(ClientId client, const wire::PlacementGroup& group);
  absl::Status RemovePlacementGroup(ClientId client, ObjectId id);
  absl::Status Complete(ClientId worker, const wire::Complete& complete);
  absl::Status Subscribe(ClientId client, const wire::Subscribe& subscribe);
  absl::Status Release(ClientId client, const wire::Release& release);
  absl::Status Claim(ClientId client, const wire::Claim& claim);
  absl::Status RequestLease(ClientId client, uint64_t bytes);
  absl::Status ReturnLease(ClientId client, const Location& unused);
  absl::Status Fetch(ClientId client, const wire::Fetch& fetch);
  absl::Status Unpinned(ClientId client, const wire::Unpinned& unpinned);
  absl::Status Free(ClientId client, const wire::Free& free);
  absl::Status Blocked(ClientId worker, const wire::Blocked& blocked);
  absl::Status Unblocked(ClientId worker);
  absl::Status Kill(ClientId client, const wire::Kill& kill);
  absl::Status Cancel(ClientId client, const wire::Cancel& cancel);
  absl::Status FindActor(ClientId client, const wire::FindActor& find);
  absl::Status StreamItem(ClientId worker, const wire::StreamItem& item);
  absl::Status StreamDemand(ClientId client, const wire::StreamDemand& demand);
  absl::Status Checkpoint(ClientId worker, const wire::Checkpoint& checkpoint);
  absl::Status ExitActor(ClientId worker);
  absl::Status Suspend(ClientId worker, const wire::Suspend& suspend);
  absl::Status Resume(ClientId worker, const wire::Resume& resume);

  // --- The store's memory and disk: what became of the actions.
  // The place of an object in memory goes to the client with the next message: it has a pin.
  void LocationTold(ObjectId id, ClientId client) { residency_.Told(id, client); }
  // `failure`: why there is no memory; empty: there is.
  void LeasePopulated(const Location& space, std::string_view failure);
  struct SpillResult {
    ObjectId object;
    bool written = false;
    uint64_t checksum = 0;
    uint64_t saved_bytes = 0;  // at the end of the slot: it was compressed
  };
  void SpillEnded(objectstore::SpillFileId file, const std::vector<SpillResult>& results,
                  std::string_view failure);
  // `failure`: why it is not there.
  void RestoreEnded(ObjectId object, const Location& place, objectstore::Residency::Reading reading,
                    std::string_view failure);

  // --- The machine's memory. Where it runs out, the process of one task (or actor) is killed.
  struct MemorySample {
    uint64_t used = 0;   // of the machine or the cgroup that has least left
    uint64_t limit = 0;  // 0: nothing is known
    // What each has for itself; those that are left out have what they had.
    std::vector<std::pair<ProcessId, uint64_t>> processes = {};
  };
  void MemorySampled(const MemorySample& sample);
  // The process was sent its kill; `last_lines`: what it had written, to follow a sentence.
  void Killed(ProcessId process, std::string_view last_lines, int32_t pid);
  // Something runs that may take memory: it should be sampled every kMemorySampleNanos.
  bool WantsMemorySamples() const { return workers_.at_work() > 0; }
  static constexpr int64_t kMemorySampleNanos = 100'000'000;

  // --- Time. Feed it before the events that happen at that time, and at NextDeadline().
  void AdvanceTo(int64_t now_nanos);
  // When AdvanceTo has something to decide, or INT64_MAX.
  int64_t NextDeadline() const;

  // What is to be done, in order; empties the list.
  bool has_actions() const { return !actions_.empty(); }
  std::vector<Action> TakeActions();
  // A list that was performed: its memory is used again.
  void Recycle(std::vector<Action> performed);

  const objectstore::ObjectTable& objects() const { return objects_; }
  const objectstore::ChunkSpace& space() const { return space_; }
  const objectstore::Residency& residency() const { return residency_; }
  const objectstore::SpillSpace& spill() const { return spill_; }
  const WorkerPool& workers() const { return workers_; }
  const Lineage& lineage() const { return lineage_; }
  size_t task_count() const { return tasks_.size(); }
  size_t parked_task_count() const { return tasks_.parked_count(); }
  // Of tasks, that make again what was lost.
  size_t rerun_count() const { return reruns_; }
  size_t actor_count() const { return actors_.size(); }
  size_t job_count() const { return jobs_.size(); }
  // True until the job's last process has died: its image may be needed for another one.
  bool HasJob(JobId job) const { return jobs_.contains(job); }
  // One screen for people: jobs, workers, tasks, objects, memory.
  std::string StatusText() const;
  // What is in the store: totals, and the `limit` largest objects. Its strings are views of the
  // core's tables.
  wire::MemoryReport Memory(size_t limit) const;
  // What the tools ask: "" (the status), "why ID", "story ID", "list tasks|actors|workers|groups
  // [--json]". IDs: t-1.2, o-1.2.0, a-1.2, g-1.2, w-3.   Errors: InvalidArgument for anything else.
  absl::StatusOr<std::string> Report(std::string_view query) const;
  // What the task or object waits for, to some depth, a line each.
  std::string Why(ObjectId id) const;
  // Each event and decision about it that is still known.
  std::string Story(ObjectId id) const { return history_.Story(id, now_nanos_); }

  // Recomputes counts, resources and bytes over all tables from first principles; a violation stops
  // the process.
  void CheckInvariants() const;

 private:
  struct Job {
    explicit Job(TaskTable* tasks) : ready(tasks) {}

    ClientId driver = ClientId::kNone;
    bool driver_left = false;
    bool ended = false;  // and no detached actor of it is left: nothing of it runs any more
    ReadyQueue ready;
    bool image_runs = false;  // a worker of it has joined
    int failed_starts = 0;    // workers in a row that died before any work
    uint64_t tasks_finished = 0;
    uint64_t finished_for_driver = 0;  // of what the driver itself submitted
    uint64_t told_driver = 0;
    JobOptions options;
    double used = 0;  // CPU nanoseconds per weight: who has used least goes first
    bool priorities_differ = false;
    int32_t first_priority = 0;
    uint64_t tasks_entered = 0;
    int unread_told = 0;  // errors at which nobody has looked
  };
  struct WaitingLease {
    ClientId client = ClientId::kNone;
    uint64_t bytes = 0;
    int64_t since_nanos = 0;
  };
  struct WaitingRestore {
    ObjectId object;
    int64_t since_nanos = 0;
  };

  // core.cc
  // Who submits, and for which job; `worker` null: its driver.
  struct Submitter {
    JobId job = JobId::kNone;
    const Worker* worker = nullptr;
  };
  absl::StatusOr<Submitter> SubmitterOf(ClientId client) const;
  bool IsClient(ClientId client) const;
  void ForgetClient(ClientId client);
  void DropHoldings(ClientId client);
  bool Survives(ActorId id) const;
  std::set<ClientId> Survivors(JobId job) const;
  void EndJob(JobId id);
  void EndJobIfOver(JobId id);
  static ErrorInfo JobEnded(const Task& task);
  void KillProcess(Worker* worker);
  void EndInOrder(Worker* worker, std::string_view reason);
  template <typename T>
  void Act(T&& action) {
    actions_.emplace_back(std::forward<T>(action));
  }
  // One that is filled in before the next: a large one is not moved.
  template <typename T>
  T& Act() {
    return std::get<T>(actions_.emplace_back(std::in_place_type<T>));
  }

  // core_tasks.cc
  // Null where there is none. A parked one wakes.
  Task* FindTask(TaskId id);
  // The same for those who only look: a parked one stays parked.
  std::shared_ptr<const Task> LookAt(TaskId id) const;
  std::shared_ptr<const Task> LookAt(const QueuedTask& task) const;
  // Those of which it is true, in the order of submission.
  template <typename IsOne>
  std::vector<TaskId> AwakeTasks(IsOne is_one) const {
    std::vector<std::pair<uint64_t, TaskId>> found;
    tasks_.ForEach([&](const QueuedTask& task) {
      if (!task.parked && is_one(static_cast<const Task&>(task)))
        found.emplace_back(task.order, task.id);
    });
    std::sort(found.begin(), found.end());
    std::vector<TaskId> ids;
    for (const auto& [order, id] : found) ids.push_back(id);
    return ids;
  }
  // What is further away than any process lives is no deadline.
  static constexpr int64_t kFarNanos = kNever / 4;
  absl::Status Enter(ClientId client, const wire::TaskSpec& spec, Task* task);
  void Admit(Task* task);
  void WaitForArgument(Task* task, ObjectId id);
  void ParkIfDeep(TaskId id);
  // A task that has just been submitted changes nothing of what can be dispatched.
  bool OnlyQueues(const Task& task) const;
  void MakeReady(Task* task);
  void Enqueue(Task* task);
  // What every event ends with.
  void Settle();
  void Dispatch(Worker* worker, Task* task);
  bool Recall(Task* task);
  void TakeBack(Task* task);
  void RecallBehindFirst(Worker* worker);
  void FailTask(Task* task, const ErrorInfo& error);
  void FinishTask(Task* task);
  void TellDriver(const Task& finished);
  void LoseTask(Task* task, bool begun, bool out_of_memory, std::string_view cause, int32_t pid);
  void ResolveDependents();

  // Resources that somebody has a better right to than those who could take them now.
  struct Reservation {
    const Job* job = nullptr;  // null: of an actor or a placement group
    ResourceSet want;
    ResourceSet lacking;  // what of it is not free
    int32_t priority = 0;
    bool overdue = false;  // others of the same job have gone past it for long enough
  };
  // Those of now, looked for only when they are asked for and something has changed.
  struct Claims {
    bool known = false;
    std::vector<Reservation> all = {};
  };

  // core_schedule.cc
  void Schedule();
  // What waits for resources to exist at all: actors and placement groups.
  struct Startable {
    size_t place = 0;                      // in starts_
    std::optional<ResourceSet> want = {};  // none: it is gone
  };
  std::optional<Startable> FindStartable() const;
  void WaitForStart(ObjectId start, JobId job);
  bool StartsAreLookedAt() const { return starts_looked_at_ == workers_.times_freed(); }
  bool StartWhatFits();
  bool ScheduleJob(JobId id, Job& job, Claims* claims);
  // The arguments of what runs, with its own, leave enough of the store to write results.
  bool ArgumentsFit(const Task& task) const;
  // Where they do not: it has to wait. REQUIRES: ready.
  bool IsHeldBack(const Task& task);
  void StartWorkers(JobId id, size_t tasks, const ResourceSet& want);
  void StartProcess(JobId id);
  int MaxWorkersPerJob() const;
  void Steal(JobId id, const Job& job, Claims* claims);
  void StartThieves(JobId id, const Job& job, const Worker& victim, const ResourceSet& want);
  void RefuseHopelessWait(JobId id, const Job& job);
  Worker* FindWorkerFor(JobId id, Job& job, const ReadyQueue::Class& tasks, const ResourceSet& want,
                        bool* requeued);

  // core_order.cc
  void FindReservations(std::vector<Reservation>* claims);
  bool MustYield(const std::vector<Reservation>& claims, const Job& job, const Task& task,
                 const ResourceSet& want) const;
  bool AnyFits(std::span<const ResourceSet> wants) const;
  std::span<const ResourceSet> StartWants(ObjectId start) const;
  static ResourceSet Lacking(const ResourceSet& want, const ResourceSet& free);
  static bool Overlap(const ResourceSet& a, const ResourceSet& b);
  void YieldWorkers(JobId id, const ResourceSet& want);
  // Of a job: it goes before those with larger ones.
  struct Share {
    double used = 0;
    double holds = 0;
    JobId id = JobId::kNone;
    Job* job = nullptr;
    bool operator<(const Share& other) const {
      return std::tie(used, holds, id) < std::tie(other.used, other.holds, other.id);
    }
  };
  absl::InlinedVector<Share, 4> JobsByShare();
  void JoinShares(JobId id, Job* job);
  void ChargeJobs(int64_t nanos);
  void Raise(Task* task, int32_t priority);
  Task* MakerOf(ObjectId id);
  void RefuseHeldResources(JobId id, const Job& job);
  void RefuseHeldFromStarts();
  bool IsHeldInVain(std::span<const ResourceSet> wants) const;
  void RefuseWaitOfHolder(JobId id, const ResourceSet& want, std::string_view who);
  bool IsPending(ObjectId id) const;
  bool StaysBlocked(const Worker& worker) const;
  Worker* DeepestBlocked(JobId id, bool actors);
  bool PromisedFromOutside(ObjectId id) const;

  // core_cancel.cc
  enum class Ending { kByItself, kAfterGrace, kNow };
  void StopTask(Task* task, const ErrorInfo& error, Ending ending);
  void StopDescendants(const Task* task, std::string_view why, Ending ending);
  void KillItsProcess(Task* task);
  void Answer(Task* task, const ErrorInfo& error);
  absl::Status DropResults(ClientId client, const wire::Complete& complete);
  void RetryLater(Task* task);
  void Delay(Task* task);
  void AdoptChild(Task* parent, Task* child);
  void LeaveFamily(Task* task);
  void SetTimer(Task* task, TaskTimer timer, int64_t at_nanos);
  void ClearTimers(Task* task);
  bool FireTimers();

  // core_actors.cc
  absl::Status EnterActor(const wire::TaskSpec& spec, Task* creation);
  static absl::Status EnterGroups(const wire::TaskSpec& spec, ActorRecord* actor);
  absl::Status EnterCall(const wire::TaskSpec& spec, Task* call);
  static std::optional<uint32_t> FindGroup(const ActorRecord& actor, std::string_view name);
  static void PutBack(ActorRecord* actor, Task* call);
  void ForgetCaller(ActorRecord* actor, ClientId client);
  // Where the call names code of another executable than the actor's.
  std::optional<ErrorInfo> ForeignCode(const wire::TaskSpec& spec, const Task& call) const;
  std::optional<ErrorInfo> UnregisteredCode(ClientId client, const wire::TaskSpec& spec,
                                            const Task& task) const;
  void StartActor(ActorRecord* actor);
  absl::Status CreationDone(ActorRecord* actor, ClientId client, const wire::Value& result);
  void PumpActor(ActorRecord* actor);
  void ActorProcessDied(ActorRecord* actor, std::string_view cause, int32_t pid);
  bool MayRestart(const ActorRecord& actor) const;
  ErrorInfo ProcessDeathError(const ActorRecord& actor, std::string_view cause, int32_t pid) const;
  void KillActor(ActorRecord* actor, ErrorInfo death);
  void EndIfUnreferenced(ActorRecord* actor);
  void SetCheckpoint(ActorRecord* actor, ObjectId state);
  ErrorInfo DeathError(const ActorRecord& actor, std::string message, int32_t pid) const;
  ErrorInfo ExitError(const ActorRecord& actor) const;
  void EndIfItHasLeft(ActorRecord* actor, Worker* worker);
  void GiveUpName(const ActorRecord& actor);

  // core_suspend.cc
  absl::StatusOr<Task*> FindCall(ClientId client, TaskId id, uint32_t attempt, uint32_t slot,
                                 std::string_view does);
  // REQUIRES: dispatched.
  bool HasBegun(const Task& task) const;
  // It has as many calls of the group as it may have, suspended ones and others.
  bool IsFull(const ActorRecord& actor, const Worker& worker, uint32_t group) const;
  void RefuseWait(Worker* worker, std::string message);
  void RefuseSuspension(Task* call, std::string message);

  // core_circles.cc
  class WaitGraph;
  void RefuseCircularWait(Worker* worker);
  void RefuseCircularWait(Task* call);

  // core_placement.cc
  std::optional<ErrorInfo> EnterBundle(Task* task) const;
  void Reserve(PlacementGroup* group);
  void Remove(PlacementGroup* group, ErrorKind kind, std::string_view why);
  static ErrorInfo GroupRemoved(const Task& task, const PlacementGroup& group);
  void FreePlacementGroup(ObjectId id);
  void ReturnBundles();

  // core_streams.cc
  absl::Status DropItem(ClientId worker, const wire::Value& value);
  void TellProducer(const Task& task);
  void StopStreamsOf(ClientId consumer);
  // core_report.cc
  void Explain(ObjectId id, int depth, std::string* text) const;
  void ExplainTask(const Task& task, int depth, std::string* text) const;
  std::string Holders(std::string_view indent) const;
  std::string Describe(const Task& task) const;
  wire::MemoryObject Describe(const objectstore::Entry& entry) const;
  uint32_t ThreadsFor(const Task& task) const;
  using Row = std::vector<std::pair<std::string, std::string>>;
  std::vector<Row> ListTasks() const;
  std::vector<Row> ListActors() const;
  std::vector<Row> ListWorkers() const;
  std::vector<Row> ListPlacementGroups() const;

  // core_objects.cc
  // As in the table; counted as its maker's. Errors: also ResourceExhausted for a client that has
  // gone on long past its limit.
  absl::Status CreateObject(ObjectId id, ClientId maker);
  // Why the client may have no more; nothing where it may. `bytes`: that it asks for.
  std::optional<std::string> PastItsLimit(ClientId client, uint64_t bytes) const;
  static uint64_t InlineBytes(const objectstore::Content& content, size_t contained);
  // `sealer_looks`: it keeps the place in the store; else it is told like everybody else.
  absl::Status SealObject(ClientId client, ObjectId id, const wire::Value& value,
                          bool sealer_looks = true);
  // The task has failed; whether its results have been let go is looked at.
  void TellIfUnread(const Task& task, const ErrorInfo& error);
  void TellUnread(ClientId submitter, const ErrorInfo& error);
  void BreakPromises(ClientId client);
  void ObjectResolved(ObjectId id, std::span<const ClientId> subscribers);
  void CollectFreed();
  void FreeStored(ObjectId id);
  // Of one of freeing_: it is lost now, unless it is not there yet, or a client may look at it.
  void TryToFree(ObjectId id);
  std::string MakerName(ObjectId id, ClientId client) const;

  // core_memory.cc
  void ServeMemory();
  bool ServeLease();
  bool ServeRestore();
  void RefuseWaitingLease(ErrorInfo error);
  // Memory that writers leave to those who read objects back.
  uint64_t Reserve(uint64_t bytes) const;
  uint64_t NeededFor(uint64_t bytes) const;
  uint64_t Available() const;
  // Makes `bytes` more available, or begins to: recalls, asks, spills.
  void Relieve(uint64_t bytes);
  bool CutOffTheSilent();
  void AskToUnpin(const std::vector<objectstore::Residency::Question>& asked);
  std::optional<objectstore::SpillSlot> AllocateSlot(uint64_t bytes);
  void ActOnSpace();
  void ActOnSpill();
  void AdvanceMemory();
  int64_t MemoryDeadline() const;
  // Those whom a lease, or an object that is read back, would let go on.
  absl::flat_hash_set<ClientId> WaitersForMemory() const;
  int64_t WaitDeadline(int64_t since_nanos) const;
  std::string LargestHolders() const;
  ErrorInfo NoRoom(uint64_t bytes) const;

  // core_lineage.cc
  struct RebuildPlan;
  void KeepLineage(const Task& task);
  void LoseObject(ObjectId id, std::string_view why, const std::string& maker,
                  const std::vector<ClientId>& wanted_by);
  RebuildPlan PlanRebuild(ObjectId lost) const;
  std::string WhyNotMadeAgain(ObjectId id) const;
  void Rebuild(RebuildPlan plan, const std::vector<ClientId>& wanted_by);
  void RaiseForWaiting(ObjectId id);
  void EndRerun(const Task& task);
  bool WaitForRebuilt(Task* task);
  void CheckLineage() const;

  // core_out_of_memory.cc
  Worker* MemoryVictim();

  Config config_;
  TaskWords* words_;
  objectstore::ObjectTable objects_;
  objectstore::ChunkSpace space_;
  objectstore::Residency residency_;
  objectstore::SpillSpace spill_;
  WorkerPool workers_;
  std::map<JobId, Job> jobs_;
  absl::flat_hash_map<ClientId, JobId> drivers_;
  TaskTable tasks_;
  Lineage lineage_;
  size_t reruns_ = 0;  // tasks that make again what was lost
  using Dependents = absl::InlinedVector<TaskId, 3>;
  absl::flat_hash_map<ObjectId, Dependents> dependents_;  // of objects that are not there yet
  std::map<ObjectId, ClientId> promises_;  // pending objects, and who is to seal them
  absl::flat_hash_set<ObjectId>
      freeing_;                    // to be lost when they are there and nobody looks at them
  std::deque<ObjectId> resolved_;  // whose dependents are still to be looked at
  RecordTable<ActorRecord> actors_;
  absl::flat_hash_map<ClientId, absl::flat_hash_set<ActorId>> called_by_;  // that know the client
  absl::btree_set<std::pair<ClientId, TaskId>> streams_;  // that yield one, by their consumer
  std::map<std::string, ActorId, std::less<>> actor_names_;
  std::map<ObjectId, PlacementGroup> placement_groups_;
  std::set<ObjectId> ending_groups_;  // removed, and somebody is in them still
  StartQueue starts_;
  // When those that may be started were last looked for: how often something had become free; none
  // where something else has changed since.
  std::optional<uint64_t> starts_looked_at_;
  std::deque<WaitingLease> waiting_leases_;
  std::deque<WaitingRestore> waiting_restores_;
  int64_t held_back_until_nanos_ = kNever;  // when Schedule has something to decide
  int64_t last_let_go_nanos_ = 0;           // when one went though its arguments did not fit
  std::map<std::pair<ChunkId, uint64_t>, uint64_t>
      populating_;  // by place: bytes asked for; of restores, of the lease
  int64_t answer_deadline_nanos_ = INT64_MAX;  // of the last question to a client
  std::map<ClientId, int64_t> silent_since_;   // whose answers were given up, and when
  bool lease_turn_ = true;                     // leases and restores take turns
  std::set<ClientId> recalled_;                // asked for their leases, and not given one since
  int64_t last_grant_nanos_ = 0;               // of memory, to anybody
  int64_t last_memory_use_nanos_ = 0;
  bool trimmed_ = true;  // since the store was last used
  std::vector<Action> actions_;
  std::vector<Action> spare_actions_;  // empty, with the memory of a list that was performed
  std::vector<objectstore::ObjectTable::Freed> spare_freed_;           // the same, of CollectFreed
  std::set<std::tuple<int64_t, uint64_t, TaskTimer, TaskId>> timers_;  // time, the task's order
  std::set<std::pair<int64_t, ProcessId>> endings_;  // when to kill those that were told to end
  History history_;
  ClientUse use_;
  uint64_t queued_bytes_ = 0;
  int64_t now_nanos_ = 0;
  uint64_t next_order_ = 1;
  uint64_t next_generation_ = 1;
  std::vector<SendTakenBack> taken_back_;  // since the last Schedule
  uint64_t next_process_ = 1;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_CORE_H_
