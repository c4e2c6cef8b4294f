// What may happen to the scheduler core, for core_fuzz.cc and its corpus.
//
// A FuzzEvent's `what` is one of these, modulo kCoreEvents. `who` chooses among the processes that
// can do it, `which` and `other` among the tasks, objects or places that it could be about: what
// the client may name, or, where `how` has kLies, anything that was ever named. For tests.
#ifndef TROUPE_SCHEDULER_CORE_CORE_EVENTS_H_
#define TROUPE_SCHEDULER_CORE_CORE_EVENTS_H_

#include <cstdint>

namespace troupe::scheduler {

// The client says what no honest one says.
inline constexpr uint8_t kLies = 0x80;

enum class CoreEvent : uint8_t {
  // Processes.
  kDriverJoins,
  kToolJoins,
  kWorkerJoins,  // a process that is being started
  kClientLeaves,
  kProcessDies,  // `how` bit 0: for want of memory
  // Work. A submission takes `other` as an argument, by `how` % 4: not at all, itself, inside, in a
  // list.
  kSubmitTask,    // `much`: bits 0-1 retries, 2-3 CPUs, 4-5 depth, 6 priority, 7 with a deadline
  kSubmitStream,  // the same
  kSubmitActor,   // `much`: bits 0-1 restarts, 2 detached, 3-4 name, 5 two threads, 6 a group
  kSubmitCall,    // to actor `which`; `much`: bit 0 in a group, bit 7 with a deadline
  kSubmitPlaced,  // in the placement group `which`
  kBegin,         // a worker begins the task `which` that was sent to it
  // `how` % 4: a value, one in the store of (1 + `much`) * 64 bytes << `which` % 4, one with
  // `other`
  // inside, an error; bit 2: to be retried
  kComplete,
  kStreamItem,
  kStreamDemand,  // `much` items; `how` bit 0: no more
  kSuspend,       // until `other` is there
  kResume,
  kCheckpoint,
  kExitActor,
  kKill,    // `how` bit 0: and restart
  kCancel,  // `how` bit 0: by force; bit 1: with what it has submitted
  kFindActor,
  kMakePlacementGroup,  // `much`: bits 0-1 bundles, 2-3 CPUs, 4-5 strategy
  kRemovePlacementGroup,
  // Objects. Values as in kComplete.
  kSeal,
  kPromise,
  kKeepPromise,
  kSubscribe,
  kRelease,  // `much`, at least 1, of the grants
  kClaim,    // `much` % 4 from number `how` % 4
  kFetch,
  kUnpinned,  // answers question `which`; `how` bit 0: refuses; `much`: a wrong serial number
  kBlocked,
  kUnblocked,
  // Memory.
  kRequestLease,  // (1 + `much`) pages << `how` % 4
  kReturnLease,
  kPopulated,  // `how` bit 0: it could not be had
  kSpillEnded,
  kRestoreEnded,  // `how` % 4: 1 no memory, 2 lost
  kMemorySampled,
  // Time and people.
  kTimePasses,  // 2 ^ (`much` % 38) nanoseconds
  kReport,
  // What came later, so that corpora keep what they say.
  kFree,
};
inline constexpr uint8_t kCoreEvents = 42;

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_CORE_EVENTS_H_
