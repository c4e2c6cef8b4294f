// The part of Node that lets clients in: how many, whose, and for how long without a word.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/fault/fault.h"
#include "core/fault/probe.h"
#include "scheduler/server/node.h"

namespace troupe::scheduler {
namespace {

constinit const fault::Point accept_point("node.accept");

}  // namespace

void Node::Accept() {
  const auto accept = [this] {
    return accept4(options_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  };
  for (;;) {
    UniqueFd socket(accept_point.Call(accept));
    if (!socket && (errno == EMFILE || errno == ENFILE)) {
      TROUPE_PROBE("node: no descriptor is left for a connection");
      // Who waits there would wake us for ever: one descriptor was kept to tell it no.
      spare_descriptor_.reset();
      socket = UniqueFd(accept());
      if (socket) TurnAway(std::move(socket), "the cluster has no descriptor left for it");
      spare_descriptor_ = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
      continue;
    }
    if (!socket) return;
    ucred peer{};
    socklen_t size = sizeof(peer);
    const bool known = getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (!known || peer.uid != geteuid()) {
      TROUPE_PROBE("node: another user is refused");
      Log(LogLevel::kWarning,
          absl::StrCat("user ", peer.uid, " (pid ", peer.pid,
                       ") was refused: this cluster belongs to user ", geteuid()));
      TurnAway(std::move(socket),
               "this cluster belongs to another user: start one of your own with `troupe up`");
      continue;
    }
    if (accepted_ >= Limits::kMaxConnections) {
      TROUPE_PROBE("node: too many connections");
      Log(LogLevel::kWarning,
          absl::StrCat("pid ", peer.pid, " was refused: ", accepted_, " programs are connected"));
      TurnAway(std::move(socket), absl::StrCat("the cluster has ", accepted_,
                                               " connections, its most: end some programs, or "
                                               "start another cluster"));
      continue;
    }
    auto connection = std::make_unique<Connection>(std::move(socket));
    connection->pid = peer.pid;
    connection->user = peer.uid;
    connection->accepted = true;
    connection->greet_until_nanos =
        MonotonicNanos() + int64_t{Limits::kHandshakeSeconds} * 1'000'000'000;
    ++accepted_;
    ++greeting_;
    AddConnection(std::move(connection));
  }
}

// One sentence, and the end; what does not fit into the socket is not worth waiting for.
void Node::TurnAway(UniqueFd socket, std::string_view reason) {
  Connection connection(std::move(socket));
  connection.SendControl(wire::Refused{reason}, {});
}

void Node::AddConnection(std::unique_ptr<Connection> connection) {
  Connection* c = connection.get();
  c->watcher =
      loop_.Watch(c->socket.fd(), loop::EventLoop::kReadable, [this, c](int) { OnSocket(c); });
  connections_.push_back(std::move(connection));
}

// The handshake of an accepted connection is over, well or not.
void Node::Greeted(Connection* connection) {
  if (std::exchange(connection->greet_until_nanos, 0) != 0) --greeting_;
}

int64_t Node::NextHandshakeDeadline() const {
  int64_t next = std::numeric_limits<int64_t>::max();
  if (greeting_ == 0) return next;
  for (const auto& connection : connections_) {
    if (connection->greet_until_nanos != 0) next = std::min(next, connection->greet_until_nanos);
  }
  return next;
}

void Node::ExpireHandshakes(int64_t now_nanos) {
  if (greeting_ == 0) return;
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection* connection = connections_[i].get();
    if (connection->greet_until_nanos == 0 || connection->greet_until_nanos > now_nanos) continue;
    TROUPE_PROBE("node: no Hello within the time");
    Close(connection, absl::DeadlineExceededError(absl::StrCat("it did not say Hello within ",
                                                               Limits::kHandshakeSeconds, " s")));
  }
}

}  // namespace troupe::scheduler
