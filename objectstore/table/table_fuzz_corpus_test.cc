// The corpus of table_fuzz_test: one file for each way of an object or of a lease.
//
// After a change of table_events.h, run it with TROUPE_WRITE_CORPUS=DIRECTORY, which writes the
// corpus there.
#include <gtest/gtest.h>

#include <cstdint>

#include "core/base/corpus_files.h"
#include "core/base/fuzz_events.h"
#include "objectstore/table/table_events.h"

namespace troupe::objectstore {
namespace {

FuzzEvent Event(TableEvent what, uint8_t who = 0, uint8_t which = 0, uint8_t other = 0,
                uint8_t how = 0, uint8_t much = 0) {
  return {static_cast<uint8_t>(what), who, which, other, how, much};
}

// Objects 0, 4 and 8 are made by client 0, object 1 by client 1.
TEST(TableFuzzCorpus, IsWhatItsEventsSay) {
  using enum TableEvent;
  ExpectCorpus(
      "objectstore/table", "table_fuzz_corpus",
      {{"grants", BytesOf({Event(kCreate), Event(kGrant, 1, 0, 0, 0, 1), Event(kGrant, 1),
                           Event(kSubscribe, 1), Event(kSealInline, 0, 0, 0, 0, 9),
                           Event(kRelease, 1, 0, 0, 0, 2), Event(kRelease, 1, 0, 0, 0, 1),
                           Event(kRelease, 1, 0, 0, 0, 1), Event(kRelease, 0, 0, 0, 0, 1),
                           Event(kRelease, 0, 0, 0, 0, 1)})},
       {"containers",
        BytesOf({Event(kCreate), Event(kSealInline, 0, 0, 0, 0, 3), Event(kCreate, 0, 4),
                 Event(kCreate, 0, 8), Event(kSealInline, 0, 8, 0, 2, 5), Event(kGrant, 1, 8),
                 Event(kRelease, 0, 0, 0, 0, 1), Event(kRelease, 0, 4, 0, 0, 1),
                 Event(kClaim, 1, 8, 0, 1, 1), Event(kClaim, 1, 8, 0, 1, 2),
                 Event(kClaim, 2, 8, 0, 0, 1), Event(kRelease, 1, 4, 0, 0, 1),
                 Event(kClaim, 1, 8, 0, 0, 2), Event(kDropClient, 1),
                 Event(kRelease, 0, 8, 0, 0, 1)})},
       {"moves", BytesOf({Event(kCreate), Event(kSealStored, 0, 0, 0, 0, 7), Event(kMoveOut),
                          Event(kSubscribe), Event(kMoveIn, 0, 0, 0, 0, 7), Event(kMoveOut),
                          Event(kLose), Event(kHold), Event(kDropClient), Event(kUnhold)})},
       {"failure", BytesOf({Event(kCreate, 1, 1), Event(kSubscribe, 1, 1), Event(kCreate, 0, 1),
                            Event(kHold, 0, 1), Event(kDropClient, 1), Event(kFail, 0, 1),
                            Event(kUnhold, 0, 1)})},
       {"followed",
        BytesOf({Event(kFollow), Event(kCreate), Event(kCreate, 0, 4), Event(kCreate, 0, 8),
                 Event(kSealInline, 0, 0, 0, 0, 3), Event(kSealInline, 0, 4, 0, 0, 9),
                 Event(kSealStored, 0, 8, 0, 0, 7), Event(kMoveOut, 0, 8), Event(kCreate, 1, 1),
                 Event(kSealInline, 1, 1, 0, 0, 5), Event(kGrant, 0, 1), Event(kFollow, 1),
                 Event(kRelease, 0, 4, 0, 0, 1), Event(kDropClient)})},
       {"lies",
        BytesOf({Event(kSealInline, 0, 0, 1, 1), Event(kCreate, 1), Event(kCreate), Event(kCreate),
                 Event(kSealInline, 0, 0, 1, 1), Event(kSealInline, 0, 0, 0, 1),
                 Event(kSubscribe, 2), Event(kRelease, 2, 0, 0, 0, 1), Event(kClaim, 0, 0, 0, 0, 1),
                 Event(kSealInline), Event(kSealInline)})},
       {"leases",
        BytesOf({Event(kLease, 0, 0, 0, 4, 9), Event(kPopulated), Event(kSeal, 0, 0, 0, 5, 40),
                 Event(kSeal, 0, 0, 0, 0, 9), Event(kReturnLease, 0, 0, 0, 0, 20), Event(kFree),
                 Event(kLease, 1, 0, 0, 4, 2), Event(kPopulated), Event(kDropWriter),
                 Event(kTrim)})},
       {"full",
        BytesOf({Event(kLeaseExactly, 0, 0, 0, 13, 7), Event(kPopulated),
                 Event(kSeal, 0, 0, 0, 0, 255), Event(kLease, 1, 0, 0, 10, 99), Event(kReturnLease),
                 Event(kLease, 1, 0, 0, 14, 5), Event(kLease, 1, 0, 0, 11, 9),
                 Event(kPopulateFailed), Event(kTrim), Event(kLease, 2, 0, 0, 15, 255)})},
       {"owner_dies_before_its_memory_comes",
        BytesOf({Event(kLease, 0, 0, 0, 3, 1), Event(kLease, 1, 0, 0, 3, 1), Event(kDropWriter),
                 Event(kPopulateFailed), Event(kPopulated)})},
       {"lies_about_places",
        BytesOf({Event(kLease, 0, 0, 0, 4, 9), Event(kPopulated), Event(kSealAnyhow, 0, 0, 3, 1, 2),
                 Event(kSealAnyhow, 0, 0, 3, 1, 2), Event(kSealAnyhow, 0, 0, 0, 3, 1),
                 Event(kSealAnyhow, 0, 0, 1, 5, 1), Event(kSealAnyhow, 0, 0, 1, 9, 1),
                 Event(kSealAnyhow, 1, 0, 9, 1, 1), Event(kReturnAnyhow, 0, 0, 7, 1, 4),
                 Event(kReturnAnyhow, 0, 0, 7, 1, 4)})}});
}

}  // namespace
}  // namespace troupe::objectstore
