// The corpus of core_fuzz_test: a file for each thing that the core does, so that a fuzzer need not
// find the way there.
//
// After a change of core_events.h, run it with TROUPE_WRITE_CORPUS=DIRECTORY, which writes the
// corpus there.
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>

#include "core/base/corpus_files.h"
#include "core/base/fuzz_events.h"
#include "scheduler/core/core_events.h"

namespace troupe::scheduler {
namespace {

FuzzEvent Event(CoreEvent what, uint8_t who = 0, uint8_t which = 0, uint8_t other = 0,
                uint8_t how = 0, uint8_t much = 0) {
  return {static_cast<uint8_t>(what), who, which, other, how, much};
}

// Two CPUs, a store of 256 KiB (or more), two disks, at most two suspended calls.
std::string Scenario(std::initializer_list<FuzzEvent> events, uint8_t store = 0) {
  return BytesOf({FuzzEvent{0, 1, store, 1, 1, 3}, Event(CoreEvent::kDriverJoins)}) +
         BytesOf(events);
}

TEST(CoreFuzzCorpus, IsWhatItsEventsSay) {
  using enum CoreEvent;
  // A task that one worker runs; `much` = 4: it takes half a CPU.
  const FuzzEvent submit = Event(kSubmitTask, 0, 0, 0, 0, 4 + 1);
  const FuzzEvent join = Event(kWorkerJoins), begin = Event(kBegin), complete = Event(kComplete);
  const FuzzEvent second = Event(kTimePasses, 0, 0, 0, 0, 30);
  // An actor, called "ann", that may be restarted once; a call of it that is given its handle.
  const FuzzEvent actor = Event(kSubmitActor, 0, 0, 0, 0, 2 + 8);
  const FuzzEvent hand_over = Event(kSubmitCall, 0, 0, 0, 2);
  // All the store's memory, in four objects; then a lease of a third of it.
  const FuzzEvent fill = Event(kRequestLease, 0, 0, 0, 2, 15), populated = Event(kPopulated),
                  seal = Event(kSeal, 0, 2, 0, 1, 255), want = Event(kRequestLease, 0, 0, 0, 0, 20),
                  agree = Event(kUnpinned), spilled = Event(kSpillEnded),
                  restored = Event(kRestoreEnded);
  ExpectCorpus(
      "scheduler/core", "core_fuzz_corpus",
      {{"tasks", Scenario({submit, Event(kSubmitTask, 0, 2, 0, 1, 4),
                           Event(kSubmitTask, 0, 0, 1, 2, 4), Event(kSubmitTask, 0, 0, 1, 3, 0x44),
                           join, begin, complete, begin, Event(kComplete, 0, 0, 0, 2, 3), begin,
                           Event(kComplete, 0, 0, 0, 3), Event(kReport, 0, 0, 0, 1, 3),
                           Event(kReport), second, Event(kRelease, 0, 0, 0, 0, 1)})},
       {"retries",
        Scenario({submit, join, begin, Event(kProcessDies), join, begin,
                  Event(kComplete, 0, 0, 0, 7), second, begin, Event(kProcessDies, 0, 0, 0, 1),
                  second, join, begin, Event(kProcessDies), Event(kSubmitTask, 0, 0, 0, 0, 0x84),
                  Event(kTimePasses, 0, 0, 0, 0, 31), Event(kProcessDies), Event(kProcessDies)})},
       {"nested", Scenario({submit, join, begin, Event(kSubmitTask, 1, 0, 0, 1, 0x14),
                            Event(kSubmitTask, 1, 0, 0, 0, 0x54), Event(kBlocked, 0, 1, 2), join,
                            Event(kBegin, 1), Event(kComplete, 1), Event(kUnblocked),
                            Event(kCancel, 0, 0, 0, 3), complete, second})},
       {"cancel", Scenario({submit, submit, submit, join, begin, Event(kCancel, 0, 2),
                            Event(kCancel, 0, 0, 0, 1), second, Event(kProcessDies), Event(kCancel),
                            complete})},
       {"actor", Scenario({Event(kSubmitActor, 0, 0, 0, 0, 2 + 8 + 0x60),
                           join,
                           begin,
                           complete,
                           Event(kSubmitCall),
                           Event(kSubmitCall, 0, 0, 0, 2, 1),
                           Event(kSubmitCall, 0, 0, 1, 1),
                           begin,
                           Event(kSeal, 1),
                           Event(kCheckpoint, 1, 9),
                           Event(kBegin, 0, 1),
                           Event(kSuspend, 0, 0, 3),
                           Event(kResume),
                           complete,
                           Event(kProcessDies),
                           join,
                           begin,
                           complete,
                           begin,
                           complete,
                           Event(kFindActor, 0, 0),
                           Event(kKill, 0, 0, 0, 1),
                           Event(kProcessDies),
                           join,
                           begin,
                           Event(kExitActor),
                           Event(kKill)})},
       {"detached_actor",
        Scenario({Event(kSubmitActor, 0, 0, 0, 0, 1 + 4 + 8), join, begin, complete,
                  Event(kClientLeaves), Event(kDriverJoins), Event(kFindActor), Event(kSubmitCall),
                  begin, Event(kSubmitTask, 1, 0, 0, 0, 4), complete, join, Event(kBegin, 1),
                  Event(kComplete, 1)})},
       {"stream", Scenario({Event(kSubmitStream, 0, 0, 0, 0, 5), join, begin, Event(kStreamItem),
                            Event(kStreamItem), Event(kStreamDemand, 0, 0, 0, 0, 1),
                            Event(kProcessDies), join, begin, Event(kStreamItem),
                            Event(kStreamItem), Event(kStreamItem, 0, 0, 0, 2),
                            Event(kStreamDemand, 0, 0, 0, 1, 2), Event(kStreamItem), complete})},
       {"placement",
        Scenario({Event(kMakePlacementGroup, 0, 0, 0, 0, 1 + 8), submit,
                  Event(kSubmitPlaced, 0, 0, 0, 0, 4), Event(kSubmitPlaced, 0, 1, 0, 0, 8), join,
                  begin, complete, Event(kRemovePlacementGroup), begin, complete,
                  Event(kMakePlacementGroup, 0, 0, 0, 0, 3 + 12),
                  Event(kMakePlacementGroup, 0, 0, 0, 0, 2 + 4 + 0x30)})},
       {"promises", Scenario({Event(kPromise), Event(kSubmitTask, 0, 0, 0, 1, 4), Event(kSeal),
                              Event(kKeepPromise, 0, 0, 1, 2, 5), join, begin, Event(kPromise, 1),
                              Event(kComplete, 0, 0, 9, 2), Event(kClaim, 0, 1, 0, 0, 1),
                              Event(kSubscribe, 0, 5), Event(kProcessDies)})},
       {"circle", Scenario({actor, join, begin, complete, hand_over, begin, Event(kSubmitCall, 1),
                            Event(kBlocked, 0, 1, 1), Event(kUnblocked), complete})},
       {"suspended", Scenario({actor, join, begin, complete, hand_over, begin,
                               Event(kSubmitCall, 1), Event(kSuspend, 0, 0, 1), Event(kBegin, 0, 1),
                               Event(kComplete, 0, 1), Event(kResume), complete})},
       {"suspended_at_the_bound",
        Scenario({actor, join, begin, complete, hand_over, hand_over, hand_over, begin,
                  Event(kSubmitCall, 1), Event(kSuspend, 0, 0, 1), Event(kBegin, 0, 1),
                  Event(kSuspend, 0, 1, 1), Event(kBegin, 0, 2), Event(kSuspend, 0, 2, 1),
                  Event(kReport), Event(kCancel, 0, 1), Event(kProcessDies)})},
       {"spill", Scenario({fill,
                           populated,
                           seal,
                           seal,
                           seal,
                           seal,
                           want,
                           agree,
                           agree,
                           Event(kUnpinned, 0, 0, 0, 1),
                           agree,
                           Event(kReport, 0, 0, 0, 3),
                           spilled,
                           spilled,
                           populated,
                           Event(kFetch),
                           Event(kFetch, 0, 1),
                           restored,
                           Event(kReturnLease),
                           populated,
                           restored,
                           agree,
                           spilled,
                           restored,
                           populated,
                           Event(kRelease, 0, 0, 0, 0, 1),
                           Event(kReport),
                           Event(kTimePasses, 0, 0, 0, 0, 35)})},
       {"spill_fails", Scenario({fill,
                                 populated,
                                 seal,
                                 seal,
                                 seal,
                                 seal,
                                 want,
                                 agree,
                                 agree,
                                 agree,
                                 Event(kSpillEnded, 0, 0, 0, 1),
                                 Event(kSpillEnded, 0, 0, 0, 1),
                                 second,
                                 second,
                                 agree,
                                 Event(kRelease, 0, 0, 0, 0, 1),
                                 spilled,
                                 spilled,
                                 populated,
                                 Event(kFetch, 0, 0),
                                 Event(kFetch, 0, 1),
                                 Event(kFetch, 0, 2),
                                 Event(kRestoreEnded, 0, 0, 0, 2),
                                 Event(kRestoreEnded, 0, 0, 0, 1),
                                 want,
                                 want,
                                 Event(kTimePasses, 0, 0, 0, 0, 36)})},
       // Only a task needs the promise when its maker leaves.
       {"promise_of_who_leaves", Scenario({Event(kPromise), Event(kSubmitTask, 0, 0, 0, 1, 4),
                                           Event(kRelease, 0, 0, 0, 0, 1), Event(kClientLeaves)})},
       {"nobody_answers",
        Scenario({fill, populated, seal, seal, seal, seal, want, second, second,
                  Event(kTimePasses, 0, 0, 0, 0, 35), want, agree, spilled, Event(kClientLeaves)})},
       // It gives back a part of the first of its leases, and then all of both.
       {"lies_when_recalled", Scenario({Event(kRequestLease), Event(kRequestLease), populated,
                                        populated, Event(kReturnLease, 0, 0, 0, kLies, 1), fill},
                                       1)},
       {"memory_runs_out",
        Scenario({submit, join, begin, Event(kRequestLease, 1, 0, 0, 0, 3),
                  Event(kPopulated, 0, 0, 0, 1), Event(kMemorySampled, 0, 0, 9, 0, 199),
                  Event(kProcessDies), second, Event(kRequestLease, 0, 0, 0, 3, 255)},
                 4)},
       {"lies",
        Scenario({submit, join, Event(kComplete, 1, 0, 1, kLies, 1), Event(kProcessDies), join,
                  Event(kStreamItem, 1, 0, 0, kLies, 9), Event(kToolJoins),
                  Event(kSubmitTask, 1, 0, 0, kLies, 4), Event(kDriverJoins),
                  Event(kRelease, 1, 0, 0, kLies, 200), Event(kToolJoins), Event(kPromise, 1),
                  Event(kDriverJoins), Event(kSubmitActor, 1, 0, 0, kLies, 0x44)})}});
}

}  // namespace
}  // namespace troupe::scheduler
