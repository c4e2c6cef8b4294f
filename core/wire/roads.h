// The two roads by which a message is decoded and encoded, each alone: what messages.h has tries
// the short one first.
//
// Problem: capnp's readers and builders, which know every message, cost more than anything else
// that a task meets on its way. So the usual messages are read and written as plain words
// (PlainReader, PlainWriter). Of what the short road takes both say the same, to the byte;
// wire_test.cc looks.
//
// Bytes that are read are 8-aligned, those that were written are valid until the buffer's next use.
// Private to core/wire, and its tests.
#ifndef TROUPE_CORE_WIRE_ROADS_H_
#define TROUPE_CORE_WIRE_ROADS_H_

#include <optional>

#include "absl/status/status.h"
#include "core/wire/messages.h"

namespace troupe::wire::internal {

// True where it was of the plain kind; else `message` is unspecified.
bool GetPlain(Bytes bytes, ClientMessage* message);
bool GetPlain(Bytes bytes, NodeMessage* message);
bool GetPlain(Bytes bytes, Dispatch* message);
bool GetPlain(Bytes bytes, TaskSpec* message);

// Errors: InvalidArgument; `message` is unspecified then.
absl::Status GetAny(Bytes bytes, ClientMessage* message);
absl::Status GetAny(Bytes bytes, NodeMessage* message);

// Nothing where it is not of the plain kind.
std::optional<Bytes> EncodePlain(const TaskSpec& message, MessageBuffer& buffer);
std::optional<Bytes> EncodePlain(const Seal& message, MessageBuffer& buffer);
std::optional<Bytes> EncodePlain(const Complete& message, MessageBuffer& buffer);
std::optional<Bytes> EncodePlain(const Release& message, MessageBuffer& buffer);
std::optional<Bytes> EncodePlain(const Dispatch& message, MessageBuffer& buffer);
std::optional<Bytes> EncodePlain(const Ready& message, MessageBuffer& buffer);

Bytes EncodeAny(const ClientMessage& message, MessageBuffer& buffer);
Bytes EncodeAny(const NodeMessage& message, MessageBuffer& buffer);
Bytes EncodeAny(const TaskSpec& message, MessageBuffer& buffer);
Bytes EncodeAny(const Complete& message, MessageBuffer& buffer);

}  // namespace troupe::wire::internal

#endif  // TROUPE_CORE_WIRE_ROADS_H_
