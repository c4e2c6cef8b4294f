// RunningCalls counts the calls that run in one process, and which of them wait.
//
// Problem: while a process stands still, its CPU is lent to others, and the node looks whether its
// wait can end at all. A process that runs several calls at a time (an actor with max_concurrency)
// stands still only while all of them wait; then it waits for the first thing that any of them
// waits for. The node is told of processes, and knows no threads. A call that is suspended does not
// run: the node is told of it by itself.
//
// Pure: the caller sends what the methods return. Invariant: the node believes the process to stand
// still exactly while standing() != 0.   Not thread-safe: the session's lock guards it.
//
//   RunningCalls calls;
//   Send(calls.Begin());
//   const RunningCalls::Wait wait = calls.BeginWait({a, b}, 2);  Send(wait.tell);
//   ...
//   Send(calls.EndWait(wait.number));
//   Send(calls.End());
#ifndef TROUPE_SCHEDULER_CLIENT_RUNNING_CALLS_H_
#define TROUPE_SCHEDULER_CLIENT_RUNNING_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/wire/messages.h"

namespace troupe::scheduler {

class RunningCalls {
 public:
  // What the node is to be told, if anything.
  using Tell = std::optional<std::variant<wire::Blocked, wire::Unblocked>>;
  struct Wait {
    uint64_t number = 0;  // of the call's wait, in this process; never 0
    Tell tell;
  };

  Tell Begin();
  Tell End();
  // A call is suspended, to be told after it; and goes on.
  Tell Suspend() { return End(); }
  Tell Resume() { return Begin(); }
  // A call waits for `needed` of the objects, or, without any, for something else. A wait by a
  // thread that runs no call counts as if it ran one. `thread`: the call's, of those that an actor
  // has.
  static constexpr uint32_t kNoThread = 64;
  Wait BeginWait(std::vector<ObjectId> ids, size_t needed, uint32_t thread = kNoThread);
  Tell EndWait(uint64_t number);

  // Which standing still this is, counted from 1 as the node counts; 0 while something runs.
  uint64_t standing() const { return standing_; }

 private:
  struct WaitingFor {
    std::vector<ObjectId> ids;
    size_t needed = 0;
    uint32_t thread = kNoThread;
  };

  // Compares what is with what the node believes.
  Tell Update();
  wire::Blocked Stand() const;

  size_t running_ = 0;
  std::map<uint64_t, WaitingFor> waits_;  // by number
  uint64_t last_wait_ = 0;
  uint64_t standing_ = 0;
  uint64_t stood_ = 0;  // how often
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CLIENT_RUNNING_CALLS_H_
