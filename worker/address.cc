#include "worker/address.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"

namespace troupe::worker {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

absl::Status CheckPathLength(const std::string& path) {
  if (path.size() < sizeof(sockaddr_un::sun_path)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the socket path ", path, " has ", path.size(), " bytes and at most ",
                   sizeof(sockaddr_un::sun_path) - 1,
                   " are possible: set TROUPE_RUNTIME_DIR to a shorter directory"));
}

// 0 milliseconds: without end.
void SetSendTimeout(const UniqueFd& socket, int milliseconds) {
  const timeval timeout{milliseconds / 1000, milliseconds % 1000 * 1000};
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

// The user who listens at the other end; nobody's number where that is unknown.
uid_t OwnerOf(const UniqueFd& socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return static_cast<uid_t>(-1);
  return peer.uid;
}

absl::Status OfAnotherUser(const std::string& path) {
  return absl::PermissionDeniedError(absl::StrCat(
      "the cluster at ", path, " belongs to another user: start one of your own with `troupe up`"));
}

}  // namespace

std::string RuntimeDirectory() {
  if (const char* directory = std::getenv("TROUPE_RUNTIME_DIR");
      directory != nullptr && *directory != '\0') {
    return directory;
  }
  if (const char* directory = std::getenv("XDG_RUNTIME_DIR");
      directory != nullptr && *directory != '\0') {
    return absl::StrCat(directory, "/troupe");
  }
  return absl::StrCat("/tmp/troupe-", geteuid());
}

absl::Status PrepareRuntimeDirectory(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot make the runtime directory ", directory, ": ", strerror(errno),
                     ": set TROUPE_RUNTIME_DIR to one that you may write"));
  }
  struct stat info {};
  if (lstat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid() ||
      (info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the runtime directory ", directory,
                     " is not a directory of yours alone (mode 0700): remove it, or set "
                     "TROUPE_RUNTIME_DIR to another one"));
  }
  return CheckPathLength(absl::StrCat(directory, "/node.sock"));
}

absl::StatusOr<std::string> PathOfAddress(std::string_view address) {
  if (address.substr(0, kUnixPrefix.size()) != kUnixPrefix ||
      address.size() == kUnixPrefix.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", ToAbsl(address),
                     "\" is no address of a cluster: write unix:/path/of/node.sock or embedded"));
  }
  std::string path(address.substr(kUnixPrefix.size()));
  if (absl::Status status = CheckPathLength(path); !status.ok()) return status;
  return path;
}

absl::StatusOr<UniqueFd> ConnectToPath(const std::string& path) {
  if (absl::Status status = CheckPathLength(path); !status.ok()) return status;
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  // Where the queue of those who wait to be accepted is full, connecting waits; not for ever.
  SetSendTimeout(socket, Limits::kConnectTimeoutMs);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    SetSendTimeout(socket, 0);
    if (OwnerOf(socket) == geteuid()) return socket;
    return OfAnotherUser(path);
  }
  const int error = errno;
  if (error == ENOENT)
    return absl::NotFoundError(
        absl::StrCat("there is no cluster at ", path, ": start one with `troupe up`"));
  if (error == ECONNREFUSED) {
    return absl::UnavailableError(
        absl::StrCat("nobody listens at ", path,
                     " any more: the node has died; start it again with `troupe up`"));
  }
  if (error == EACCES || error == EPERM) return OfAnotherUser(path);
  if (error == EAGAIN) {
    return absl::UnavailableError(absl::StrCat(
        "the node at ", path, " has accepted nobody for ", Limits::kConnectTimeoutMs / 1000,
        " s: it hangs, or is stopped; end it and start another with `troupe up`"));
  }
  return absl::UnavailableError(absl::StrCat("cannot connect to ", path, ": ", strerror(error)));
}

}  // namespace troupe::worker
