// MessageText says what an encoded message says, by the names of its schema: a line for each field
// that is not its default and not empty; of a union, what it has chosen in any case.
//
//   claim.lo = 7
//   claim.count = 3
//
// Fields that are added to the schema later do not change the text of an older message: they have
// their defaults there. So the text of a message stays the same for ever, unless what its bytes
// mean has changed. For tests.
#ifndef TROUPE_TESTS_GOLDEN_MESSAGE_TEXT_H_
#define TROUPE_TESTS_GOLDEN_MESSAGE_TEXT_H_

#include <string>

#include "core/wire/messages.h"

namespace troupe::golden {

enum class Root { kClient, kNode, kControl };

// REQUIRES: `message` was encoded by core/wire, or decoded there without an error.
std::string MessageText(Root root, wire::Bytes message);

}  // namespace troupe::golden

#endif  // TROUPE_TESTS_GOLDEN_MESSAGE_TEXT_H_
