// The part of Core that keeps the machine's memory from running out.
//
// Problem: where it does, the kernel kills what it likes best, perhaps the node; and a machine that
// begins to thrash answers nobody. So a little before, the process of one task is killed: the
// youngest that may be repeated, since that loses least; else the youngest at all, which fails with
// OutOfMemory; else, where only actors are left, the largest. One at a time: the next one only
// when it is gone. That may take long, since the kernel takes its memory back first: who waits for
// what will not run again is told with the kill.   After Ray's memory monitor.
#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/string_view.h"
#include "core/fault/probe.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {
namespace {

// The kernel needs some for itself.
constexpr uint64_t kUsablePercent = 95;
// The end of a process that has less than this part of the largest one's memory gains nothing.
constexpr uint64_t kSmallerThanLargest = 8;

std::string Bytes(uint64_t bytes) { return FormatBytes(static_cast<int64_t>(bytes)); }

}  // namespace

void Core::MemorySampled(const MemorySample& sample) {
  bool being_killed = false;
  uint64_t own = objects_.bytes_stored();
  for (const auto& [process, bytes] : sample.processes) {
    if (Worker* worker = workers_.FindProcess(process)) worker->sampled_bytes = bytes;
  }
  workers_.ForEach([&](const Worker& worker) {
    being_killed |= !worker.out_of_memory.empty();
    own += worker.sampled_bytes;
  });
  if (being_killed) return;
  std::string shortage;
  if (config_.memory_limit > 0 && own > config_.memory_limit) {
    shortage = absl::StrCat("the cluster's processes and objects take ", Bytes(own),
                            " of memory, and its memory_limit is ", Bytes(config_.memory_limit));
  } else if (sample.limit > 0 && sample.used > sample.limit / 100 * kUsablePercent) {
    shortage = absl::StrCat("memory runs out: ", Bytes(sample.used), " of ", Bytes(sample.limit),
                            " that the machine or cgroup has are used");
  }
  if (shortage.empty()) return;
  Worker* victim = MemoryVictim();
  if (victim == nullptr) return;  // others have taken it
  TROUPE_PROBE("core: a process is killed for want of memory");
  victim->out_of_memory =
      absl::StrCat(shortage, "; this process had ", Bytes(victim->sampled_bytes),
                   " and was killed: split the work, ask for .resources = {{\"memory\", BYTES}}, "
                   "so that fewer run "
                   "at a time, or use fewer workers");
  KillProcess(victim);
}

void Core::Killed(ProcessId process, std::string_view last_lines, int32_t pid) {
  Worker* worker = workers_.FindProcess(process);
  if (worker == nullptr || worker->out_of_memory.empty()) return;
  absl::StrAppend(&worker->out_of_memory, ToAbsl(last_lines));
  if (worker->is_actor()) {
    ActorRecord* actor = actors_.Get(worker->actor);
    if (!actor->dead() && !MayRestart(*actor))
      KillActor(actor, ProcessDeathError(*actor, worker->out_of_memory, pid));
  } else if (Task* task = worker->queue.empty() ? nullptr : worker->queue.front();
             task != nullptr && task->retries_left == 0 && !task->answered && HasBegun(*task)) {
    Answer(task, task->MakeError(ErrorKind::kOutOfMemory, worker->out_of_memory, pid));
    task->answered = true;
  }
  Settle();
}

// Null where no worker has much.
Worker* Core::MemoryVictim() {
  uint64_t largest = 0;
  workers_.ForEach(
      [&](const Worker& worker) { largest = std::max(largest, worker.sampled_bytes); });
  // Compared in order: may be repeated, runs a task, youngest, largest.
  using Rank = std::tuple<bool, bool, uint64_t, uint64_t>;
  Worker* victim = nullptr;
  Rank highest;
  workers_.ForEach([&](Worker& worker) {
    if (worker.sampled_bytes == 0 || worker.sampled_bytes < largest / kSmallerThanLargest) return;
    if (worker.ending) return;  // it gives back what it has
    const Task* task = worker.queue.empty() ? nullptr : worker.queue.front();
    const bool runs_task = task != nullptr && task->kind == wire::TaskKind::kTask;
    const Rank rank = {runs_task && task->retries_left != 0, runs_task,
                       runs_task ? task->generation : 0, worker.sampled_bytes};
    if (victim != nullptr && rank <= highest) return;
    victim = &worker;
    highest = rank;
  });
  return victim;
}

}  // namespace troupe::scheduler
