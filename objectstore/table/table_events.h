// What may happen to the object table and to the store's space, for table_fuzz.cc and its corpus.
//
// A FuzzEvent's `what` is one of these, modulo kTableEvents. Clients are numbered from 1 to
// kTableClients; `which` and `other` choose among the few objects that they can make, or among the
// places that there are. For tests.
#ifndef TROUPE_OBJECTSTORE_TABLE_TABLE_EVENTS_H_
#define TROUPE_OBJECTSTORE_TABLE_TABLE_EVENTS_H_

#include <cstdint>

namespace troupe::objectstore {

inline constexpr uint8_t kTableClients = 4;

enum class TableEvent : uint8_t {
  // The object table: `who` does it to object `which`.
  kCreate,
  // `much` bytes; inside are, by `how` % 3: nothing; `other`; `other` and the same client's next
  // one
  kSealInline,
  kSealStored,
  kFail,
  kGrant,  // 1 + `much` of them
  kRelease,
  kClaim,  // `much` ids from number `how`
  kHold,
  kUnhold,
  kSubscribe,
  kMoveOut,
  kMoveIn,
  kLose,
  kDropClient,
  // The space: `which` is a place among those that there are of the kind.
  kLease,         // `much` units of 64 << (how % 16) bytes
  kLeaseExactly,  // the same
  kPopulated,
  kPopulateFailed,
  kSeal,         // a piece of a lease, from its beginning, of 1 + `much` units
  kSealAnyhow,   // a place made of numbers that nobody checks
  kReturnLease,  // the end of a lease, but for `much` units
  kReturnAnyhow,
  kFree,
  kDropWriter,
  kTrim,
  // What came later, so that corpora keep what they say.
  kFollow,  // as kDropClient, of the object table
};
inline constexpr uint8_t kTableEvents = 26;

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_TABLE_TABLE_EVENTS_H_
