// One sample of each message and of each alternative within it, for tests: empty ones, and ones in
// which every field differs from its default and from its neighbours.
//
// The samples are views of memory that lives as long as the process.
#ifndef TROUPE_CORE_WIRE_MESSAGE_SAMPLES_H_
#define TROUPE_CORE_WIRE_MESSAGE_SAMPLES_H_

#include <string>
#include <utility>
#include <vector>

#include "core/wire/handshake.h"
#include "core/wire/messages.h"

namespace troupe::wire {

// A name for the file of a corpus, and the message.
template <typename Message>
using Samples = std::vector<std::pair<std::string, Message>>;

Samples<ClientMessage> ClientMessageSamples();
Samples<NodeMessage> NodeMessageSamples();
Samples<ControlMessage> ControlMessageSamples();

}  // namespace troupe::wire

#endif  // TROUPE_CORE_WIRE_MESSAGE_SAMPLES_H_
