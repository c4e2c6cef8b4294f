// Lineage remembers how results were made, so that one that is lost can be made again by running
// its task again.
//
// Problem: what was spilled to a disk may come back damaged, long after its task has gone. So of a
// task that may run again, and has a result that can be lost, its packed message stays, for as long
// as a result of it is there or the lineage of another task *needs* it: takes one of its results.
// Lineage keeps no data alive: an argument that was freed meanwhile is made again first, by its own
// lineage, and so on. The exception are small values without references, which cannot be lost: the
// lineage of who takes one *keeps* it, since that takes no more memory than how it was made, and
// tasks with small results, which are most, leave nothing here.
//
// A program that makes each value from the last one has a chain as long as it has run: beyond
// max_bytes the oldest record is dropped, which cuts the chain there.
//
// Pure. Life of what is known of a task: unknown (named by others alone) → kept ⇄ runs again; or
// from any of them to a reason why it cannot run again.
// Invariants: (1) a task is known exactly while results of it are there (`results`, of one that has
// ended) or others need it (`needed_by`); (2) bytes() is the sum over records and kept values, and
// at most max_bytes. Not thread-safe.   After Spark's and Ray's lineage.
#ifndef TROUPE_SCHEDULER_CORE_LINEAGE_H_
#define TROUPE_SCHEDULER_CORE_LINEAGE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "core/base/ids.h"
#include "scheduler/core/queued_task.h"
#include "scheduler/core/spec_codec.h"
#include "scheduler/core/task.h"

namespace troupe::scheduler {

class Lineage {
 public:
  enum class Standing : uint8_t {
    kUnknown,  // it has not ended yet, or nothing that it made can be lost
    kKept,     // there is a record of it
    kRunsAgain,
    // It cannot run again:
    kCallOfActor,
    kNoRetries,
    kDropped,  // its record, to keep within max_bytes
    kFailed,   // when it ran again
    kJobEnded,
  };

  struct Record {
    std::unique_ptr<ParkedTask, DeleteQueuedTask> task;
    uint32_t attempt = 0;  // the last one
    int32_t retries_left = 0;
    std::vector<TaskId> needs;     // each once
    std::vector<ObjectId> values;  // that it keeps, each once
    uint64_t age = 0;

    size_t bytes() const;
  };

  // `codec` null: nothing is kept.
  Lineage(SpecCodec* codec, uint64_t max_bytes) : codec_(codec), max_bytes_(max_bytes) {}
  bool can_keep() const { return codec_ != nullptr; }

  // Nothing is known of any task.
  bool empty() const { return tasks_.empty(); }
  bool Knows(TaskId id) const { return tasks_.contains(id); }
  Standing StandingOf(TaskId id) const;
  // Null where there is none.
  const Record* Find(TaskId id) const;
  // The task that it was, to run again: with its attempts and the retries that are left.
  std::unique_ptr<Task> Awake(const Record& record) const;

  struct Value {
    ObjectId id;
    uint64_t bytes = 0;
  };
  // The task has ended, and all its results are there (or, of one that ran again, those that
  // were). `needs`: whose results it takes; `values`: inline ones that it takes. Either may name
  // one twice. TakeKept and TakeReleased say what follows.   REQUIRES: can_keep().
  void Keep(const Task& task, std::vector<TaskId> needs, const std::vector<Value>& values);
  // The same, of one that cannot run again.
  void Refuse(const Task& task, Standing why);
  // It runs again: the record is gone. REQUIRES: there is one, and a result of it.
  void RunAgain(TaskId id);
  // A result that had been freed is pending again. REQUIRES: its task runs again.
  void ResultRevived(TaskId id) { ++tasks_.at(id).results; }
  // An object was freed, maybe a result.
  void ResultFreed(ObjectId id);
  // Drops the records of tasks of which it is true.
  void DropIf(absl::FunctionRef<bool(const QueuedTask&)> is_one);

  // Values that are to be held from now on, and those that need not be any more, since the last
  // call.
  std::vector<ObjectId> TakeKept() { return std::exchange(kept_, {}); }
  std::vector<ObjectId> TakeReleased() { return std::exchange(released_, {}); }
  bool any_released() const { return !released_.empty(); }

  size_t record_count() const { return by_age_.size(); }
  uint64_t bytes() const { return bytes_; }
  template <typename F>
  void ForEachValue(F f) const {
    for (const auto& [id, value] : values_) f(id, value.bytes);
  }
  // f(id, standing, results, num_returns)
  template <typename F>
  void ForEachTask(F f) const {
    for (const auto& [id, known] : tasks_) f(id, known.standing, known.results, known.num_returns);
  }

  // Recomputes counts and bytes from first principles; a violation stops the process.
  void CheckInvariants() const;

 private:
  struct Known {
    uint32_t needed_by = 0;    // so many records
    uint32_t results = 0;      // that are there; of one that has ended
    uint32_t num_returns = 0;  // the same
    Standing standing = Standing::kUnknown;
    std::unique_ptr<Record> record;  // exactly where it is kKept
  };
  struct KeptValue {
    uint64_t bytes = 0;
    uint32_t kept_by = 0;  // so many records
  };

  Known& Ended(const Task& task, Standing standing);
  // Takes the record away, and what it needs and keeps.
  void Drop(Known* known, Standing standing);
  void Release(const Record& record);
  // Forgets what nobody needs any more, to any depth, without recursion.
  void ForgetUnneeded();

  SpecCodec* codec_;
  uint64_t max_bytes_;
  absl::flat_hash_map<TaskId, Known> tasks_;
  absl::flat_hash_map<ObjectId, KeptValue> values_;
  std::map<uint64_t, TaskId> by_age_;  // of the records
  std::vector<TaskId> unneeded_;       // maybe: to be looked at
  std::vector<ObjectId> kept_;
  std::vector<ObjectId> released_;
  uint64_t bytes_ = 0;
  uint64_t next_age_ = 1;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_LINEAGE_H_
