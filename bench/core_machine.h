// CoreMachine is the scheduler's core with drivers and workers that complete whatever they are
// given: what the core costs by itself, without processes, channels or a clock.
//
//   CoreMachine machine({.workers = 2});
//   machine.Submit();        // a task of one CPU, with three small arguments
//   machine.CompleteOne();   // the one that was dispatched first; its result is released
//   machine.Call(machine.MakeActor());
//
// Like the server it encodes each task once, and decodes what is dispatched.   Not thread-safe.
#ifndef TROUPE_BENCH_CORE_MACHINE_H_
#define TROUPE_BENCH_CORE_MACHINE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/base/ids.h"
#include "core/base/limits.h"
#include "core/wire/messages.h"
#include "scheduler/core/core.h"
#include "scheduler/core/wire_spec_codec.h"

namespace bench {

inline constexpr troupe::ClientId kDriver{1};
inline constexpr std::array<std::byte, 32> kArgument{};

// A task of the driver as a program would submit it: its id is made of `sequence`.
troupe::wire::TaskSpec MakeTaskSpec(uint64_t sequence);

class CoreMachine : private troupe::scheduler::TaskWords {
 public:
  struct Options {
    int workers = 2;
    uint32_t window = troupe::Limits::kMaxQueuedTasks;  // unfinished tasks at a time
    int jobs = 1;                                       // each task is of the next one
    int shapes = 1;  // of resources: each task wants those of the next one
  };
  explicit CoreMachine(Options options);

  void Submit();
  // A small object of the first driver, which is kept.
  troupe::ObjectId Put();
  // A task that takes them.
  void SubmitWith(const std::vector<troupe::ObjectId>& arguments);
  // The process of the task that was dispatched first dies; the task is dispatched again, in
  // another one. REQUIRES: !idle().
  void KillWorker();
  // An actor that needs no CPU and has a process of its own; its number, from 0. REQUIRES: idle().
  size_t MakeActor();
  // A call of it, with three small arguments.
  void Call(size_t actor);
  // Completes the task or call that was dispatched first, and releases its result.
  // REQUIRES: !idle().
  void CompleteOne();
  // Nothing that was dispatched is left.
  bool idle() const { return dispatched_.empty(); }

 private:
  struct Dispatched {
    troupe::ClientId worker;
    troupe::TaskId task;
    uint32_t attempt;
    uint32_t slot;
  };

  void Queue(troupe::ClientId, uint32_t, uint64_t) override {}
  bool TryRecall(troupe::ClientId, uint32_t, uint64_t) override { return false; }
  bool HasBegun(troupe::ClientId, uint32_t, uint64_t) override { return true; }
  struct Actor {
    troupe::ActorId id;
    uint64_t calls = 0;
  };

  static troupe::ClientId DriverOf(troupe::TaskId task) { return task.Result(0).client(); }
  void Submit(const troupe::wire::TaskSpec& spec);
  Dispatched Complete();
  void Perform();

  const Options options_;
  troupe::scheduler::WireSpecCodec codec_;
  troupe::scheduler::Core core_;
  troupe::wire::MessageBuffer buffer_;
  std::deque<Dispatched> dispatched_;
  std::vector<Actor> actors_;
  uint64_t next_ = 1;
};

}  // namespace bench

#endif  // TROUPE_BENCH_CORE_MACHINE_H_
