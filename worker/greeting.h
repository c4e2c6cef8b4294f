// Greet says Hello to a node and waits for its answer: the beginning of every connection, of
// programs and of tools.
//
// Whatever answers, or does not, the caller gets one sentence that a user can act on. Not
// thread-safe.
#ifndef TROUPE_WORKER_GREETING_H_
#define TROUPE_WORKER_GREETING_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "core/base/unique_fd.h"
#include "core/channel/control_socket.h"
#include "core/wire/handshake.h"

namespace troupe::worker {

// `handle` is given the Welcome, and what has come right behind it, each with its descriptors.
// `deadline_nanos` is in MonotonicNanos.
// Errors: FailedPrecondition with the node's reason where it refuses; Unavailable where it does not
// answer in time, closes the connection, or is no node; what `handle` returns.
absl::Status Greet(
    channel::ControlSocket& socket, const wire::Hello& hello, std::span<const int> descriptors,
    int64_t deadline_nanos,
    absl::FunctionRef<absl::Status(const wire::ControlMessage&, std::vector<UniqueFd>)> handle);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_GREETING_H_
