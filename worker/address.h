// Where a cluster is found: addresses, the runtime directory of `troupe up`, and connecting to it.
//
// The runtime directory is TROUPE_RUNTIME_DIR, else $XDG_RUNTIME_DIR/troupe, else /tmp/troupe-UID.
// It belongs to the user and to nobody else (0700, checked by lstat), and holds node.sock and
// node.lock. Errors: one sentence each, saying what to do.
#ifndef TROUPE_WORKER_ADDRESS_H_
#define TROUPE_WORKER_ADDRESS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"

namespace troupe::worker {

std::string RuntimeDirectory();
// Makes the directory where it is missing. Errors: FailedPrecondition where it is another user's, a
// link, or open to others.
absl::Status PrepareRuntimeDirectory(const std::string& directory);

// The path in "unix:/path". Errors: InvalidArgument for other forms, and for paths over 107 bytes.
absl::StatusOr<std::string> PathOfAddress(std::string_view address);
// A connected socket, whose other end is this user's: whoever else listens there, in a directory
// that he made before us, is told nothing. Errors: NotFound where there is no socket;
// PermissionDenied where it is another user's; Unavailable where nobody listens on it any more, or
// nobody accepts.
absl::StatusOr<UniqueFd> ConnectToPath(const std::string& path);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_ADDRESS_H_
