// What the nouns of this package have in common: each is the handle of an actor, its server, which
// callers ask and are given tickets by.
//
// Problem: a call that waited inside the server would hold one of its few threads, and would go on
// for a caller that has died. So a server's answer is a ticket, at once: a promise of what is asked
// for. The caller waits for that in its own process, and has passed a token: a promise of its own
// that it keeps when it is done with what it got, and that breaks with its process. So the server
// learns that a holder is gone, and a wait in vain leaves nothing behind.
//
// Private to this package.
#ifndef TROUPE_SDK_SYNC_SERVER_H_
#define TROUPE_SDK_SYNC_SERVER_H_

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/time/time.h"
#include "sdk/actor.h"
#include "sdk/get.h"
#include "sdk/promise.h"

namespace troupe {

namespace internal {

// `T`: what is promised.
template <typename T>
struct Ticket {
  uint64_t number = 0;
  ObjectRef<T> promised;
};

// Keeps the promise; where the cluster is gone, nobody waits for it any more.
template <typename P, typename... V>
void Tell(P& promise, const V&... value) {
  try {
    promise.Set(value...);
  } catch (const Unavailable&) {
  }
}

// The handle, as users have it.
template <typename S>
class Front {
 public:
  using Server = S;

  // Refers to nothing; all methods refuse it with InvalidArgument.
  Front() = default;
  explicit Front(ActorHandle<Server> server) : server_(std::move(server)) {}

  explicit operator bool() const { return static_cast<bool>(server_); }
  friend bool operator==(const Front& a, const Front& b) { return a.server_ == b.server_; }
  const ActorHandle<Server>& server() const { return server_; }

 protected:
  template <typename... A>
  static ActorHandle<Server> Start(A... arguments) {
    return Actor<Server>(std::move(arguments)...).Remote();
  }
  // The one that all who ask for this name share.
  template <typename... A>
  static ActorHandle<Server> StartNamed(const char* kind, const std::string& name, A... arguments) {
    if (name.empty())
      Throw(ErrorKind::kInvalidArgument, std::string(kind) + ": its name is empty; use New()");
    return Actor<Server>(std::move(arguments)...)
        .Options({.name = std::string(kind) + ":" + name, .get_if_exists = true})
        .Remote();
  }

  // The server's answer.
  template <typename M, typename... A>
  auto Ask(M method, A&&... arguments) const {
    return Get(server_.Task(method).Remote(std::forward<A>(arguments)...));
  }

  // Waits for what the ticket promises. False where the time is over and it was given back; else it
  // has come, if only in the last moment.
  template <typename T>
  bool Await(const Ticket<T>& ticket, absl::Duration timeout) const {
    const ObjectId id = ticket.promised.id();
    const auto waited = ticket.promised.handle().session()->Wait(
        std::span(&id, 1), 1, DeadlineAfter(timeout), /*until_error=*/false);
    if (const auto* error = std::get_if<ErrorInfo>(&waited)) Throw(*error);
    return std::get<size_t>(waited) == 1 || !Ask(&Server::Withdraw, ticket.number);
  }

 private:
  ActorHandle<Server> server_;
};

template <typename F>
concept IsFront = requires {
  typename F::Server;
  F::kTypeName;
}
&&std::derived_from<F, Front<typename F::Server>>;

}  // namespace internal

namespace serialize {

// It travels as its server's handle.
template <troupe::internal::IsFront F>
struct RefTraits<F> {
  static constexpr std::string_view kName = F::kTypeName;
  static ObjectId Id(const F& front) { return front.server().id(); }
  static F Make(ObjectId id) { return F(RefTraits<ActorHandle<typename F::Server>>::Make(id)); }
};

}  // namespace serialize
}  // namespace troupe

#endif  // TROUPE_SDK_SYNC_SERVER_H_
